from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pete.data.render import Renderer
from pete.engines.fake_engine import END, fake_base
from pete.generate.stream import TextStream, scrub
from pete.persona import PLAIN_TEMPLATE

STOPS = ("\n### Instruction:", "\n### Response:")


@cache
def renderer() -> Renderer:
    return Renderer(fake_base().folder, template=PLAIN_TEMPLATE, system="", context=2048)


def run(ids: list[int], stops: tuple[str, ...] = STOPS) -> tuple[list[str], TextStream]:
    stream = TextStream(renderer(), stops)
    deltas = [stream.push(token) for token in ids]
    return [*deltas, stream.finish()], stream


def byte_ids(data: bytes) -> list[int]:
    """The byte tokenizer's ids of raw bytes, valid UTF-8 or not."""
    from tokenizers import pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in visible]
    symbol = {b: chr(b) for b in visible} | {b: chr(256 + i) for i, b in enumerate(rest)}
    return [alphabet.index(symbol[b]) for b in data]


clean = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf"])).filter(lambda t: scrub(t) == t and END not in t)


@given(clean)
@example("naïve café 🎉 — “quoted” 漢字 é́")
@example("### Respons")
def test_any_text_comes_through_whole_without_space_around_it(text):
    deltas, stream = run(byte_ids(text.encode()))
    if stream.stopped_by is None:
        assert "".join(deltas) == text.strip()


@given(clean, clean, st.sampled_from([*STOPS, END]))
def test_nothing_of_a_stop_string_nor_behind_it_ever_shows(before, after, stop):
    deltas, stream = run(byte_ids((before + stop + after).encode()))
    assert stream.stopped_by is not None
    text = "".join(deltas)
    assert before.strip().startswith(text) and not any(mark in "\n" + text for mark in (*STOPS, END))


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=3))
@example(b"\xf0\x9f", [])
@example(b"\xff\xfe\x1b[31mred", [])
@example("\u202eevil".encode(), [0])
def test_no_half_character_control_or_special_token_in_any_chunking(data, ends):
    ids = byte_ids(data)
    for at in ends:
        ids.insert(min(at, len(ids)), renderer().eos)
    deltas, _ = run(ids)
    for delta in deltas:
        delta.encode()
        assert "\ufffd" not in delta and END not in delta
        assert all(c in "\n\t" or (ord(c) >= 32 and not 0x7F <= ord(c) <= 0x9F and c not in "\u202e\u2066") for c in delta)
    joined = "".join(deltas)
    assert joined == joined.strip() and END not in joined


@given(clean)
def test_what_was_shown_is_never_taken_back(text):
    ids, stream, shown = byte_ids(text.encode()), TextStream(renderer(), STOPS), ""
    for token in ids:
        shown += stream.push(token)
        assert text.strip().startswith(shown) or stream.stopped_by
    assert (shown + stream.finish() == text.strip()) or stream.stopped_by


def test_a_marker_at_the_very_start_is_at_the_start_of_a_line():
    deltas, stream = run(byte_ids(b"### Instruction:\nDo it"))
    assert "".join(deltas) == "" and stream.stopped_by == STOPS[0]


def test_a_marker_inside_a_line_is_text():
    deltas, stream = run(byte_ids(b"Write ### Instruction: twice"))
    assert "".join(deltas) == "Write ### Instruction: twice" and stream.stopped_by is None


def test_held_back_text_comes_out_when_it_is_no_stop():
    stream = TextStream(renderer(), STOPS)
    shown = "".join(stream.push(token) for token in byte_ids(b"a\n### Inst"))
    assert shown == "a"
    assert shown + stream.finish() == "a\n### Inst"


@pytest.mark.parametrize("hostile", ["\x1b]0;title\x07", "\x1b[2J", "\x9b31m", "\u202e", "\u2066", "\r", "\x00", "\x7f"])
def test_scrub_leaves_nothing_a_terminal_obeys(hostile):
    assert not set(scrub(f"a{hostile}b")) & set("\x1b\x07\x9b\u202e\u2066\r\x00\x7f")
    assert scrub("tab\there\nand é") == "tab\there\nand é"
