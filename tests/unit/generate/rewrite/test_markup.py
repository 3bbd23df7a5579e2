import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.text import sentences_in
from pete.generate.rewrite.markup import Mark, Shown, balanced, restored, soft_break, with_marks_whole, without_marks

LINK = '[the manual](https://example.org/a_(b) "it\'s")'


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (f"See {LINK}, please.", "See the manual, please."),
        ("See [the manual][m], please.", "See the manual, please."),
        ("See [[Kettles|the kettles]] and [[Pots]].", "See the kettles and Pots."),
        ("Write to <ada@example.org> or <https://example.org>.", "Write to ada@example.org or https://example.org."),
        ("Run `a  b` or ``x`y``.", "Run `a b` or ``x`y``."),
        ("It whistles.[^1] ![a kettle](k.png)Loudly.", "It whistles. Loudly."),
        ("Line one  \r\nline two", "Line one\nline two"),
        ("5\u00a0euros, soft\u00adly", "5 euros, softly"),
        ("Costs $5 and $6, {name}.", "Costs $5 and $6, {name}."),
    ],
)
def test_what_the_model_is_shown(source, shown):
    assert Shown(source).text == shown


PIECES = st.sampled_from(
    [
        "Tea is hot. ",
        "No! ",
        LINK,
        "[^1]",
        "`code. Code`",
        "**bold** ",
        "\n",
        "  \r\n",
        "\u00a0",
        "\u200b",
        "<b>",
        "&amp;",
        "https://example.org/x. ",
        "[",
        "]",
        "`",
        ".",
    ]
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_sentences_that_are_shown_are_found_in_the_source_and_none_overlap(source):
    shown = Shown(source)
    parts = [part for one in sentences_in(shown.text) if (part := shown.part(one.start, one.end))]
    assert all(a.end <= b.start for a, b in itertools.pairwise(parts))
    for part in parts:
        assert 0 <= part.start < part.end <= len(source)
        assert Shown(source[part.start : part.end]).text.strip() in shown.text
    whole = shown.part(0, len(shown.text))
    assert whole is not None and (whole.start, whole.end) == (0, len(source)) and list(whole.marks) == shown.marks


def test_a_sentence_end_within_a_link_is_no_place_to_cut():
    shown = Shown("Read [Stop. Now.](https://example.org) and go. Home is near.")
    found = [shown.part(one.start, one.end) for one in sentences_in(shown.text)]
    assert found[:2] == [None, None] and found[-1] is not None


def marks_of(source: str) -> list[Mark]:
    return Shown(source).marks


@pytest.mark.parametrize(
    ("draft", "rewrite", "whole"),
    [
        (f"See {LINK}.", "The manual knows.", LINK.replace("the", "The") + " knows."),
        (f"See {LINK}.", "Look it up.", None),
        ("Run `pete test` now.", "Now run pete test.", "Now run `pete test`."),
        ("Run `pete test` now.", "Now run `pete test`.", "Now run `pete test`."),
        ("Run `pete test` now.", "Now run `pete chat`.", None),
        ("Write to <ada@example.org>.", "ada@example.org reads it.", "<ada@example.org> reads it."),
        ("See https://example.org/a?b=c.", "https://example.org/a?b=c has it.", "https://example.org/a?b=c has it."),
        ("See https://example.org/a.", "https://example.org/ab has it.", None),
        ("It whistles.[^1]", "It whistles.", None),
        ("It whistles.", "It [whistles](https://example.org).", None),
        ("It whistles.", "It `whistles`.", None),
        ("It whistles.", "It **whistles.", None),
        ("It whistles.", "It **whistles**.", "It **whistles**."),
        ("It whistles.", "It *whistles.", None),
        ("It is {name}, {name}.", "{name} it is: {name}.", "{name} it is: {name}."),
        ("It is {name}, {name}.", "{name} it is.", None),
    ],
)
def test_markup_comes_back_to_the_letter_or_the_rewrite_is_refused(draft, rewrite, whole):
    assert restored(rewrite, marks_of(draft)) == whole


URL = st.integers(0, 999).map(lambda number: f"https://example.org/{number}_a?b={number}")


@given(st.lists(URL, min_size=1, max_size=4, unique=True), st.integers(0, 3))
def test_every_address_of_a_draft_is_in_a_rewrite_that_is_taken(urls, turn):
    draft = " ".join(f"[place {chr(97 + number)}]({url})" for number, url in enumerate(urls))
    words = [f"place {chr(97 + number)}" for number in range(len(urls))]
    whole = restored("So: " + " and ".join(words[turn:] + words[:turn]), marks_of(draft))
    assert whole is not None and sorted(re.findall(r"\((.*?)\)", whole)) == sorted(urls)


def test_words_with_markup_are_never_parted():
    assert with_marks_whole("Run `a  b\nc` and [the  pot](x),\nnow") == ["Run", "`a  b\nc`", "and", "[the  pot](x),", "now"]


def test_small_things():
    assert without_marks(f"See {LINK} and `x`.") == "See the manual and  ."
    assert balanced("**a** `b`") and not balanced("*a")
    assert soft_break("a line of some forty letters, or a few more", "extraordinarily long", 50)
    assert not soft_break("short", "word", 50) and not soft_break("x" * 50, "", 50) and not soft_break("x" * 50, "word", 0)
    assert Shown("one two\nthree", 8).wrapped and not Shown("one two\nthree  \nfour", 8).wrapped and not Shown("one").wrapped
