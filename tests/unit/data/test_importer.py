import datetime
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.examples import Message
from pete.data.importer import Importer, Wishes, text_key, tidied, turns_before
from pete.data.sources.files import Source
from pete.data.sources.record import Reader, Reason, Record, Unreadable
from pete.listener import NoListener

TEXT = "The boiler came on a Thursday, and nobody was at home to let it in."


def record(text=TEXT, where="a:1", **more):
    return Record(text=text, where=where, **more)


def day(number):
    return datetime.datetime(2023, 1, number, tzinfo=datetime.UTC)


def fullness(text, within=0.0):
    return len(text.split()) / 100


def imported(monkeypatch, tmp_path, records, wishes=None, known=(), ends: Exception | None = None):
    """What an import makes of one file that a reader reads as these records."""

    def read(file, options):
        yield from records
        if ends is not None:
            raise ends

    monkeypatch.setattr("pete.data.sources.READERS", (Reader("test", "test file", lambda file: file.suffix == ".x", read),))
    folder = tmp_path / "source"
    folder.mkdir(exist_ok=True)
    (folder / "a.x").write_text("x")
    with Source(folder) as source:
        return Importer(wishes or Wishes(), known, fullness).read([source], NoListener())


def only_reason(result):
    (reason,) = result.ledger.dropped
    assert result.ledger.read == result.ledger.kept + result.ledger.dropped[reason]
    return reason


@pytest.mark.parametrize(
    ("wishes", "dropped", "reason"),
    [
        (Wishes(), record("x", dropped=Reason.RESHARE), Reason.RESHARE),
        (Wishes(), record("\u200b \n"), Reason.EMPTY),
        (Wishes(), record(TEXT, own=False), Reason.OTHER_AUTHOR),
        (Wishes(authors=("ada",)), record(TEXT, author=("olu",)), Reason.OTHER_AUTHOR),
        (Wishes(), record("Three words only."), Reason.SHORT),
        (Wishes(language="English"), record("Die Heizung kam nicht, und wir sind mit dem Zug da."), Reason.LANGUAGE),
        (Wishes(since=day(5).date()), record(TEXT, date=day(4)), Reason.OUTSIDE_DATES),
        (Wishes(until=day(5).date()), record(TEXT, date=day(6)), Reason.OUTSIDE_DATES),
        (Wishes(until=day(5).date()), record(TEXT), Reason.OUTSIDE_DATES),
        (Wishes(human_until=day(5).date()), record(TEXT, date=day(6)), Reason.MACHINE),
        (Wishes(), record("word " * 200), Reason.LONG),
    ],
)
def test_what_is_dropped_has_its_reason(monkeypatch, tmp_path, wishes, dropped, reason):
    good = record("This one stays, whatever happens to the other.", author=("ada",) if wishes.authors else (), date=day(5))
    result = imported(monkeypatch, tmp_path, [good, dropped], wishes)
    assert only_reason(result) == reason and [text.record.where for text in result.kept] == ["a:1"]
    assert result.ledger.shown[reason][0].where == "a:1"


def test_the_same_text_or_the_same_id_comes_in_once(monkeypatch, tmp_path):
    again = [record(id="1"), record(TEXT.replace(" ", "\n", 2).upper()), record("Edited since, and yet the same post.", id="1")]
    result = imported(monkeypatch, tmp_path, again)
    assert only_reason(result) == Reason.DUPLICATE and result.ledger.kept == 1
    for known in (text_key(TEXT), "test:1"):
        assert only_reason(imported(monkeypatch, tmp_path, [record(id="1")], known={known})) == Reason.KNOWN


def test_a_text_without_a_date_stays_where_only_later_ones_go(monkeypatch, tmp_path):
    result = imported(monkeypatch, tmp_path, [record()], Wishes(human_until=day(1).date()))
    assert result.ledger.kept == 1 and result.undated == 1


def test_system_lines_that_are_left_out_are_counted(monkeypatch, tmp_path):
    asked = Message("user", "Where is it?")
    result = imported(
        monkeypatch, tmp_path, [record(before=(Message("system", "Be kind."), asked)), record("It is on its way to you.", before=(asked,))]
    )
    assert result.with_system == 1 and [text.conversation for text in result.kept] == [(asked,), (asked,)]


def test_a_file_that_breaks_off_keeps_what_was_read(monkeypatch, tmp_path):
    for error in (Unreadable("line 9: not closed"), zipfile.BadZipFile("bad CRC"), UnicodeDecodeError("utf-8", b"x", 0, 1, "bad")):
        result = imported(monkeypatch, tmp_path, [record()], ends=error)
        assert result.ledger.kept == 1 and str(error) in result.ledger.files[0].problem


def test_files_that_nobody_reads_are_named(monkeypatch, tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "b.bin").write_bytes(b"\0")
    (tmp_path / "source" / "d.zip").write_bytes(b"PK\3\4 and no end")
    (tmp_path / "source" / "c.x").write_bytes(b"")
    result = imported(monkeypatch, tmp_path, [record()])
    passed = dict(result.ledger.passed_over)
    assert "download it again" in passed.pop("source/d.zip")
    assert passed == {"source/b.bin": "no format that is known", "source/c.x": "empty"}


def test_a_long_text_becomes_passages_of_one_record(monkeypatch, tmp_path):
    text = "\n\n".join(f"Paragraph {i}: " + "word " * 38 for i in range(5))
    result = imported(monkeypatch, tmp_path, [record(text)])
    assert len(result.kept[0].pieces) == 3 and result.ledger.files[0].passages == 3 and result.ledger.kept == 1


def test_old_turns_make_room_for_the_answer(monkeypatch, tmp_path):
    turns = [Message("user", "old " * 40), Message("assistant", "older " * 40), Message("user", "Where is it? " * 5)]
    kept = imported(monkeypatch, tmp_path, [record(before=tuple(turns))]).kept[0]
    assert kept.conversation == (Message("user", ("Where is it? " * 5).strip()),) and kept.pieces == (TEXT,)
    kept = imported(monkeypatch, tmp_path, [record(before=(Message("user", "First line.\n" + "rest " * 200),))]).kept[0]
    assert kept.conversation[0].content.startswith("First line.") and len(kept.conversation[0].content.split()) <= 50


def test_turns_follow_each_other():
    user, me, system = (lambda text, role=role: Message(role, text) for role in ("user", "assistant", "system"))
    assert turns_before([me("a"), user("b"), user("c"), system("s"), me("d"), user("e"), me("f")]) == (user("b\n\nc"), me("d"), user("e"))
    assert turns_before([me("a"), user(" ")]) == ()


@given(st.lists(st.builds(Message, st.sampled_from(["system", "user", "assistant"]), st.text("a ", max_size=2)), max_size=8))
def test_any_conversation_becomes_one_that_a_row_takes(messages):
    roles = [turn.role for turn in turns_before(messages)]
    assert roles == [["user", "assistant"][i % 2] for i in range(len(roles))] and len(roles) % 2 == bool(roles)


def test_only_marks_of_the_format_and_broken_letters_are_undone():
    untouched = "\u201cOne\u201d \u2014 two\u2026\n\n  indented \U0001f642\ttab"
    assert tidied(record(untouched)).text == untouched and tidied(record(untouched)).mended == ""
    assert tidied(record("a\r\nb\rc")).text == "a\nb\nc"
    assert tidied(record("\ud83d\ude42 and \ud83d")).text == "\U0001f642 and \ufffd"
    put_right = tidied(record("caf\u00c3\u00a9", before=(Message("user", "\u00c3\u00bcber"),)))
    assert put_right.text == "caf\u00e9" and put_right.before[0].content == "\u00fcber" and "\u00e9" in put_right.mended


@given(st.text())
def test_a_key_is_blind_to_spaces_and_case(text):
    assert text_key(text) == text_key(f" {text}\n") and len(text_key(text)) == 16
