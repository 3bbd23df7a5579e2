"""Which rules answers break: counted, shown in both reports, and silent where nobody looked."""

import pytest

from pete.evaluate.judge.conclusion import JudgeResult
from pete.evaluate.stats import Rate
from pete.report import write_report
from pete.report.comparison import rules_broken
from pete.report.extraction import extraction
from pete.report.model import read_report
from pete.report.results import side
from tests.unit.report.conftest import MakeRun, evaluation, held_out, sample

LONG = {"rule": "length", "words": "too long for a tagline (14 words, at most 10)", "start": 0, "end": 24}
SAYS = {"rule": "avoid", "words": "says 'unlock'", "start": 6, "end": 12}
CUT = {"rule": "unfinished", "words": "cut off before its end", "start": 9, "end": 9}
SCORES = {"degenerate.any": 0.0, "cliche.any": 0.0, "leak.any": 0.0, "leak.raw": 0.0}


def log(**facts: object):
    samples = [
        sample("base", "a", "Plain and never unlocked.", flags=[SAYS, LONG], attempts=2, tokens_drawn=50),
        sample("base", "b", "Plain words.", tokens_drawn=20),
        sample("tuned", "a", "Fine.", attempts=2, tokens_drawn=50, leaks_raw=1, stop="loop"),
        sample("tuned", "b", "Plain.", tokens_drawn=20),
        sample("tuned", "c", "Cut where", stop="length", flags=[CUT], tokens_drawn=20),
        sample("tuned", "d", "Plain.", tokens_drawn=20),
    ]
    return evaluation([held_out(100, 90, topic=f"t{n}") for n in range(5)], samples, **facts)


def test_how_many_answers_break_which_rule():
    base, tuned = rules_broken(log(), "base"), rules_broken(log(), "tuned")
    assert base is not None and base.any == Rate(1, 2) and base.by_rule == {"avoid": Rate(1, 2), "length": Rate(1, 2)}
    assert tuned is not None and tuned.any == Rate(1, 4) and tuned.by_rule == {"unfinished": Rate(1, 4)}
    assert rules_broken(evaluation(), "base") is None


@pytest.mark.parametrize("version", [1, 2])
def test_logs_from_before_the_rules_say_nothing(make_run: MakeRun, version):
    run = make_run(log=log(version=version))
    assert list(extraction(log(version=version))) == []
    write_report(run)
    for text in (run.report_html.read_text(encoding="utf-8"), run.report_md.read_text(encoding="utf-8")):
        assert "Extraction and Rules" not in text and "persona's rules" not in text and "Performance Summary" in text


def test_both_reports_show_it(make_run: MakeRun):
    run = make_run(log=log())
    data = write_report(run)
    markdown = run.report_md.read_text(encoding="utf-8")
    assert "25% of the tuned answers break a rule (1 of 4)." in markdown
    assert "| Answers | Base | Tuned |" in markdown and "| Breaks a rule | 50% | 25% |" in markdown
    assert "| Too long or too short | 50% | 0% |" in markdown
    assert "| Stopped in a loop | 0% | 25% |" in markdown and "| Control marks in the raw text | 0% | 25% |" in markdown
    assert "| Tuned | 4 | 5 | 110 | 80 |" in markdown
    assert "1 of 4 tuned answers were chosen among several." in markdown, "the verdict says so"
    html = run.report_html.read_text(encoding="utf-8")
    assert "Extraction and Rules" in html and "Tokens drawn" in html
    (finding,) = (f for f in data.of_kind("weakness") if f.title == "Answers break the persona's rules")
    assert finding.evidence == "1 of 4 answers break a rule (25%); base 50%. Most often: cut off before its end (1 of 4)."


def test_where_one_answer_is_drawn_nothing_is_said_of_the_cost(make_run: MakeRun):
    plain = [s.model_copy(update={"attempts": 1, "tokens_drawn": s.tokens}) for s in log().samples]
    run = make_run(log=log().model_copy(update={"samples": plain}))
    write_report(run)
    markdown = run.report_md.read_text(encoding="utf-8")
    assert "| Breaks a rule | 50% | 25% |" in markdown and "Tokens drawn" not in markdown and "chosen among" not in markdown


def test_where_every_rule_is_kept_one_sentence_says_so(make_run: MakeRun):
    run = make_run(log=evaluation(samples=[sample("tuned", "a", "Plain.")]))
    data = write_report(run)
    markdown = run.report_md.read_text(encoding="utf-8")
    assert "0% of the tuned answers break a rule (0 of 1)." in markdown and "| Breaks a rule" not in markdown
    assert any(f.title == "Answers keep the persona's rules" for f in data.of_kind("strength"))


def test_a_flag_is_marked_where_it_is_and_told_in_words():
    base, tuned = log().samples[0], log().samples[2]
    shown = side("base", base)
    assert shown.flagged and "too long for a tagline (14 words, at most 10)" in shown.notes and "chosen among 2" in shown.notes
    assert [(p.text, p.kinds) for p in shown.pieces if p.marks] == [
        ("Plain ", ("rule",)),
        ("and ne", ("cliche", "rule")),
        ("ver unlocked", ("rule",)),
    ]
    assert not side("tuned", tuned).flagged


def test_what_a_scorer_marks_is_not_marked_twice_nor_told_twice():
    mark = {"start": 6, "end": 12, "kind": "cliche", "note": "unlock*"}
    one = sample("tuned", "a", "Never unlock it.", marks=[mark], flags=[SAYS], scores=SCORES | {"cliche.any": 1.0})
    shown = side("tuned", one)
    assert [(p.text, p.words) for p in shown.pieces if p.marks] == [("unlock", "what the voice avoids: unlock*")]
    assert "says 'unlock'" in shown.notes and "phrase to avoid" not in shown.notes
    whole = sample("tuned", "a", "Never.", flags=[LONG | {"start": 0, "end": 6}, CUT | {"start": 6, "end": 6}], stop="length")
    assert not any(p.marks for p in side("tuned", whole).pieces), "underlining all of it shows nothing"
    assert CUT["words"] not in side("tuned", whole).notes and "cut off at the limit" in side("tuned", whole).notes


def test_a_judge_is_told_in_its_own_sentences(make_run: MakeRun):
    said = JudgeResult(created="now", url="http://localhost:1/v1", model="m", conclusion="no conclusion", reason="it sways", strict=3)
    run = make_run(log=log(judge=said.model_dump()))
    assert read_report(run).evaluation is not None
    write_report(run)
    for text in (run.report_html.read_text(encoding="utf-8"), run.report_md.read_text(encoding="utf-8")):
        assert "Judge" in text and "no conclusion (it sways)." in text and "3 as asked" in text
