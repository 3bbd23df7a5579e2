from pete.report.blocks import Section, Steps
from pete.report.chapters.next_steps import next_steps
from pete.report.model import read_report
from tests.unit.report.conftest import MakeRun, evaluation, held_out, sample


def test_what_trains_again_comes_last(make_run: MakeRun):
    worse = [held_out(100, 120, topic=f"t{n}") for n in range(30)]
    found = next_steps(read_report(make_run(log=evaluation(worse, [sample("tuned", "a", "Plain.")]))))
    assert found is not None
    parts = [part for part in found.blocks if isinstance(part, Section)]
    assert len(parts) == 2 and parts[-1].title == "Medium-Term: with another training"
    (steps,) = parts[-1].blocks
    assert isinstance(steps, Steps) and all(step.command.startswith("pete train") for step, _ in steps.steps)


def test_nothing_to_suggest_is_no_chapter(make_run: MakeRun):
    assert next_steps(read_report(make_run(events=()))) is None
