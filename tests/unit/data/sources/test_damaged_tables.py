"""Tables of every kind, damaged in every way: nothing but a named refusal, no row lost without a line, nothing that a file cannot hold."""

import io
import json
import zipfile

import polars
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pete.data.sources.record import Record
from tests.unit.data.sources.reading import outcome, records_of

PAIRS = [{"prompt": f"Where is {n}?", "completion": f"On a van, “{n}” says — nearly…"} for n in range(5)]
TURNS = [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]
TICKET = {"id": 1, "comments": [{"author_id": 1, "public": True, "body": "Where?"}, {"author_id": 9, "public": True, "body": "Here."}]}
TALK = {
    "source": {"body": "Where?", "author": {"type": "user"}},
    "conversation_parts": [{"part_type": "comment", "body": "Here.", "author": {"type": "admin"}}],
}


def lines(rows: list[dict[str, object]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def parquet() -> bytes:
    memory = io.BytesIO()
    polars.DataFrame(PAIRS).write_parquet(memory)
    return memory.getvalue()


WHOLE: dict[str, bytes] = {
    "pairs.jsonl": lines(PAIRS).encode(),
    "pairs.json": json.dumps(PAIRS, indent=1).encode(),
    "wrapped.json": json.dumps({"data": PAIRS}).encode(),
    "pairs.csv": ("prompt,completion\n" + "".join(f'{p["prompt"]},"{p["completion"]}"\n' for p in PAIRS)).encode(),
    "pairs.tsv": ("prompt\tcompletion\n" + "".join(f"{p['prompt']}\t{p['completion']}\n" for p in PAIRS)).encode(),
    "pairs.parquet": parquet(),
    "sharegpt.json": json.dumps([{"conversations": TURNS}] * 5).encode(),
    "messages.jsonl": lines([{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}] * 5).encode(),
    "alpaca.json": json.dumps([{"instruction": "a", "input": "b", "output": "c"}] * 5).encode(),
    "zendesk.json": lines([TICKET] * 5).encode(),
    "intercom.json": lines([TALK] * 5).encode(),
}
TEXTS = [name for name in WHOLE if not name.endswith("parquet")]


def learned(records: list[Record]) -> list[str]:
    return [record.text for record in records if not record.dropped and record.own is not False]


def sound(records: list[Record]) -> bool:
    """Every text can be written to a file, and every record says where it stands."""
    return all(
        r.where and (r.text + r.title + r.id + r.thread + "".join(m.content for m in r.before)).encode() is not None for r in records
    )


@pytest.mark.parametrize("name", WHOLE)
def test_whole_ones_are_read_whole(tmp_path, name):
    found, problem = outcome(tmp_path, name, WHOLE[name])
    assert problem == "" and len(learned(found)) == 5


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_marks_encodings_and_line_ends_change_nothing(tmp_path, name, codec, ending):
    wanted, _ = outcome(tmp_path / "whole", name, WHOLE[name])
    found, problem = outcome(tmp_path / "other", name, WHOLE[name].decode().replace("\n", ending).encode(codec))
    assert problem == "" and found == wanted


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.55, 0.97])
def test_what_is_cut_off_is_never_a_success_without_a_word(tmp_path, name, share):
    found, problem = outcome(tmp_path, name, WHOLE[name][: int(len(WHOLE[name]) * share)])
    assert (sound(found) and len(learned(found)) < 5) or name == "pairs.tsv", "where nothing is quoted, a shorter text is a text"
    if name.endswith(("json", "parquet")) and found and not found[-1].dropped:
        assert problem or WHOLE[name].startswith(b"{")


@pytest.mark.parametrize("name", TEXTS)
def test_a_nul_in_a_row_costs_that_row(tmp_path, name):
    data = WHOLE[name]
    at = data.rindex(b"van") if b"van" in data else len(data) - 6
    found, problem = outcome(tmp_path, name, data[:at] + b"\0" + data[at:])
    assert sound(found) and "\0" not in "".join(learned(found)) and (problem or any(record.dropped for record in found))
    tail, _ = outcome(tmp_path / "tail", name, data + bytes(5000))
    assert len(learned(tail)) == 5, "a tail of zeros after a crash"


@pytest.mark.parametrize("name", TEXTS)
def test_empty_ones_are_no_success(tmp_path, name):
    for data in (b"", b"\xef\xbb\xbf", b"\n\n", b"[]", b"{}", b"prompt,completion\n"):
        found, _ = outcome(tmp_path, name, data)
        assert learned(found) == []


def test_a_cell_longer_than_the_standard_reader_takes(tmp_path):
    found, problem = outcome(tmp_path, "a.csv", b'prompt,completion\na,"' + b"x, y\n" * 60_000 + b'"\nb,c\n')
    assert problem == "" and [len(record.text) for record in found] == [300_000, 1]


def test_zips_inside_zips_and_what_a_mac_leaves_in_them(tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("x/pairs.jsonl", WHOLE["pairs.jsonl"])
        archive.writestr("__MACOSX/x/._pairs.jsonl", b"\0\5\x16\7")
    found = records_of(tmp_path, {"out.zip": inner.getvalue(), "._pairs.csv": b"\0\5\x16\7", "more.JSONL": WHOLE["pairs.jsonl"]})
    assert len(learned(found)) == 10


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(list(WHOLE)),
    st.lists(
        st.tuples(st.floats(0, 1), st.sampled_from([b"", b'"', b'""', b"\\", b"\n", b",", b"\0", b"\xff", b"[", b"}", b"\t", b"null"])),
        max_size=4,
    ),
    st.integers(0, 3),
)
def test_bytes_put_in_or_taken_out_anywhere_are_a_reason_or_nothing(tmp_path, name, put, taken):
    data = WHOLE[name]
    for place, piece in put:
        at = int(place * len(data))
        data = data[:at] + piece + data[at + taken :]
    found, _ = outcome(tmp_path, name, data)
    assert sound(found)
