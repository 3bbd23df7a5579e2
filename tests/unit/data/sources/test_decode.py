import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.sources.decode import decode, encoding_of, mended, text_lines
from pete.data.sources.record import Unreadable

TEXT = "Größe: “nice” — café…\nEnd."


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_text_comes_back_whatever_its_encoding(codec):
    assert decode(TEXT.encode(codec), "a.txt") == TEXT


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff")))
def test_utf8_is_never_changed(text):
    assert decode(text.encode(), "a.txt") == text


def test_a_letter_cut_at_the_end_of_the_head_is_no_other_encoding():
    assert encoding_of(("é" * 40_000).encode()[: (1 << 16) - 1], "a.txt") == "utf-8"


def test_a_file_that_is_cut_off_within_a_letter_is_no_other_encoding():
    assert decode("Café, größ".encode() + b"\xc3", "a.txt") == "Café, größ\ufffd"
    assert decode(b"caf\xe9", "a.txt") == "café", "which is whole in cp1252"


def test_one_bad_byte_far_below_does_not_end_the_file():
    assert decode(b"a" * 100_000 + b"caf\xe9", "a.txt").endswith("café")


@pytest.mark.parametrize(("text", "codec"), [("Где мой заказ? Он опаздывает, и я жду его со вторника. " * 4, "cp1251"),
                                             ("注文はどこですか。火曜日から待っています。" * 6, "shift_jis")])  # fmt: skip
def test_another_script_is_recognised(text, codec):
    assert decode(text.encode(codec), "a.txt") == text


def test_no_text_is_said():
    with pytest.raises(Unreadable, match="NUL byte"):
        decode(b"\x00\x01\x02\x03abc" * 20, "photo.txt")


def test_lines_are_counted_and_their_ends_taken_off():
    assert list(text_lines(io.BytesIO(b"a\r\nb\rc\n\nd"), "a", "utf-8")) == [(1, "a"), (2, "b"), (3, "c"), (4, ""), (5, "d")]


@pytest.mark.parametrize(("broken", "right"), [("cafÃ© and teaâ€™s", "café and tea’s"), ("Ã¼ber", "über")])
def test_what_was_decoded_wrongly_once_is_put_right_and_said(broken, right):
    text, what = mended(broken)
    assert text == right and " -> " in what


@pytest.mark.parametrize("honest", ["“Quotes” — and … stay", "ﬁne ＡＢＣ", "a\r\nb", "&amp; stays", "Ã Paris? non", "e\u0301 stays apart"])
def test_what_was_not_is_left_alone(honest):
    assert mended(honest) == (honest, "")
