"""What was flagged at first and as given: counted, shown in both reports, and silent where nobody looked."""

import pytest

from pete.evaluate.judge.conclusion import JudgeResult
from pete.evaluate.stats import Rate
from pete.report import write_report
from pete.report.attempts import attempts
from pete.report.comparison import compare
from pete.report.model import read_report
from pete.report.results import side
from tests.unit.report.conftest import MakeRun, evaluation, held_out, sample

LONG = {"rule": "length", "words": "too long for a tagline (14 words, at most 10)", "start": 0, "end": 24}
SAYS = {"rule": "avoid", "words": "says 'unlock'", "start": 6, "end": 12}
CUT = {"rule": "unfinished", "words": "cut off before its end", "start": 9, "end": 9}
SCORES = {"degenerate.any": 0.0, "cliche.any": 0.0, "leak.any": 0.0, "leak.raw": 0.0}


def first(text: str, *flags: dict, **facts: object) -> dict:
    values = {"text": text, "raw": text, "tokens": 30, "stop": "end", "leaks_raw": 0, "leaks_clean": 0, "scores": SCORES}
    return values | facts | {"flags": flags}


def drawn_again(**facts: object) -> dict:
    return {"attempts": 2, "tries": 2, "tokens_drawn": 50, "seconds": 6.0, "seconds_at_first": 4.0} | facts


def log(**facts: object):
    once = {"tokens_drawn": 20, "seconds": 4.0, "seconds_at_first": 4.0}
    bad = first("Too many words, far too many.", LONG, SAYS, stop="loop", leaks_raw=1, scores=SCORES | {"cliche.any": 1.0})
    samples = [
        sample("base", "a", "Plain and never unlocked.", seed=0, flags=[SAYS, LONG], **drawn_again()),
        sample("base", "b", "Plain words.", seed=0, **once),
        sample("tuned", "a", "Fine.", seed=0, first=bad, **drawn_again()),
        sample("tuned", "b", "Plain.", seed=0, **once),
        sample("tuned", "c", "Cut where", seed=7, stop="length", flags=[CUT], **once | {"seconds": 3.0, "seconds_at_first": 3.0}),
        sample("tuned", "d", "Plain.", seed=7, **once | {"seconds": 2.0, "seconds_at_first": 2.0}),
    ]
    return evaluation([held_out(100, 90, topic=f"t{n}") for n in range(5)], samples, **facts)


def test_shares_at_first_and_as_given():
    base, tuned = attempts(log())
    assert (base.model, base.flagged.first, base.flagged.given) == ("base", Rate(1, 2), Rate(1, 2))
    assert (tuned.flagged.first, tuned.flagged.given) == (Rate(2, 4), Rate(1, 4))
    assert {rule: (s.first.hits, s.given.hits) for rule, s in tuned.rules.items()} == {
        "length": (1, 0),
        "avoid": (1, 0),
        "unfinished": (1, 1),
    }
    assert {stop: (s.first.hits, s.given.hits) for stop, s in tuned.stops.items()} == {"loop": (1, 0), "end": (2, 3), "length": (1, 1)}
    assert tuned.leaks == Rate(1, 4) and base.leaks == Rate(0, 2)


def test_what_drawing_again_cost():
    base, tuned = attempts(log())
    assert (base.again, base.preferred, base.drawn) == (1, 0, 3) and (tuned.again, tuned.preferred, tuned.drawn) == (1, 1, 5)
    assert (tuned.tokens, tuned.tokens_drawn) == (80, 110)
    # the batch of seed 0 took 4 s, and 6 s with the second round; that of seed 7 took 3 s, once
    assert (tuned.seconds, tuned.seconds_again) == (9.0, 2.0) and (base.seconds, base.seconds_again) == (6.0, 2.0)


@pytest.mark.parametrize("version", [1, 2])
def test_logs_from_before_the_rules_say_nothing(make_run: MakeRun, version):
    run = make_run(log=log(version=version))
    assert attempts(log(version=version)) == ()
    write_report(run)
    for text in (run.report_html.read_text(encoding="utf-8"), run.report_md.read_text(encoding="utf-8")):
        assert "Extraction and Rules" not in text and "persona's rules" not in text and "Performance Summary" in text


def test_measures_of_the_first_attempts():
    found = compare(log(), "f")
    now, before = found.measure("cliche.any"), {m.name: m for m in found.measures_at_first()}
    assert now is not None and now.tuned == 0.0 and before["cliche.any"].tuned == 0.5 and before["cliche.any"].base == now.base
    assert not {"gain", "selectivity"} & before.keys()


def test_both_reports_show_it(make_run: MakeRun):
    run = make_run(log=log())
    data = write_report(run)
    markdown = run.report_md.read_text(encoding="utf-8")
    assert "25% of the tuned answers break a rule (1 of 4); at first it was 50% (2 of 4)" in markdown
    assert "| Answers | Base at first | Base as given | Tuned at first | Tuned as given |" in markdown
    assert "| Too long or too short | 50% | 50% | 25% | 0% |" in markdown
    assert (
        "| Stopped in a loop | 0% | 0% | 25% | 0% |" in markdown and "| Control marks in the raw text | 0% | 0% | 25% | 25% |" in markdown
    )
    assert "| Tuned | 4 | 5 | 1 | 1 | 110 | 80 | 9.0 s | 2.0 s (22%) |" in markdown
    assert "| Phrases the voice avoids | 0% \u2192 0% | 50% \u2192 0% |" in markdown
    assert "1 of 4 tuned answers were preferred to a first attempt that was worse." in markdown, "the verdict says so"
    html = run.report_html.read_text(encoding="utf-8")
    for words in ("Extraction and Rules", "Another preferred", "2.0 s (22%)", "first attempt</summary>", "Too many words, far too many."):
        assert words in html
    (finding,) = (f for f in data.of_kind("weakness") if f.title == "Answers break the persona's rules")
    assert finding.evidence == (
        "1 of 4 answers break a rule (25%), 2 of 4 at first; base 50%. Most often: cut off before its end (1 of 4)."
    )


def test_without_retries_there_is_one_column_a_model_and_no_cost(make_run: MakeRun):
    plain = [s.model_copy(update={"first": None, "tries": 1, "attempts": 1, "tokens_drawn": s.tokens}) for s in log().samples]
    run = make_run(log=log().model_copy(update={"samples": plain}))
    write_report(run)
    markdown = run.report_md.read_text(encoding="utf-8")
    assert "| Answers | Base | Tuned |" in markdown and "| Breaks a rule | 50% | 25% |" in markdown
    assert "Tokens drawn" not in markdown and "; at first it" not in markdown and "preferred to" not in markdown


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
    again = side("tuned", tuned)
    assert not again.flagged and f"at first: {LONG['words']}, {SAYS['words']}" in again.notes


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


def test_no_more_retries_are_advised_than_there_are(make_run: MakeRun):
    for folder, retries in (("some", 1), ("all", 2)):
        data = read_report(make_run(log=log(generate={"retries": retries}), folder=folder))
        (finding,) = (f for f in data.findings if f.title == "Answers break the persona's rules")
        assert [s.command for s in finding.suggestions if "generate.retries=2" in s.command] == (
            [finding.suggestions[0].command] if retries < 2 else []
        )
