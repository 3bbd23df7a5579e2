import json
import re
from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import AddedToken

from pete.data.examples import load_examples
from pete.data.render import Renderer
from pete.engines.fake import END, byte_tokenizer, fake_base
from pete.generate.extract import Extractor, turn_marks
from pete.generate.repeats import Repeats, Rounds, find_loop
from pete.persona import PLAIN_TEMPLATE, load_persona
from pete.terminal import scrub

STOPS = ("\n### Instruction:", "\n### Response:")


@cache
def renderer() -> Renderer:
    return Renderer(fake_base().folder, template=PLAIN_TEMPLATE, system="", context=2048)


def run(ids: list[int], stops: tuple[str, ...] = STOPS) -> tuple[list[str], Extractor]:
    stream = Extractor(renderer(), stops)
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


clean = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf"])).filter(
    lambda t: scrub(t) == t and not set(t) & set("\ufffd") and END not in t
)


@given(clean)
@example("naïve café 🎉 — “quoted” 漢字 é́")
@example("### Respons")
def test_any_text_comes_through_whole_without_space_around_it(text):
    deltas, stream = run(byte_ids(text.encode()))
    if stream.stop == "length":
        assert "".join(deltas) == text.strip() == stream.text


def told(ids: list[int], asked: tuple[str, ...], trimmed: bool) -> tuple[str, Extractor]:
    """What comes of it, with a request's own stop strings."""
    stream = Extractor(renderer(), STOPS, asked=asked, trimmed=trimmed)
    return "".join([*map(stream.push, ids), stream.finish()]), stream


@given(clean)
@example(" a time ")
@example("\nA line of its own.\n")
@example("\n")
def test_an_untrimmed_answer_keeps_the_space_around_it(text):
    said, stream = told(byte_ids(text.encode()), (), trimmed=False)
    if stream.stop == "length":
        assert said == text == stream.text


@pytest.mark.parametrize("trimmed", [True, False])
def test_stop_strings_of_a_request_are_met_in_what_the_model_says(trimmed):
    """The start of the answer is the start of a line for the template's marks; nobody said that line break."""
    for text, stop, left in (("One\nTwo", "\n", "One"), ("\nOne\n\nTwo", "\n\n", "\nOne"), ("a, b", ",", "a"), ("\n\nOne", "\n\n", "")):
        said, stream = told(byte_ids(text.encode()), (stop,), trimmed)
        assert (said, stream.stop, stream.mark) == (left.strip() if trimmed else left, "stop string", stop)
    assert told(byte_ids(b"### Instruction: x"), ("y",), trimmed)[0] == "", "the template's, at the very start"


@given(clean, clean, st.sampled_from([*STOPS, END]))
def test_nothing_of_a_stop_string_nor_behind_it_ever_shows(before, after, stop):
    deltas, stream = run(byte_ids((before + stop + after).encode()))
    assert stream.stop in ("stop string", "loop")
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
    ids, stream, shown = byte_ids(text.encode()), Extractor(renderer(), STOPS), ""
    for token in ids:
        shown += stream.push(token)
        assert text.strip().startswith(shown) or stream.mark
    assert (shown + stream.finish() == text.strip()) or stream.stop != "length"


def test_a_marker_at_the_very_start_is_at_the_start_of_a_line():
    deltas, stream = run(byte_ids(b"### Instruction:\nDo it"))
    assert "".join(deltas) == "" and stream.mark == STOPS[0]


def test_a_marker_inside_a_line_is_text():
    deltas, stream = run(byte_ids(b"Write ### Instruction: twice"))
    assert "".join(deltas) == "Write ### Instruction: twice" and stream.mark is None


def test_held_back_text_comes_out_when_it_is_no_stop():
    stream = Extractor(renderer(), STOPS)
    shown = "".join(stream.push(token) for token in byte_ids(b"a\n### Inst"))
    assert shown == "a"
    assert shown + stream.finish() == "a\n### Inst"


def test_why_it_ended():
    ended, special = run([*byte_ids(b"Done."), renderer().eos, *byte_ids(b" and more")])[1], Extractor(renderer(), STOPS)
    assert (ended.stop, ended.text, ended.mark) == ("end", "Done.", None)
    assert run(byte_ids(b"Cut sho"))[1].stop == "length"
    assert run([])[1].stop == "length" and run([renderer().eos])[1].text == ""
    assert special.push(byte_ids(b"a")[0]) == "a" and special.stop is None


def test_any_special_token_ends_the_answer(tmp_path):
    """A second turn in a chat template begins with one, and the role behind it is no part of the answer."""
    tokenizer = byte_tokenizer()
    tokenizer.add_special_tokens([AddedToken("<|im_start|>", special=True, normalized=False)])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": END}))
    chat = Renderer(tmp_path, template=PLAIN_TEMPLATE, system="", context=2048)
    stream = Extractor(chat, ())
    text = "".join(stream.push(i) for i in chat.tokenizer.encode("Mine.\n<|im_start|>user\nYours").ids) + stream.finish()
    assert text == stream.text == "Mine." and stream.stop == "stop string" and stream.mark == "<|im_start|>"


def test_the_template_says_what_a_second_turn_looks_like(tmp_path):
    assert turn_marks(renderer()) == ("\n### Instruction:",)
    for template, marks in (
        ("{% for m in messages %}{{ 'Human: ' if m.role == 'user' else 'AI: ' }}{{ m.content }}\n{% endfor %}", ("\nHuman:",)),
        ("{% for m in messages %}<|end|>{{ m.role }}\n{{ m.content }}\n{% endfor %}", ()),
        ("{{ raise_exception('no') }}", ()),
    ):
        assert turn_marks(Renderer(fake_base().folder, template=template, system="", context=64)) == marks
    stream = run(byte_ids(b"Mine.\nHuman: and yours?"), ("\nHuman:",))[1]
    assert (stream.text, stream.stop) == ("Mine.", "stop string")


LOOPS = {
    "Delightful " * 12: "Delightful",
    "It works. " + "No. " * 10: "It works. No.",
    "A line.\nThe cat sat on the mat.\n" + "The dog ran off. " * 4: "A line.\nThe cat sat on the mat.\nThe dog ran off.",
    "".join(f"{i}. Show the booth.\n" for i in range(1, 9)): "1. Show the booth.",
    "- Call us\n" * 8: "- Call us",
    "It is more useful, or useful. " + "We can make it more useful. " * 9: "It is more useful, or useful. We can make it more useful.",
    "1. Desk: 3 by 3\n" + "".join(f"{i}. Chair: 3 by 3\n" for i in range(2, 9)): "1. Desk: 3 by 3\n2. Chair: 3 by 3",
    "Well" + "!" * 60: "Well!!!!!!!!",
    "ha" * 50: "ha" * 8,
    "はい。" + "お問い合わせありがとうございます。" * 6: "はい。お問い合わせありがとうございます。",
    "我们随时为您服务，" * 6: "我们随时为您服务，",
    "".join(f"我们可以再说一遍{c}所以我们会再说一遍{c}" for c in "，；。！、"): "我们可以再说一遍，所以我们会再说一遍，",
    "「よろしい。」" * 9: "「よろしい。」",
    "非常感谢您的支持" * 9: "非常感谢您的支持",
    "ขอบคุณที่ใช้บริการ" * 9: "ขอบคุณที่ใช้บริการ",
    "Sold out. 🎉🎊🥳🎈✨" + "🎉🎊🥳🎈✨" * 9: "Sold out. 🎉🎊🥳🎈✨",
    "哈" * 60: "哈" * 8,
    "えー" * 60: "えー" * 8,
    "".join(f"We can{c} say it again, and so we shall say it. " for c in ",;.!-"): "We can, say it again, and so we shall say it.",
}  # fmt: skip


@pytest.mark.parametrize("text", LOOPS, ids=range(len(LOOPS)))
@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_a_loop_ends_the_answer_early_and_its_repeats_are_cut(text, size):
    """In any chunking: the decoder here gets bytes, the repeats stage whatever is certain."""
    ids = byte_ids((text * 3).encode())
    stream, used = Extractor(renderer(), STOPS), 0
    while stream.stop is None:
        stream.push(ids[used])
        used += 1
    assert stream.stop == "loop" and stream.text == LOOPS[text].strip() and used < len(ids)
    repeats, pieces = Repeats(), [text[i : i + size] for i in range(0, len(text), size)]
    shown = ""
    for piece in pieces:
        shown += repeats.push(piece)
        if repeats.looped:
            break
    shown += repeats.finish()
    assert repeats.looped and shown.strip() == LOOPS[text].strip()


@pytest.mark.parametrize(
    "text",
    [
        "No, no, no. Location, location, location.",
        "No. No. No. No. No. No. And then, in May, yes.",
        "Row, row, row your boat. Row, row, row your boat, and then ashore.",
        "We open at 9. We close at 5. We open at 9 on Sundays too, and we close at 5.",
        "To: Marketing\nRe: Brenda\n--------------------\nBrenda leaves.",
        "はい、はい、はい。いいえ、いいえ、いいえ。",
        "哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈，真的吗？",
        "お問い合わせありがとうございます。お問い合わせありがとうございます。では。",
        "生麦生米生卵、生麦生米生卵、と三回言う。",
        "ขอบคุณค่ะ ขอบคุณค่ะ แล้วพบกันใหม่",
        "🎉🎉🎉 Sold out 🎉🎉🎉",
        "1. Go.\n2. Go on.\n3. Go on and on.\n4. Stop.",
    ],
)
def test_a_refrain_is_no_loop(text):
    deltas, stream = run(byte_ids(text.encode()))
    assert "".join(deltas) == text and stream.stop == "length" and find_loop(text) is None


spaced = st.lists(st.sampled_from(["a", "no", "yes,", "1.", "-", "\n", "Stop."]), max_size=60).map(" ".join)
unspaced = st.lists(st.sampled_from([*"返品はい。、「」ขอบ🎉", "。」", "ok", "はい。", " ", "\n"]), max_size=60).map("".join)
rounds = st.tuples(unspaced, unspaced, st.integers(1, 25), unspaced).map(lambda t: t[0] + t[1][:9] * t[2] + t[3])


@given(spaced | unspaced | rounds, st.lists(st.integers(1, 9), max_size=40))
def test_repeats_are_found_the_same_in_any_chunking_and_nothing_else_is_lost(text, cuts):
    whole, pieces = Repeats(), Repeats()
    expected = whole.push(text) + whole.finish()
    shown, at = "", 0
    for size in [*cuts, len(text) + 1]:
        if pieces.looped:
            break
        shown += pieces.push(text[at : at + size])
        at += size
        assert text.startswith(shown)
    shown += pieces.finish()
    assert (pieces.looped, shown) == (whole.looped, expected)
    assert whole.looped or shown == text
    loop = find_loop(text)
    assert (loop is not None) == whole.looped and (loop is None or text[:loop] == expected)


@given(st.permutations("返品発送本日到着明朝"), st.integers(5, 10))
def test_a_sentence_without_spaces_is_stopped_after_two_whole_rounds_more(letters, length):
    text = "".join(letters[:length]) + "。"
    repeats, shown, used = Repeats(), "", 0
    while not repeats.looped:
        shown += repeats.push((text * 40)[used])
        used += 1
    assert shown == text and 3 * len(text) <= used <= max(3 * len(text), len(text) + 20) + 1
    assert find_loop(text * 2 + "では。") is None


@given(st.lists(st.sampled_from("abc"), max_size=12), st.sampled_from([None, 1, 3]))
def test_rounds_are_counted_from_the_end(words, longest):
    rounds = Rounds(longest)
    rounds.push(*words[:5])
    rounds.push(*words[5:])
    expected = {}
    for period in range(1, len(words)):
        pairs = zip(words[period:][::-1], words[: len(words) - period][::-1], strict=True)
        if count := next((n for n, (a, b) in enumerate(pairs) if a != b), len(words) - period):
            expected[period] = count
    assert rounds.runs == {p: n for p, n in expected.items() if longest is None or p <= longest}


def test_the_authors_rows_hold_no_loop_and_come_through_whole():
    texts = {row.completion for row in load_examples(load_persona("pete-connor").examples)}  # a draft's is its row's
    assert len(texts) > 300
    for text in texts:
        assert find_loop(text) is None, text
        repeats = Repeats()
        assert "".join(map(repeats.push, re.findall(r"\s*\S{1,5}", text))) + repeats.finish() == text.rstrip()
