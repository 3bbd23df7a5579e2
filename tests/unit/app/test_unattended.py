import os
from types import SimpleNamespace

import pytest

from pete.app import resume, train, unattended
from pete.app.notify import Silent
from pete.app.unattended import preset_for, unattended_training
from pete.config import resolve
from pete.errors import BaseModelError, DataError, PersonaError, RunError
from pete.events import Finished
from pete.resources import PRESETS
from pete.run import RunDir
from pete.words import GB


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A runs folder, and stand-ins for everything that would read a base: `said` is what the user saw."""

    class World:
        def __init__(self):
            self.said, self.asked, self.broken = [], [], {}
            self.fetched, self.missing = [], 0

        def run(self, name, age, preset="mac-16gb", adapter=False):
            run = RunDir(tmp_path / "runs" / name)
            run.folder.mkdir(parents=True)
            run.write_config(resolve(preset))
            os.utime(run.config_file, (1e9 - age, 1e9 - age))
            if adapter:
                run.adapter.mkdir()
            return run

        def plan(self, memory=16 * GB, overrides=(), new=False):
            class Told(Silent):
                def message(_, text, level="info"):
                    self.said.append(text)

                def ask(_, question, choices, default):
                    assert choices == ("continue", "new") and default == "continue"
                    self.asked.append(question.removesuffix(" is not finished."))
                    return "new" if new else default

            return unattended_training(overrides, Told(), memory)

        def look_up_base(self, model):
            if model.base in self.broken:
                raise self.broken[model.base]
            return SimpleNamespace(missing=self.missing)

        def resolve_base(self, model):
            self.fetched.append(model.base)
            if "fetch" in self.broken:
                raise self.broken["fetch"]

        def prepare(self, config):
            return f"prepared {config.model.base}"

        def resumable(self, run):
            if run.name in self.broken:
                raise self.broken[run.name]
            return run.read_config(), f"prepared {run.name}"

    world = World()
    for name in ("look_up_base", "resolve_base"):
        monkeypatch.setattr(unattended, name, getattr(world, name))
    monkeypatch.setattr(train, "prepare", world.prepare)
    monkeypatch.setattr(resume, "resumable", world.resumable)
    return world


@pytest.mark.parametrize(
    ("gib", "preset"),
    [
        (4, "mac-8gb"),
        (8, "mac-8gb"),
        (15.6, "mac-16gb"),
        (16, "mac-16gb"),
        (18, "mac-16gb"),
        (23.4, "mac-24gb"),
        (24, "mac-24gb"),
        (128, "mac-24gb"),
    ],
)
def test_memory_chooses_the_preset(gib, preset):
    assert preset_for(int(gib * GB)) == preset
    assert (PRESETS / f"{preset}.toml").is_file()


def test_a_first_night_starts_a_run_and_asks_nothing(world):
    night = world.plan(overrides=["train.seed=7"])
    assert (night.label, night.run, night.prepared) == ("mac-16gb", None, "prepared EleutherAI/pythia-1.4b")
    assert night.resolved.config.train.seed == 7 and world.asked == []
    assert world.said == ["Preset mac-16gb, for a machine with 16 GB. Looking for EleutherAI/pythia-1.4b, here and then at the hub ..."]


def test_what_is_missing_is_fetched_before_the_night_and_what_is_here_is_not(world):
    assert world.plan().label == "mac-16gb" and world.fetched == []
    world.missing = 1000
    assert world.plan().label == "mac-16gb" and world.fetched == ["EleutherAI/pythia-1.4b"]
    world.broken["fetch"] = BaseModelError("Fetching broke off.")
    assert world.plan().label == "quickstart"


def test_an_unfinished_run_goes_on(world):
    world.run("old", 300)
    run = world.run("newer", 200)
    night = world.plan()
    assert night.run.folder == run.folder and night.prepared == "prepared newer" and world.asked == ["newer"]
    assert world.said == [f"Going on with {run.folder}."]
    assert world.plan(new=True).run is None


def test_a_finished_night_is_followed_by_a_new_one(world):
    world.run("forgotten", 300)
    world.run("done", 200, adapter=True)
    assert world.plan().run is None and world.asked == []


@pytest.mark.parametrize("reason", ["not better", "not published"])
def test_a_night_in_vain_is_followed_by_a_new_one(world, reason):
    run = world.run("vain", 200)
    run.append_event(Finished(step=9, reason="interrupted", best_step=0, best_loss=2.0, seconds=1.0))
    assert world.plan().run is not None
    run.append_event(Finished(step=10, reason=reason, best_step=0, best_loss=2.0, seconds=1.0))
    assert world.plan().run is None


def test_a_quickstart_is_no_nights_work(world):
    run = world.run("night", 300)
    world.run("broken-off", 200, preset="quickstart")
    world.run("yesterday", 100, preset="quickstart", adapter=True)
    assert world.plan().run.folder == run.folder


def test_a_run_that_cannot_go_on_costs_no_night(world):
    world.run("night", 100)
    world.broken["night"] = DataError("its data was changed since training began.")
    night = world.plan()
    assert night.run is None and night.label == "mac-16gb" and "cannot go on: its data was changed" in world.said[0]


def test_two_at_once_is_refused_even_when_the_other_is_a_quickstart(world):
    run = world.run("busy", 100, preset="quickstart")
    with run.lock(), pytest.raises(RunError, match=f"by process {os.getpid()}") as caught:
        world.plan()
    assert "pete monitor busy" in caught.value.hint or str(run.folder) in caught.value.hint


def test_no_network_means_the_embedded_base_and_a_word_about_it(world):
    world.broken["EleutherAI/pythia-410m"] = BaseModelError("Not cached, and the hub cannot be reached.", "hf download it")
    night = world.plan(8 * GB, ["train.seed=7"])
    assert night.label == "quickstart" and night.prepared == "prepared smollm2-135m-instruct" and night.resolved.config.train.seed == 7
    assert "pythia-410m" in world.said[0]
    assert world.said[1].startswith("Not cached, and the hub cannot be reached. Tonight the embedded base learns instead")
    assert len(world.said) == 2


def test_a_wrong_persona_is_an_error_and_no_reason_for_another_base(world, monkeypatch):
    def prepare(config):
        raise PersonaError("There is no persona.")

    monkeypatch.setattr(train, "prepare", prepare)
    with pytest.raises(PersonaError):
        world.plan()
    assert "embedded" not in " ".join(world.said)


def test_files_that_are_no_runs_and_runs_of_another_version_are_passed_over(world, tmp_path):
    run = world.run("night", 300)
    foreign = world.run("foreign", 100)
    foreign.config_file.write_text("[from]\nthe = 'future'\n")
    (tmp_path / "runs" / ".DS_Store").write_text("")
    (tmp_path / "runs" / "empty").mkdir()
    assert world.plan().run.folder == run.folder
