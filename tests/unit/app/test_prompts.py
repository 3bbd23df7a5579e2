from types import SimpleNamespace

import pytest

from pete.app import prompts as module
from pete.app.prompts import try_prompt_formats
from pete.app.train import new_training, train
from pete.errors import PersonaError
from tests.unit.app.conftest import Heard


class Trial(SimpleNamespace):
    """What a trial is to whoever keeps it: written at once, and again with what was adopted."""

    def write(self, path):
        self.kept.append((path.name, getattr(self, "written", [])))

    def model_copy(self, update):
        return Trial(**vars(self) | update)


@pytest.fixture
def run(sets, tmp_path):
    return train(new_training(None, None, sets), Heard(), out=tmp_path / "run").run


@pytest.fixture
def trial(monkeypatch):
    trial = Trial(kept=[], samples=0)

    def run_trial(tuned, run, prompts, samples, on_stage):
        trial.samples, trial.limit = samples, tuned.config.generate.max_new_tokens
        return trial

    monkeypatch.setattr(module, "run_trial", run_trial)
    return trial


def test_a_trial_is_kept_before_and_after_its_choice_is_written(run, trial, monkeypatch, persona_folder):
    monkeypatch.setattr(module, "adopt", lambda trial, run, persona: [persona.folder / "persona.toml"])
    result = try_prompt_formats(run, Heard(), samples=3, overrides=["generate.max_new_tokens=9"])
    assert (trial.samples, trial.limit) == (3, 9) and result.written == [str((persona_folder / "persona.toml").resolve())]
    assert trial.kept == [(run.prompts_trial.name, []), (run.prompts_trial.name, result.written)]


def test_without_writing_the_persona_is_not_even_read(run, trial, monkeypatch):
    monkeypatch.setattr(module, "open_persona", lambda *_: pytest.fail("read"))
    try_prompt_formats(run, Heard(), write=False)
    assert len(trial.kept) == 1


def test_a_persona_that_cannot_be_written_is_said_before_anything_is_asked(run, trial, persona_folder):
    (persona_folder / "persona.toml").unlink()
    with pytest.raises(PersonaError, match="cannot be written to"):
        try_prompt_formats(run, Heard())
    assert trial.samples == 0 and trial.kept == []
