import json

from pete.evaluate.log import Mark
from pete.report.comparison import compare
from pete.report.copied import originality
from pete.report.markdown import to_markdown
from pete.report.marks import pieces
from pete.report.model import read_report
from pete.report.page import make_page
from tests.unit.report.conftest import MakeRun, evaluation, sample

ROW = "Nobody reads the deck, and the deck does not read itself. We meet anyway."
SAID = "In short: nobody reads the deck and the DECK does not read. Write to us."


def spans(value: float, covered: float = 0.0) -> dict:
    return {"scores": {"originality.span": value, "originality.covered": covered, "originality.any": 0.0}}


def test_the_longest_shared_run_is_shown_in_the_answer_and_in_its_training_row():
    log = evaluation(samples=[sample("tuned", "a", SAID, **spans(10, 0.75)), sample("base", "a", "Else.", **spans(2))])
    (section,) = originality(compare(log, "f"), {"row-1": "Something else.", "row-2": ROW})
    text, passages = section.blocks
    assert "tuned 10 words, base 2 words" in text.text and "75%" in text.text
    (passage,) = passages.passages
    assert [p.text for p in passage.pieces if p.kinds] == ["nobody reads the deck and the DECK does not read"]
    assert [p.text for p in passage.source_pieces if p.kinds] == ["Nobody reads the deck, and the deck does not read"]
    assert passage.source == "training row row-2" and passage.where == "10 words, in the answer to a"


def test_what_the_prompt_lent_is_not_shown_as_copied():
    log = evaluation(samples=[sample("tuned", "a", SAID, prompt="Say: nobody reads the deck and the deck does not read.", **spans(10))])
    (section,) = originality(compare(log, "f"), {"row-2": ROW})
    assert len(section.blocks) == 1


def test_an_evaluation_that_did_not_look_says_nothing():
    assert not list(originality(compare(evaluation(samples=[sample("tuned", "a", SAID)]), "f"), {"row-2": ROW}))


def test_without_training_rows_the_numbers_stand_alone():
    (section,) = originality(compare(evaluation(samples=[sample("tuned", "a", SAID, **spans(10))]), "f"), {})
    assert len(section.blocks) == 1


def test_the_run_gives_its_rows_their_names(make_run: MakeRun):
    run = make_run(log=evaluation(samples=[sample("tuned", "a", SAID, **spans(10))]))
    rows = [
        {"id": "deck", "category": "marketing", "prompt": "p", "completion": ROW},
        {"category": "marketing", "prompt": "q", "completion": "x"},
    ]
    run.split_file("train").write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = read_report(run)
    assert dict(data.training_rows) == {"deck": ROW, "train.jsonl:2": "x"}
    assert "training row deck" in to_markdown(make_page(data))


def test_marked_text_is_still_the_same_text():
    marks = [Mark(start=0, end=5, kind="cliche"), Mark(start=3, end=9, kind="copied", note="row-1"), Mark(start=50, end=900, kind="leak")]
    found = pieces("abcdefghijkl", marks)
    assert "".join(p.text for p in found) == "abcdefghijkl"
    assert [(p.text, p.kinds) for p in found] == [("abc", ("cliche",)), ("de", ("cliche", "copied")), ("fghi", ("copied",)), ("jkl", ())]
    assert found[1].words == "what the voice avoids; word for word in a training row: row-1"
    assert pieces("", marks) == ()


def test_marks_stand_in_the_text_with_their_meaning_in_words(make_run: MakeRun):
    from pete.report.html import to_html

    marks = (Mark(start=3, end=9, kind="cliche", note="avoided"),)
    page = make_page(read_report(make_run(log=evaluation(samples=[sample("tuned", "a", "We unlock <it>.", marks=marks)]))))
    html = to_html(page)
    assert (
        'We <mark class="cliche" title="what the voice avoids: avoided">unlock<span class="unseen"> (what the voice avoids: avoided)'
        in html
    )
    assert "&lt;it&gt;" in html and "Marked in the text:" in html
    assert "Marked: \u201cunlock\u201d (what the voice avoids: avoided)" in to_markdown(page)
