from hypothesis import given
from hypothesis import strategies as st

from pete.data.text import (
    BULLET,
    Corpus,
    fold,
    grams,
    lines_in,
    list_items,
    repeats,
    sentences,
    sentences_in,
    size,
    visible,
    windows,
    words,
    words_in,
)

LETTERS = st.lists(st.sampled_from("abc"), max_size=12)


def inside(part, whole):
    return any(whole[i : i + len(part)] == part for i in range(len(whole) - len(part) + 1))


def spans_by_hand(documents, text, least):
    """Every (first, last) that stands in a document and cannot be made longer on either side."""
    shared = [(i, j) for i in range(len(text)) for j in range(i + least, len(text) + 1) if any(inside(text[i:j], d) for d in documents)]
    return [(i, j) for i, j in shared if not any(a <= i and j <= b and (a, b) != (i, j) for a, b in shared)]


@given(st.lists(LETTERS, max_size=4), st.lists(st.sampled_from("abcd"), max_size=15), st.integers(1, 5))
def test_shared_spans_are_those_that_trying_every_one_gives(documents, text, least):
    spans = Corpus(documents).spans(text, least)
    assert [(span.first, span.last) for span in spans] == spans_by_hand(documents, text, least)
    assert all(inside(text[span.first : span.last], documents[span.document]) for span in spans)


@given(st.lists(LETTERS, max_size=4), st.lists(st.sampled_from("abcd"), max_size=15), st.integers(1, 4))
def test_shared_spans_are_the_longest_there_are(documents, text, least):
    spans = Corpus(documents).spans(text, least)
    for span in spans:
        assert len(span) >= least and inside(text[span.first : span.last], documents[span.document])
    longest = max(
        (k for i in range(len(text)) for k in range(1, len(text) - i + 1) if any(inside(text[i : i + k], d) for d in documents)), default=0
    )
    assert max(map(len, spans), default=0) == (longest if longest >= least else 0)


def test_words_and_where_they_stand():
    assert words("Don\u2019t panic: 3.50, e-mail!") == ["don't", "panic", "3", "50", "e", "mail"]
    text = "A kettle, twice."
    assert [text[w.start : w.end].lower() for w in words_in(text)] == words(text)


def test_sentences():
    assert sentences('Dr. Smith came at 9 a.m. on Monday. He said "Go." Then he left.\nBye\n- one\n- two') == [
        "Dr. Smith came at 9 a.m. on Monday.", 'He said "Go."', "Then he left.", "Bye", "- one", "- two",
    ]  # fmt: skip
    assert sentences("I wasn't. I don\u2019t. You do. See p. 4.") == ["I wasn't.", "I don\u2019t.", "You do.", "See p. 4."]
    assert sentences("") == [] and sentences("It costs 3.50 a box") == ["It costs 3.50 a box"]


def test_sentences_and_lines_know_where_they_stand():
    text = "  One. One.\n\n  Two\u2028 \n"
    assert [text[s.start : s.end] for s in sentences_in(text)] == sentences(text) == ["One.", "One.", "Two"]
    assert [s.start for s in sentences_in(text)] == [2, 7, 15]
    assert [(line.text, text[line.start : line.end]) for line in lines_in(text)] == [("One. One.", "One. One."), ("Two", "Two")]


def test_lists_are_counted_by_their_marks():
    assert list_items("Here:\n1. a\n 2) b\n(3) c") == ["1. a", "2) b", "(3) c"] and len(list_items("- a\n\u2022 b\nand so on\n-")) == 2
    assert [BULLET.sub("", line) for line in ("12) twelve", "(3) - c", "3.5 - 4")] == ["twelve", "- c", "3.5 - 4"]
    assert list_items("2024. A year.\n3.5 of them") == []


def test_what_was_said_before():
    assert grams("abcd", 3) == [("a", "b", "c"), ("b", "c", "d")] and grams("ab", 3) == []
    assert repeats("abcab") == [3, 4] and repeats("aaa") == [1, 2] and repeats("") == []


def test_windows_are_even_and_cover_everything():
    assert windows("word " * 29) == []
    for n in (30, 60, 61, 90, 121, 500):
        pieces = windows(" ".join(str(i) for i in range(n)))
        assert " ".join(pieces) == " ".join(str(i) for i in range(n))
        assert all(30 <= len(p.split()) <= 60 for p in pieces)


def test_letters_of_scripts_without_spaces_are_tokens_and_weigh_less_than_a_word():
    assert words("返品、したい iPhone15です。") == [*"返品したい", "iphone15", *"です"]
    assert size(words("返品したい")) == 2 and size(words("ขอบคุณค่ะ")) == 2 and size(["one", "two"]) == 2 and size([]) == 0
    assert words("안녕 하세요") == ["안녕", "하세요"], "Korean has spaces"
    assert grams(list("返品したい"), 2) == [tuple("返品した"), tuple("品したい")] and grams(["a", *"返品"], 2) == [("a", *"返品")]


def test_spans_are_measured_in_words_whatever_the_script():
    row, said = "遅れて申し訳ございません。到着は明日の朝です。", "ご連絡、遅れて申し訳ございません。では。"
    (span,) = Corpus([words(row)]).spans(words(said), 5)
    assert "".join(words(said)[span.first : span.last]) == "遅れて申し訳ございません" and len(span) == 6 and span.last - span.first == 12
    assert Corpus([words(row)]).spans(words("明日の朝です"), 4) == []
    assert Corpus([words(row)]).copied(words(said), words("遅れて申し訳ございませんと書いて"), 4) == [], "what the prompt says is nobody's"


def test_sentences_without_spaces_between_them():
    text = "「はい。」と言う。いいえ！！本当？ そう。\nOK。"
    assert sentences(text) == ["「はい。」", "と言う。", "いいえ！！", "本当？", "そう。", "OK。"]
    assert "".join(text[s.start : s.end] for s in sentences_in(text)) == "".join(sentences(text))


@given(st.text())
def test_folding_keeps_every_place(text):
    assert len(fold(text)) == len(text) and fold(fold(text)) == fold(text)


def test_what_can_be_seen():
    assert not any(map(visible, ["", " \n", "\u200b", "\u3164\u2800", "\ufeff\u00ad\u2060", "\u202e", "\ufe0f", "\x00"]))
    assert all(map(visible, ["a", "\u200b.", "返", "\u2764\ufe0f", "\ue000", "\ufffd", "\u0301"]))
