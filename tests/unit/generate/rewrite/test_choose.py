from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.passages import Room
from pete.generate.rewrite.choose import STRENGTHS, Chosen, Draw, alike, choose, facts_of
from pete.generate.rewrite.markup import Shown
from pete.generate.rewrite.passages import Passage, passages, replaced
from pete.generate.rewrite.prose import blocks
from tests.rewriting import same_meaning, short_words

NORMAL = STRENGTHS["normal"]
DRAFT = (
    "Our establishment opens on Tuesdays at 9 in the morning. Kindly consult [the price list](https://example.org/prices) beforehand. "
    "The kettle was purchased by Aunt Hanna in 1987."
)
GOOD = "We open on Tuesdays at 9 in the morning. See the price list beforehand. Aunt Hanna got the kettle in 1987."


def passage_of(text: str) -> Passage:
    (passage,), _ = passages(blocks(text), Room(lambda words: len(words.split()), 400))
    return passage


def chosen(draft: str, *draws: str, stop="end", voice=short_words, strength=NORMAL) -> tuple[str, Chosen]:
    passage = passage_of(draft)
    found = choose(passage, [Draw(text, stop) for text in draws], same_meaning, voice, strength)
    return replaced(passage.shown[0], found.replacements), found


def test_a_rewrite_that_says_the_same_and_sounds_like_the_author_is_taken_with_its_link():
    text, found = chosen(DRAFT, GOOD)
    assert text == GOOD.replace("the price list", "[the price list](https://example.org/prices)")
    assert not found.stayed and found.sentences == 3
    assert {(fact.text, fact.kept) for fact in found.facts} == {("Tuesdays", True), ("9", True), ("Hanna", True), ("1987", True)} | {
        (fact.text, True) for fact in found.facts
    }


@pytest.mark.parametrize(
    ("said", "instead", "why"),
    [
        ("Tuesdays", "Wednesdays", "Tuesdays"),
        ("at 9 in", "at 10 in", "9"),
        ("See the price list beforehand.", "See the big sign beforehand.", ""),
        ("Aunt Hanna got the kettle in 1987.", "Aunt Hanna got the kettle in 1978.", "1987"),
        ("Aunt Hanna got", "Aunt Berta got", "Hanna"),
    ],
)
def test_one_sentence_is_put_back_and_the_others_are_kept(said, instead, why):
    text, found = chosen(DRAFT, GOOD.replace(said, instead))
    (stayed,) = found.stayed
    assert stayed.forced and why in stayed.why
    assert stayed.text.split()[-1] in text and instead not in text
    assert len(found.replacements) == 2


def test_what_a_draw_adds_is_left_out_and_what_it_leaves_out_stays():
    hello = "Hello there, dear reader, and thank you so much for your kind letter! "
    text, found = chosen(DRAFT, hello + GOOD.replace("See the price list beforehand. ", ""))
    assert "letter" not in text and "Kindly consult [the price list]" in text and text.startswith("We open on Tuesdays")
    assert [stayed.text for stayed in found.stayed] == ["Kindly consult the price list beforehand."]


def test_a_sentence_may_not_lean_on_what_its_neighbours_say():
    draft = "Kindly send every receipt to the office by April. Late receipts arrive in June and are paid then."
    text, found = chosen(
        draft, "Send every receipt to the office by April, and late receipts arrive in June. Late receipts get paid in June."
    )
    assert text.startswith("Kindly send every receipt to the office by April.")
    assert found.stayed[0].forced and "late receipts arrive" in found.stayed[0].why


def test_a_word_that_the_draft_does_not_say_puts_its_sentence_back():
    text, found = chosen(DRAFT, GOOD.replace("the kettle in", "the best kettle in"))
    assert "The kettle was purchased" in text and [one.why for one in found.stayed] == ['the draft does not say "best" here']
    assert len(found.replacements) == 2


def test_the_best_sentences_of_several_draws_go_together():
    one, other = GOOD.replace("Tuesdays", "Mondays"), GOOD.replace("1987", "1897")
    text, found = chosen(DRAFT, one, other)
    assert text == GOOD.replace("the price list", "[the price list](https://example.org/prices)") and not found.stayed


def test_the_draft_wins_where_nothing_is_more_like_the_author():
    text, found = chosen("We start on Tuesdays at 9.", "We commence on Tuesdays at 9.")
    assert text == "We start on Tuesdays at 9." and not found.replacements
    assert [(one.why, one.forced) for one in found.stayed] == [("no rewrite was more like the author", False)]
    text, found = chosen("We open on Tuesdays at 9.", "We open on Tuesdays at 9.", "We open on Tuesdays at 9!")
    assert [one.why for one in found.stayed] == ["every rewrite left it as it was"]


def test_a_sentence_is_heard_in_its_place():
    draft, once = "We know that it is open. We know that it is shut.", "We know it is open. We know that it is shut."
    text, _ = chosen(draft, once, voice=lambda text: float(text.count("that") == 1))
    assert text == once, "alone it would have the draft's one and only"


def test_without_a_voice_meaning_decides_alone():
    text, _ = chosen("We open on Tuesdays at 9.", "On Tuesdays we open at 9.", voice=None)
    assert text == "On Tuesdays we open at 9."


@pytest.mark.parametrize("stop", ["length", "loop"])
def test_the_last_sentence_of_a_draw_that_was_cut_off_is_no_sentence(stop):
    text, found = chosen(DRAFT, GOOD, stop=stop)
    assert text.endswith("The kettle was purchased by Aunt Hanna in 1987.") and len(found.replacements) == 2
    assert chosen("We open on Tuesdays at 9.", "Tuesdays", stop=stop)[1].stayed[0].why == "nothing whole was drawn"


def test_light_takes_the_least_change_and_full_draws_most():
    near = "We will start on Tuesdays at 9 in the morning."
    draft = "We will commence on Tuesdays at 9 in the morning."
    far = "On Tuesdays at 9 in the morning we start."
    assert chosen(draft, far, near, strength=replace(STRENGTHS["light"], alike=0.0))[0] == near
    assert chosen(draft, far, near)[0] == far
    assert STRENGTHS["light"].draws < STRENGTHS["normal"].draws < STRENGTHS["full"].draws
    assert chosen(draft, far, strength=replace(NORMAL, alike=0.99))[1].stayed[0].why == "its rewrite goes further than --strength light"


def test_two_sentences_that_were_rewritten_as_one_each_stay_for_a_reason_of_their_own():
    draft = "The kettle costs 12 euros. The teapot was purchased by Aunt Hanna in 1987."
    _, found = chosen(draft, "The kettle costs 12 euros, and the teapot was got by Aunt Hanna in 1978.")
    first, second = found.stayed
    assert "1987" in second.why and first.why != second.why
    assert "1987" not in first.why or first.why.startswith("its neighbour was rewritten with it: ")


def test_a_sentence_that_became_two_stays_two():
    draft = "The kettle, which Aunt Hanna purchased in 1987, is utilised for tea every afternoon at four."
    text, _ = chosen(draft, "Aunt Hanna got the kettle in 1987. It is for tea every afternoon at four.")
    assert text == draft or text == "Aunt Hanna got the kettle in 1987. It is for tea every afternoon at four."


@pytest.mark.parametrize(
    ("draft", "rewrite", "why"),
    [
        ("The kettle whistles remarkably loudly.[^1]", "The kettle whistles so loudly.", "its link, code or note found no place"),
        ("The kettle whistles remarkably **loudly. It** shines.", "The kettle whistles so loudly. It shines.", "beyond the sentence"),
        ("The kettle whistles remarkably loudly.", "The kettle whistles <b>so</b> loudly.", "brings markup in"),
    ],
)
def test_markup_that_finds_no_place_lets_the_draft_stay(draft, rewrite, why):
    text, found = chosen(draft, rewrite)
    assert text == draft and why in found.stayed[0].why and found.stayed[0].forced


SAID = ["We open on Tuesdays.", "See the list.", "It costs 5 euros.", "No!", "Hanna knows [it](https://example.org/x).", "It `runs`."]
WORDS = st.lists(st.sampled_from(SAID), min_size=1, max_size=5)


@given(WORDS.map(" ".join), st.lists(WORDS.map(" ".join), max_size=3))
def test_whatever_is_drawn_no_fact_and_no_markup_is_lost(draft, draws):
    text, found = chosen(draft, *draws, voice=None)
    assert all(fact.kept for fact in found.facts)
    for mark in ("https://example.org/x", "`runs`", "5 euros", "Tuesdays"):
        assert text.count(mark) >= (draft.count(mark) > 0)
    assert len(found.stayed) + sum(1 for _ in found.replacements) <= found.sentences + len(found.replacements)


def test_facts_are_listed_as_kept_or_lost():
    assert [(fact.kind, fact.text, fact.kept) for fact in facts_of("On Tuesday 12 pots for 1,900 euros.", "On tuesday, 1900 euros.")] == [
        ("date", "Tuesday", True),
        ("figure", "12", False),
        ("figure", "1,900", True),
    ]
    assert alike("a b c", "a b d") == pytest.approx(2 / 3)


def test_a_point_of_a_list_keeps_its_mark_whatever_a_rewrite_does_with_it():
    draft = "Our establishment opens as follows:\n1. Kindly consult the list.\n2. The kettle was purchased by Hanna."
    for marks in (("1. ", "2. "), ("", "")):
        said = f"We open as follows:\n{marks[0]}See the list.\n{marks[1]}The kettle was got by Hanna."
        passage = Passage([0], [Shown(draft)])
        found = choose(passage, [Draw(said, "end")], same_meaning, short_words, NORMAL)
        text = replaced(passage.shown[0], found.replacements)
        assert text == "We open as follows:\n1. See the list.\n2. The kettle was got by Hanna."
