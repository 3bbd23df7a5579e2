import json
import os

from pete.report import write_report
from pete.report.model import read_report
from pete.report.summary import headline
from tests.unit.report.conftest import MakeRun, evaluation, held_out, sample


def evaluated(make_run: MakeRun, **facts: object):
    texts = [
        sample(model, f"{category}-{n}", f"{model} {n}", category=category)
        for category in ("service", "marketing") for n in range(3) for model in ("base", "tuned")
    ]  # fmt: skip
    return make_run(log=evaluation([held_out(138.63, 110.9, topic=f"t{n}") for n in range(21)], texts, **facts))


def test_four_numbers_each_with_its_meaning_and_two_pairs_of_answers(make_run: MakeRun):
    first = headline(read_report(evaluated(make_run)))
    assert [card.value for card in first.numbers] == ["\u221220.0%", "0%", "3.0 s", "100%"]
    assert "Ada\u2019s unseen writing: 1.60 bits a byte, before 2.00" in first.numbers[0].meaning
    assert all(len(card.meaning) > 20 for card in first.numbers)
    pairs = [(p.prompt_id, [(side.name, side.sample and side.sample.text) for side in p.rows[0]]) for p in first.answers]
    assert pairs == [
        ("marketing-0", [("base", "base 0"), ("tuned", "tuned 0")]),
        ("service-0", [("base", "base 0"), ("tuned", "tuned 0")]),
    ], "the first of each category, in the persona's order"


def test_the_verdict_is_one_sentence(make_run: MakeRun):
    loops = [sample("tuned", f"p{n}", "a b c d", scores={"degenerate.any": 1.0}) for n in range(40)]
    base = [sample("base", f"p{n}", "a b c d", scores={"degenerate.any": 0.0}) for n in range(40)]
    first = headline(read_report(make_run(log=evaluation([], [*loops, *base]))))
    assert (first.word, first.tone) == ("Don\u2019t ship", "bad")
    assert "quality gates are not met: some answers loop or are empty" in first.sentence and first.sentence.count(".") == 1
    assert headline(read_report(make_run(log=evaluation(), folder="x"))).word == "Not enough evidence"


def test_answers_to_prompts_that_were_trained_on_are_not_shown_first(make_run: MakeRun):
    first = headline(read_report(evaluated(make_run, in_training=("marketing-0",))))
    assert [p.prompt_id for p in first.answers] == ["marketing-1", "service-0"]


def test_a_blind_test_is_among_the_four(make_run: MakeRun):
    run = evaluated(make_run)
    choices = [{"prompt_id": "marketing-0", "number": 0, "a": "tuned", "choice": c} for c in "aaab"]
    test = run.evaluations / "blind-1.json"
    test.write_text(json.dumps({"version": 1, "run": "r", "evaluation": "suite.json", "answers": "", "seed": "1", "pairs": choices,
                                "wins": 3, "losses": 1, "ties": 0, "interval": [0.2, 0.9]}))  # fmt: skip
    os.utime(test, (1, 1))
    assert ("75%", "of 4 choices in the blind test went to the tuned model") in [
        (card.value, card.meaning) for card in headline(read_report(run)).numbers
    ]


def test_without_an_evaluation_the_training_speaks(make_run: MakeRun):
    first = headline(read_report(make_run()))
    assert first.word == "Not evaluated yet" and "from 4.000 to 2.500 nats a token" in first.sentence
    assert [card.value for card in first.numbers][:2] == ["2.500", "7.5 s"] and len(first.numbers) == 4 and not first.answers


def test_where_rewriting_alone_was_evaluated_its_verdict_stands_first(make_run: MakeRun):
    texts = [sample(model, f"p{n}", "Text.", scores={"kept.facts": 0.2}) for n in range(40) for model in ("base", "tuned")]
    guarded = [sample("tuned", f"p{n}", "Kept.", tokens=0, seconds=0.0) for n in range(40)]
    run = make_run()
    evaluation([], texts, task="rewrite", beside={"guarded": guarded}).write(run.evaluation_file("rewrite"))
    first = headline(write_report(run))
    assert first.word.endswith("(rewriting)") and first.sentence.startswith("Asked to rewrite drafts: ")
    markdown = run.report_md.read_text("utf-8")
    assert "Not evaluated yet" not in markdown and "No evaluation has been made" not in markdown and "--task write" in markdown
    assert "after the guard" in markdown and "(0 tokens" not in markdown


def test_page_and_markdown_say_it_first_and_in_the_same_words(make_run: MakeRun):
    run = evaluated(make_run)
    first = headline(write_report(run))
    html, markdown = run.report_html.read_text("utf-8"), run.report_md.read_text("utf-8")
    for words in (first.sentence, *(card.meaning for card in first.numbers)):
        assert words in html and words in markdown
        assert html.index(words) < html.index("<nav") and markdown.index(words) < markdown.index("## Model Evaluation")
    assert html.index("tuned 0") < html.index("<nav") and markdown.index("tuned 0") < markdown.index("## Model Evaluation")
