import gzip
import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pete.data.jsonl import Broken, NotRows, read_rows

ROWS = [{"prompt": f"p\u00e9 {n}", "completion": "c\u2028\n"} for n in range(3)]
LINES = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)


def place(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_encoding_that_says_what_it_is_and_every_line_end(tmp_path, codec, newline):
    assert read_rows(place(tmp_path, LINES.replace("\n", newline).encode(codec))) == list(enumerate(ROWS, 1))


def test_big_endian_and_two_files_in_one(tmp_path):
    assert len(read_rows(place(tmp_path, b"\xfe\xff" + LINES.encode("utf-16-be")))) == 3
    assert len(read_rows(place(tmp_path, "\ufeff" + LINES + "\n\ufeff" + LINES))) == 6


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (json.dumps(ROWS), [1, 1, 1]),
        (json.dumps(ROWS, indent=1), [2, 6, 10]),
        ("\n\n".join(json.dumps(row, indent=2) for row in ROWS), [1, 6, 11]),
        (",\n".join(map(json.dumps, ROWS)), [1, 2, 3]),
        ("[\n" + ",\n".join(map(json.dumps, ROWS)) + ",\n]\n", [2, 3, 4]),
    ],
)
def test_objects_are_rows_whatever_the_lines(tmp_path, text, lines):
    assert read_rows(place(tmp_path, text)) == list(zip(lines, ROWS, strict=True))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "empty"),
        ("\n \n", "empty"),
        (gzip.compress(LINES.encode(), mtime=0), "a gzip archive"),
        (b"PK\x03\x04....", "a zip archive or a workbook"),
        ("{\\rtf1\\ansi hello}", "rich text"),
        ("<!doctype html><p>x", "a web page"),
        (LINES.encode("utf-16-le"), "UTF-16 text without a byte order mark"),
        (LINES[:20].encode() + b"\x00" + LINES.encode(), "a NUL byte in line 1"),
        (LINES.encode().replace(b"p", b"p\xe9", 1), "not UTF-8 text (line 1, byte 3)"),
        (b"\xff\xfe\x00", "not UTF-16 text"),
        ("prompt,completion\nHi,Ho\n", "a table with commas (pete data import FILE reads it): the first line is 'prompt,completion'"),
        ("prompt\tcompletion\nHi\tHo\n", "a table with tabs"),
        ("Once upon a time\nthere was\n", "not JSON lines: the first line is 'Once upon a time'"),
        (json.dumps(ROWS, indent=1)[:60], "one JSON array over many lines, and broken"),
        (json.dumps(ROWS[0], indent=1)[:-3], "JSON objects over many lines, and broken"),
        ('{"prompt": "' + "x" * 4_000_001 + '"}', "line 1 has 4,000,015 characters"),
    ],
)
def test_what_a_file_is_instead_in_one_sentence(tmp_path, content, words):
    with pytest.raises(NotRows) as error:
        read_rows(place(tmp_path, content))
    assert words in str(error.value) and "\n" not in str(error.value)


def test_a_broken_line_among_good_ones_is_that_line(tmp_path):
    twice, digits = '{"prompt": "a", "prompt": "b"}', '{"a": ' + "9" * 5000 + "}"
    found = dict(read_rows(place(tmp_path, "\n".join([LINES, "{not json", "[1, 2]", twice, digits, "[" * 100_000]))))
    assert [n for n, value in found.items() if isinstance(value, Broken)] == [4, 6, 7, 8]
    assert found[5] == [1, 2] and "'prompt' stands twice" in found[6]


@example(b",\t")
@given(st.binary(max_size=80) | st.text('[]{}",:1a\n\t ', max_size=30).map(str.encode))
def test_any_bytes_are_rows_or_a_sentence(data):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        try:
            assert read_rows(place(Path(folder), data))
        except NotRows as error:
            assert str(error)
