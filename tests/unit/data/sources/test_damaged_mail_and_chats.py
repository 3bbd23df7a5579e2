"""The same damage done to every format of mail and chats: never a traceback, never a loss without a word."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pete.data.sources.record import Record
from tests.unit.data.sources.reading import outcome

TEXTS = [
    "Bread — and “salt”, please…",
    "Ten o'clock suits me.\nAnd the small table.",
    "Café? Gern: Größe 😀",
    "From the oven on Monday we eat.",
]
DAY = 1704164645
META = [
    {"sender_name": "Me", "timestamp_ms": (DAY + n * 900) * 1000, "content": text.encode().decode("latin-1")}
    for n, text in enumerate(TEXTS)
]
PLAIN = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def mail(number: int, text: str) -> str:
    return f"From: Me <me@example.org>\nTo: ada@example.org\nSubject: Tea\nMessage-ID: <{number}@x>\n{PLAIN}\n{text}\n\n"


WHOLE = {
    "Shares.csv": "Date,ShareLink,ShareCommentary,SharedUrl,MediaUrl,Visibility\n"
    + "".join(f"2026-01-0{n} 10:00:00,https://l/{n},{quoted(text)},,,PUBLIC\n" for n, text in enumerate(TEXTS, 1)),
    "Comments.csv": "Date,Link,Message\n" + "".join(f"2026-01-0{n} 10:00:00,https://l/{n},{quoted(t)}\n" for n, t in enumerate(TEXTS, 1)),
    "messages.csv": "CONVERSATION ID,FROM,DATE,CONTENT\n"
    + "".join(f"c{n},Me,2026-01-0{n} 10:00:00 UTC,{quoted(text)}\n" for n, text in enumerate(TEXTS, 1)),
    "Sent.mbox": "".join(f"From - Mon Jan  5 10:0{n}:00 2026\n{mail(n, text)}" for n, text in enumerate(TEXTS)),
    "a.eml": mail(1, "\n\n".join(TEXTS)),
    "_chat.txt": "".join(f"[13.1.24, 1{n}:00:00] Me: {text}\n" for n, text in enumerate(TEXTS)),
    "WhatsApp Chat with Ada.txt": "".join(f"13/01/2024, 1{n}:00 - Me: {text}\n" for n, text in enumerate(TEXTS)),
    "tweets.js": "window.YTD.tweets.part0 = " + json.dumps(
        [{"tweet": {"id_str": str(n), "full_text": text, "created_at": "Sat Feb 18 12:33:11 +0000 2023"}} for n, text in enumerate(TEXTS)]
    ),
    "2024-01-02.json": json.dumps([{"type": "message", "user": "U1", "ts": f"{DAY + n * 900}.0", "text": t} for n, t in enumerate(TEXTS)]),
    "result.json": json.dumps({"name": "Ada", "type": "personal_chat", "id": 1, "messages": [
        {"id": n, "type": "message", "from": "Me", "from_id": "user1", "date_unixtime": str(DAY + n * 900), "text": t}
        for n, t in enumerate(TEXTS)]}),
    "message_1.json": json.dumps({"participants": [{"name": "Me"}], "messages": META}),
    "messages.json": json.dumps([{"ID": n, "Timestamp": f"2024-01-02 0{n}:00:00", "Contents": t} for n, t in enumerate(TEXTS)]),
}  # fmt: skip
SURE = [name for name in WHOLE if name not in ("Sent.mbox", "a.eml", "_chat.txt", "WhatsApp Chat with Ada.txt")]
"""Formats whose texts have an end of their own: one that is cut off can be told."""


def kept(found: list[Record]) -> list[str]:
    return [r.text.strip() for r in found if r.dropped is None]


def words(found: list[Record]) -> str:
    return " ".join("".join(kept(found)).split())


@pytest.mark.parametrize("name", WHOLE)
def test_whole_they_are_read(tmp_path, name):
    found, problem = outcome(tmp_path, name, WHOLE[name].encode())
    assert not problem and sorted(words(found).replace(" ", "")) == sorted("".join("".join(TEXTS).split()))
    assert all(r.where and (r.date is None or r.date.tzinfo) for r in found) and not any(r.dropped for r in found)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("how", ["bom", "crlf", "utf-16", "cr"])
def test_another_way_to_write_the_same_file_gives_the_same_or_is_refused(tmp_path, name, how):
    text = WHOLE[name]
    ends = {"crlf": "\r\n", "cr": "\r"}.get(how, "\n")
    data = text.replace("\n", ends).encode({"bom": "utf-8-sig", "utf-16": "utf-16"}.get(how, "utf-8"))
    expected, _ = outcome(tmp_path / "whole", name, text.encode())
    found, problem = outcome(tmp_path, name, data)
    if how in ("bom", "crlf"):
        assert not problem and kept(found) == kept(expected)
    else:
        assert problem or [" ".join(t.split()) for t in kept(found)] == [" ".join(t.split()) for t in kept(expected)]


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.71, 0.9, 0.97])
def test_what_is_cut_off_keeps_what_is_whole_and_says_the_rest(tmp_path, name, share):
    data = WHOLE[name].encode()
    expected = kept(outcome(tmp_path / "whole", name, data)[0])
    found, problem = outcome(tmp_path, name, data[: int(len(data) * share)])
    texts = kept(found)
    said = problem or any(r.dropped for r in found)
    for text in texts if len(found) > 1 or name in SURE else []:  # less than one message is a text like any other
        assert any(other.startswith(text.rstrip("\ufffd")) for other in expected), "no word that was not there"
    if name in SURE and name.endswith(("json", "js")):
        assert problem and not texts
    elif name in SURE:
        assert set(texts) <= set(expected) and (said or len(texts) <= len(expected))


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\x00" * 100, b"\x1f\x8b\x08\x00\x00"])
def test_nothing_or_nonsense_is_no_chat(tmp_path, name, data):
    found, problem = outcome(tmp_path, name, data)
    assert not kept(found) and (problem or not "".join(r.text for r in found))


@pytest.mark.parametrize("name", WHOLE)
def test_only_a_beginning(tmp_path, name):
    head = WHOLE[name].split("\n")[0] + "\n" if name.endswith("csv") else "[]" if name.endswith("json") else ""
    found, problem = outcome(tmp_path, name, head.encode())
    assert not kept(found) and (problem or not found)


@pytest.mark.parametrize("name", WHOLE)
def test_a_text_longer_than_pythons_csv_allows(tmp_path, name):
    long = "bread and salt " * 10_000
    text = WHOLE[name].replace("Ten o'clock suits me.", long.strip()).replace(quoted(TEXTS[1])[1:-1], long)
    found, problem = outcome(tmp_path, name, text.encode())
    assert not problem and any(long.strip() in r.text for r in found if r.dropped is None)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_any_byte_may_be_anything(tmp_path, name, data):
    file = bytearray(WHOLE[name].encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(file) - 1))
        file[at : at + data.draw(st.integers(0, 6))] = data.draw(
            st.sampled_from([b"\x00", b'"', b"\\", b"\n", b"\xff", b",", b"{", b"From ", b"", b"]", b">"])
        )
    found, problem = outcome(tmp_path, name, bytes(file))
    assert isinstance(problem, str) and all(r.where and (r.date is None or r.date.tzinfo) for r in found)
