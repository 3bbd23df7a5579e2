import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.sources.files import Source, SourceFile
from pete.data.sources.record import Reason, Unreadable
from pete.data.sources.tables import as_text, folded, peek, rows_of

ROWS = [{"Prompt": "Where is it?", "Completion": "Nearly there…"}, {"Prompt": "Tea?", "Completion": "Always,\n“now”."}]
CSV = 'Prompt,Completion\nWhere is it?,Nearly there…\nTea?,"Always,\n“now”."\n'


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Callable[[str, bytes | str], SourceFile]]:
    opened: list[Source] = []

    def written(name: str, data: bytes | str) -> SourceFile:
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        opened.append(Source(path))
        return opened[-1].files[0]

    yield written
    for source in opened:
        source.close()


def parquet(path: Path, rows: list[dict[str, object]]) -> bytes:
    polars.DataFrame(rows).write_parquet(path)
    return path.read_bytes()


def test_the_same_rows_whatever_they_are_kept_in(file, tmp_path):
    kept = {
        "a.csv": CSV,
        "a.tsv": CSV.replace("t,C", "t\tC").replace("?,", "?\t"),
        "a.json": json.dumps(ROWS, indent=2),
        "a.jsonl": "".join(json.dumps(row) + "\n" for row in ROWS),
        "a.parquet": parquet(tmp_path / "made.parquet", ROWS),
        "bom.csv": CSV.encode("utf-8-sig"),
        "wide.csv": CSV.encode("utf-16"),
        "crlf.csv": CSV.replace("\n", "\r\n"),
        "wide.jsonl": "".join(json.dumps(row, ensure_ascii=False) + "\r\n" for row in ROWS).encode("utf-16"),
        "old.csv": CSV.encode("cp1252"),
    }
    for name, data in kept.items():
        found = file(name, data)
        assert [(row.text("prompt"), row.text("COMPLETION")) for row in rows_of(found)] == [tuple(row.values()) for row in ROWS], name
        seen = peek(found)
        assert seen and seen.columns == ("Prompt", "Completion") and seen.has("prompt", "completion") and not seen.has("draft"), name
    assert [row.where for row in rows_of(file("a.csv", CSV))] == ["a.csv:2", "a.csv:3"]


@given(st.text(max_size=12))
def test_names_are_blind_to_capitals_blanks_and_signs(name):
    assert folded(name) == folded(folded(name))
    assert folded(f" {name}a_") == folded(f"{name} A")
    assert folded("Share Commentary") == folded("share_commentary") == folded("ShareCommentary")


def test_a_cell_says_text_and_only_text():
    assert [as_text(v) for v in ("a", 3, 3.0, 2.5, None, float("nan"), True, ["a"])] == ["a", "3", "3", "2.5", "", "", "", ""]


def test_why_a_row_gives_nothing(file):
    rows = list(rows_of(file("a.csv", "id,reply,note\n1,Yes\n2,\n3\n4,a,b,c\n5,x\0,\n6,  ,n\n")))
    assert [(row.text("id"), row.unusable("reply")) for row in rows] == [
        ("1", None), ("2", Reason.DAMAGED), ("3", Reason.DAMAGED), ("4", Reason.DAMAGED), ("5", Reason.DAMAGED), ("6", Reason.EMPTY),
    ]  # fmt: skip
    assert rows[3].place == "a.csv:5 (4 cells where the header has 3)" and rows[0].get("note", "id") == "1"


def test_a_header_alone_has_columns_and_no_rows(file):
    found = file("a.csv", "prompt,completion\n")
    assert peek(found).columns == ("prompt", "completion") and list(rows_of(found)) == []


@pytest.mark.parametrize("data", [b"", b"<html></html>", b"\x89PNG\r\n\x1a\n\0\0\0\0\0\0", b"PAR1 and nothing else"])
def test_what_is_no_table_is_none(file, data):
    found = file("a.bin", data)
    assert peek(found) is None
    with pytest.raises(Unreadable, match=r"a\.bin"):
        list(rows_of(found))


def test_a_truncated_file_keeps_what_came_before(file, tmp_path):
    whole = parquet(tmp_path / "made.parquet", ROWS)
    with pytest.raises(Unreadable, match="Parquet"):
        list(rows_of(file("a.parquet", whole[:-9])))
    found = rows_of(file("a.json", json.dumps(ROWS)[:-20]))
    assert next(found).text("prompt") == "Where is it?"
    with pytest.raises(Unreadable, match=r"a\.json, line 1"):
        list(found)


def test_a_damaged_zip_breaks_off_by_name(file, tmp_path):
    inside = "prompt,completion\n" + "".join(f"{n * 7919 % 1000003},{n * 104729 % 999983}\n" for n in range(20_000))
    with zipfile.ZipFile(tmp_path / "made.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", inside)
    data = bytearray((tmp_path / "made.zip").read_bytes())
    data[len(data) // 2] ^= 0xFF
    found = file("bad.zip", bytes(data))
    got = []
    with pytest.raises(Unreadable, match="breaks off"):
        for row in rows_of(found):
            got.append(row)
    assert got


def test_text_far_below_that_is_no_utf8_is_marked_and_read_on(file):
    rows = list(rows_of(file("a.csv", b"a,b\n" + b"x,y\n" * 20_000 + b"caf\xe9,z\n")))
    assert rows[-1].text("a") == "caf\ufffd" and len(rows) == 20_001
