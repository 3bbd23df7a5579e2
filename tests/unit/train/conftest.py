"""A training on the fake engine, in a folder of its own."""

import json
from pathlib import Path

import pytest

from pete import events
from pete.config import resolve
from pete.errors import Interrupted
from pete.events import Finished, Step
from pete.run import RunDir
from pete.train.loop import Stop
from pete.train.prepare import prepare, resumable
from pete.train.session import TrainingSession

SETTINGS = [
    "engine.name=fake", "model.base=fake", "data.max_length=2000", "train.steps=24", "train.micro_batch=4", "train.accumulation=1",
    "train.save_every=6", "train.eval_every=6", "optim.learning_rate=0.05", "optim.warmup_steps=1",
]  # fmt: skip


class Trial:
    """One run in a folder of its own."""

    def __init__(self, folder: Path, persona: Path) -> None:
        self.run, self.persona, self.stop = RunDir.create(folder, "x"), persona, Stop()

    def train(self, *sets: str, on_event=lambda event: None, **more):
        resolved = resolve(None, None, [f"data.persona={json.dumps(str(self.persona))}", *SETTINGS, *sets])
        return TrainingSession(resolved, prepare(resolved.config), self.run, on_event, self.stop, **more).train()

    def stop_at(self, step: int) -> None:
        """Train up to a step, and leave a run that can go on."""

        def stop(event):
            if isinstance(event, Step) and event.step == step:
                self.stop.request(15)

        with pytest.raises(Interrupted):
            self.train(on_event=stop)
        assert self.told(Finished)[-1].reason == "interrupted" and self.told(Step)[-1].step <= step + 1

    def resume(self, on_event=lambda event: None):
        return TrainingSession(*resumable(self.run), self.run, on_event, resume=True).train()

    def told(self, kind: type) -> list:
        return [event for event in events.read(self.run.events_file) if isinstance(event, kind)]

    def left_nothing(self) -> bool:
        """No adapter, not half of one either, and nobody says that it is done."""
        assert not list(self.run.folder.glob(".tmp-*"))
        return not self.run.adapter.exists() and all(event.reason != "done" for event in self.told(Finished))


@pytest.fixture
def trial(tmp_path, persona_folder) -> Trial:
    return Trial(tmp_path / "run", persona_folder)
