import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from pete.config import override, resolve
from pete.events import Event
from pete.history import fold
from pete.report import write_report
from pete.report.advice import Measured
from pete.report.comparison import Comparison
from pete.report.model import ReportData, read_report
from pete.run import RunDir
from tests.unit.report.conftest import HISTORY, MakeRun, evaluation, finished, held_out, sample, started, step, validated

TOPICS = 60  # as many as a share of nothing needs to pass


def measured_of(found: Comparison) -> Measured:
    run = RunDir(Path("runs/r"))
    return Measured(run, resolve().config, fold(HISTORY), found, 2000, "Ada")


def titles(data: ReportData, kind: str) -> str:
    return " | ".join(f.title for f in data.of_kind(kind))


def pairs(count: int, **tuned: object) -> list:
    return [
        s
        for n in range(count)
        for s in (sample("base", f"p{n}", f"base says thing {n}"), sample("tuned", f"p{n}", f"answer {n} is its own", **tuned))
    ]


def gains(by: float, noise: float = 1.0) -> list:
    return [held_out(100 + (n % 5) * noise, 100 - by - (n % 3) * noise, topic=f"t{n}") for n in range(TOPICS)]


BAD = {"stop": "length", "leaks_clean": 1, "leaks_raw": 1, "scores": {"degenerate.any": 1.0, "cliche.any": 1.0, "leak.any": 1.0}}
LOGS = {
    "none": None,
    "good": lambda: evaluation(gains(20), pairs(TOPICS)),
    "bad": lambda: evaluation(gains(-20), pairs(TOPICS, **BAD), peak_memory=9_000_000_000),
    "flat": lambda: evaluation([held_out(100 + (-1) ** n, 100, topic=f"t{n}") for n in range(TOPICS)], pairs(TOPICS)),
    "few": lambda: evaluation(gains(20)[:3], pairs(3)),
    "one": lambda: evaluation(gains(20)[:1], pairs(1)),
}


@pytest.mark.parametrize("name", LOGS)
def test_no_finding_without_a_number_and_no_advice_without_a_finding(make_run: MakeRun, name: str):
    make = LOGS[name]
    data = read_report(make_run(log=make() if make else None))
    assert data.findings
    for finding in data.findings:
        assert re.search(r"\d", finding.evidence), finding
        assert finding.source in ("events.jsonl", "config.toml", "evaluations/suite.json")
    assert data.next_steps or name == "good"
    for suggestion, because in data.next_steps:
        assert because in data.findings and suggestion.command.startswith("pete ")


@pytest.mark.parametrize("name", LOGS)
def test_every_suggested_setting_is_accepted_by_the_configuration(make_run: MakeRun, name: str):
    make = LOGS[name]
    run = make_run(log=make() if make else None, events=OVERFIT)
    looked = 0
    for suggestion, _ in read_report(run).next_steps:
        words = shlex.split(suggestion.command)
        sets = [value for flag, value in pairwise(words) if flag == "--set"]
        if words[1] == "train":
            looked += 1
            resolve(None, run.config_file, sets)
        elif words[1] == "evaluate":
            looked += 1
            override(run.read_config(), sets, ("evaluate", "generate"))
    assert looked or name in ("none", "good", "few", "one")


def test_a_good_run(make_run: MakeRun):
    data = read_report(make_run(log=LOGS["good"]()))
    good = titles(data, "strength")
    for words in ("knows the voice", "neither loop", "end by themselves", "No control mark"):
        assert words in good
    assert "avoids" not in good, "0 against 0 settles nothing"


def test_what_the_author_does_not_hold_himself_is_shown_with_his_number(make_run: MakeRun):
    alike = {"scores": {"degenerate.any": 0.0, "leak.any": 0.0, "collapse.any": 1.0}}
    rows = [row.model_copy(update={"scores": {"collapse.any": float(n % 5 > 0)}}) for n, row in enumerate(gains(20))]
    samples = [
        s if n % 6 != 1 else s.model_copy(update={"scores": s.scores | {"collapse.any": 0.0}}) for n, s in enumerate(pairs(TOPICS, **alike))
    ]
    run = make_run(log=evaluation(rows, samples))
    data = read_report(run)
    assert "Not held against it: answers begin alike" in titles(data, "open") and "begin alike" not in titles(data, "weakness")
    write_report(run)
    for text in (run.report_html.read_text(), run.report_md.read_text()):
        assert "not in force" in text and "Not in force, the author fails it too: begins like another answer" in text
        assert f"80.0% of {TOPICS} rows do not hold it" in text


def test_a_bad_run(make_run: MakeRun):
    data = read_report(make_run(log=LOGS["bad"]()))
    bad = titles(data, "weakness")
    for words in (
        "does not know the voice", "loop or are empty", "do not end", "Control marks reach", "loops more than the base",
        "Phrases the voice avoids: worse than the base",
    ):  # fmt: skip
        assert words in bad
    text = next(f.evidence for f in data.findings if f.title.startswith("Some answers loop"))
    assert "100% of the answers, base 0%" in text and "the gate: at most 2%" in text
    commands = [s.command for s, _ in data.next_steps]
    for words in ("generate.repetition_penalty=1.25", "generate.max_new_tokens=330"):
        assert any(words in c for c in commands), words


def test_what_is_not_settled_is_said_to_be_so(make_run: MakeRun):
    rows = [held_out(100 + 8 * (-1) ** n, 99, topic=f"t{n}") for n in range(TOPICS)]
    data = read_report(make_run(log=evaluation(rows, pairs(TOPICS))))
    assert "Not settled: it knows the voice" in titles(data, "open")
    assert "knows the voice: unseen" not in titles(data, "strength")
    finding = next(f for f in data.of_kind("open") if "knows the voice" in f.title)
    assert "no significant difference" in finding.evidence and "data.test_share=0.2" in finding.suggestions[0].command


def test_underpowered_is_said_and_asks_for_more_prompts(make_run: MakeRun):
    data = read_report(make_run(log=LOGS["few"]()))
    finding = next(f for f in data.of_kind("open") if "neither loop" in f.title)
    assert "3 prompts or topics cannot settle it: underpowered" in finding.evidence.lower()
    assert finding.suggestions[0].command.startswith("pete evaluate") and "three times" in finding.suggestions[0].text
    often = [a.model_copy(update={"number": n}) for a in LOGS["few"]().samples for n in range(3)]
    data = read_report(make_run(log=LOGS["few"]().model_copy(update={"samples": often}), folder="often"))
    finding = next(f for f in data.of_kind("open") if "neither loop" in f.title)
    assert "evaluate.samples=6" in finding.suggestions[0].command


def test_a_category_that_lost_is_named(make_run: MakeRun):
    rows = [held_out(100, 80 - n % 3, topic=f"t{n}") for n in range(TOPICS)]
    rows += [held_out(100, 110 + n % 3, topic=f"s{n}", category="service") for n in range(TOPICS)]
    bad = titles(read_report(make_run(log=evaluation(rows))), "weakness")
    assert "Customer Service became worse" in bad and "Marketing" not in bad


def test_one_topic_has_no_interval(make_run: MakeRun):
    data = read_report(make_run(log=LOGS["one"]()))
    assert "no interval from 1" in next(f.evidence for f in data.of_kind("open") if "unseen writing" in f.title)


OVERFIT: list[Event] = [
    started(), validated(0, 4.0), *(step(n, 4.0 - 0.2 * n) for n in range(1, 5)), validated(4, 3.0, True),
    *(step(n, 4.0 - 0.2 * n) for n in range(5, 11)), validated(10, 3.3), finished(10, 4),
]  # fmt: skip


def test_overfitting_is_the_best_step_long_before_the_last(make_run: MakeRun):
    data = read_report(make_run(OVERFIT))
    finding = next(f for f in data.of_kind("weakness") if "past its best point" in f.title)
    assert (
        "Best validation loss 3.000 at step 4 of 10; 3.300 at step 10 (+10.0%), so the last 60% of the steps did not help"
        in finding.evidence
    )
    assert "The adapter is the one of step 4." in finding.evidence


def test_still_improving_is_seen(make_run: MakeRun):
    assert "Training ended while it was still improving" in titles(read_report(make_run()), "weakness")


def test_what_this_evaluation_changed_stays_changed_in_the_next_command(make_run: MakeRun):
    log = LOGS["bad"]().model_copy(update={"generate": {"max_new_tokens": 100, "temperature": 0.5}})
    commands = [s.command for s, _ in read_report(make_run(log=log)).next_steps]
    again = next(c for c in commands if "repetition_penalty" in c)
    assert "generate.max_new_tokens=100" in again and "generate.temperature=0.5" in again
