"""Verbs called as functions, on the fake engine."""

import json
from pathlib import Path

import pytest

from pete.app.notify import Notify
from pete.machine import awake, notify
from tests.unit.machine.macs import mac

FAKE = [
    "engine.name=fake", "model.base=fake", "data.max_length=2000", "train.steps=12", "train.micro_batch=2", "train.accumulation=1",
    "train.save_every=4", "train.eval_every=4", "optim.learning_rate=0.05", "optim.warmup_steps=1",
]  # fmt: skip


class Heard(Notify):
    """Keeps all that is said; answers with the default unless told otherwise."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.stages: list[tuple[str, int, int]] = []
        self.events: list = []

    def progress(self, what, done, of):
        self.stages.append((what, done, of))

    def message(self, text, level="info"):
        self.lines.append((level, text))

    def event(self, event):
        self.events.append(event)


def on_paper(persona: Path, patch: pytest.MonkeyPatch) -> list[str]:
    """The configuration of a short training on a Mac on paper, of which the desktop hears nothing."""
    patch.setattr("pete.machine.doctor.Probes", lambda: mac())
    patch.setattr(awake, "platform", type("Linux", (), {"system": staticmethod(lambda: "Linux")}))
    patch.setattr(notify, "notify", lambda text: None)
    return [f"data.persona={json.dumps(str(persona))}", *FAKE]


@pytest.fixture
def sets(persona_folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """`on_paper`, with a persona of its own."""
    return on_paper(persona_folder, monkeypatch)
