import re

from hypothesis import given
from hypothesis import strategies as st

from pete.data.passages import SURE, Room, passages


def by_words(most):
    return lambda text, within=0.0: len(text.split()) / most


def test_a_text_that_fits_is_left_as_it_is():
    text = "One.\n\n\n  Two \u2014 and \u201cthree\u201d."
    assert passages(text, by_words(10)) == [text]


def test_paragraphs_are_kept_whole_and_pieces_are_of_like_length():
    paragraphs = [f"Paragraph {i} has these six words." for i in range(9)]
    pieces = passages("\n\n".join(paragraphs), by_words(24))
    assert "\n\n".join(pieces) == "\n\n".join(paragraphs)
    assert sorted(len(piece.split()) for piece in pieces) == [18, 18, 18], "not 24, 24 and 6"


def test_a_long_paragraph_is_cut_at_a_line_then_at_a_sentence():
    lines = "\n".join(f"Line {i} of a poem" for i in range(4))
    assert passages(lines, by_words(10)) == ["Line 0 of a poem\nLine 1 of a poem", "Line 2 of a poem\nLine 3 of a poem"]
    sentences = "He came in at nine. She left. The boiler stayed where it was."
    assert passages(sentences, by_words(8)) == ["He came in at nine. She left.", "The boiler stayed where it was."]


def test_a_sentence_without_an_end_is_too_long():
    assert passages("word " * 50, by_words(10)) == []
    assert passages("Short.\n\n" + "word " * 50, by_words(10)) == [], "the rest is not learned from as if it were the text"


@given(st.lists(st.text("ab. \n\u3002", min_size=1, max_size=40), max_size=12), st.integers(1, 12))
def test_nothing_is_lost_and_everything_fits(parts, most):
    text = "\n\n".join(parts).strip()
    pieces = passages(text, by_words(most))
    assert all(by_words(most)(piece) <= 1 for piece in pieces)
    if pieces:
        assert re.sub(r"\s", "", "".join(pieces)) == re.sub(r"\s", "", text)


def test_room_is_counted_only_where_it_matters():
    counted = []

    def count(text):
        counted.append(text)
        return len(text.split())

    room = Room(count, 100)
    for _ in range(SURE):
        assert room("word " * 20) == 0.2
    counted.clear()
    assert 0.2 <= room("word " * 20, 1.0) <= 1 and not counted, "surely fits"
    assert room("word " * 90, 0.9) == 0.9 and room("word " * 20) == 0.2 and len(counted) == 2


@given(st.text(max_size=200), st.integers(1, 300))
def test_a_text_that_is_said_to_fit_does(text, most):
    room = Room(lambda text: len(text.encode()), most)  # as the dearest tokenizer counts
    for _ in range(SURE):
        room("abc")
    assert (room(text, 1.0) <= 1) == (len(text.encode()) <= most)


@given(st.lists(st.integers(3, 12), min_size=8, max_size=40))
def test_no_crumb_is_left_at_the_end(sizes):
    pieces = passages("\n\n".join(" ".join(["word"] * size) for size in sizes), by_words(60))
    counts = [len(piece.split()) for piece in pieces]
    assert len(counts) == 1 or min(counts) > 20
