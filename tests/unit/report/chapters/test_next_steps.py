from dataclasses import replace

from pete.report.advice import Suggestion
from pete.report.blocks import Section, Steps
from pete.report.chapters.next_steps import next_steps
from pete.report.findings import Finding
from pete.report.model import read_report
from tests.unit.report.conftest import MakeRun


def test_what_trains_again_comes_last(make_run: MakeRun):
    finding = Finding("weakness", "It recites", "9 of 10.", "evaluations/suite.json")
    steps = tuple(
        (Suggestion(command, command), finding) for command in ("pete train --set a=1", "pete evaluate r", "pete train --set b=2")
    )
    chapter = next_steps(replace(read_report(make_run()), next_steps=steps))
    assert chapter is not None
    parts = [part for part in chapter.blocks if isinstance(part, Section)]
    assert [part.title for part in parts] == ["Short-Term: without training again", "Medium-Term: with another training"]
    shown = [[step.command for step, _ in block.steps] for part in parts for block in part.blocks if isinstance(block, Steps)]
    assert shown == [["pete evaluate r"], ["pete train --set a=1", "pete train --set b=2"]]


def test_nothing_to_suggest_is_no_chapter(make_run: MakeRun):
    assert next_steps(read_report(make_run(events=()))) is None
