from pete.engines.sentence import Embedder
from pete.evaluate.guarded import drafts_as_answers, guarded, guarded_author
from pete.generate.meaning import compare
from pete.generate.rewrite.choose import STRENGTHS
from tests.unit.evaluate.conftest import log_of, sample

DRAFT = "The engineer will arrive on Tuesday at 14:15. There is no charge for the visit."
FINE = "Tuesday, 14:15: that is when the engineer will arrive. There is no charge for the visit."


def answer(text: str, number: int = 0, model: str = "tuned"):
    return sample(text, model=model, prompt=DRAFT, prompt_id="p", number=number)


def test_a_sentence_that_says_something_else_gives_way_to_the_drafts():
    embed = Embedder()
    wrong = FINE.replace("There is no charge", "There is a charge")
    log = log_of(task="rewrite", samples=[answer("Anything.", model="base"), answer(wrong)])
    (left,) = guarded(log, lambda draft, text: compare(draft, text, embed), None)
    assert "a charge" not in left.text and "There is no charge for the visit." in left.text and "14:15" in left.text
    assert (left.prompt, left.model) == (DRAFT, "tuned")


def test_the_guard_chooses_among_what_was_drawn_for_it_too_and_no_more_than_pete_rewrite_draws():
    embed = Embedder()
    log = log_of(task="rewrite", samples=[answer(DRAFT)], beside={"drawn": [answer(DRAFT, 1), answer(FINE, 2)]})
    (left,) = guarded(log, lambda draft, text: compare(draft, text, embed), None)
    drawn = STRENGTHS["normal"].draws
    late = log.model_copy(update={"samples": [*(answer(DRAFT, n) for n in range(drawn)), answer(FINE, drawn)], "beside": {}})
    (same,) = guarded(late, lambda draft, text: compare(draft, text, embed), None)
    assert left.text == FINE and same.text == DRAFT


def test_a_draft_stands_for_itself_once():
    log = log_of(task="rewrite", samples=[answer(FINE), answer("Other.", 1), answer("More.", model="base")])
    (draft,) = drafts_as_answers(log)
    assert draft.text == draft.prompt == DRAFT and draft.number == 0


def test_the_guard_asks_the_author_too_what_his_draft_does_not_say():
    embed = Embedder()
    own = answer("There is no charge for the visit. The engineer will bring his dog.")
    (left,) = guarded_author([own], lambda draft, text: compare(draft, text, embed))
    assert left.text == DRAFT and left.prompt_id == own.prompt_id
    (left,) = guarded_author([answer(FINE)], lambda draft, text: compare(draft, text, embed))
    assert left.text == FINE
