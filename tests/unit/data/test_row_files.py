import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pete.data.examples import load_examples, record_key
from pete.data.jsonl import read_rows
from pete.data.row_files import append_rows, replace_rows, rewrite_rows, row_name
from pete.errors import DataError

ROW = {"id": "a", "prompt": "p", "completion": "c", "own": [1, None]}
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=2), max_leaves=4)
ROWS = st.lists(st.dictionaries(st.sampled_from(["prompt", "completion", "x", "y"]), JSON, max_size=3), min_size=1, max_size=6)


def test_only_the_lines_that_change_change(tmp_path: Path):
    path = tmp_path / "r.jsonl"
    odd = '{"prompt":"p",   "completion": "caf\\u00e9"}'
    path.write_bytes(f"{odd}\r\n\r\n{json.dumps(ROW)}\r\nnot json\n{odd}".encode())
    assert rewrite_rows(path, lambda row: {**row, "prompt": "new \U0001f600"} if row.get("id") else row) == 1
    new = json.dumps({**ROW, "prompt": "new \U0001f600"}, ensure_ascii=False)
    assert path.read_bytes() == f"{odd}\r\n\r\n{new}\r\nnot json\n{odd}".encode()
    before = path.stat()
    assert rewrite_rows(path, lambda row: row) == 0 and path.stat() == before


def test_a_row_is_taken_out_with_its_line_and_the_last_one_with_its_file(tmp_path: Path):
    path = tmp_path / "r.jsonl"
    path.write_text('{"id": 1}\n{"id": 2}\n')
    assert rewrite_rows(path, lambda row: None if row["id"] == 1 else row) == 1 and path.read_text() == '{"id": 2}\n'
    assert rewrite_rows(path, lambda row: None) == 1 and not path.exists()


@pytest.mark.parametrize("text", ['[\n {"id": 1,\n  "x": 2}, {"id": 2}]', '{"id": 1,\n "x": 2}\n{"id": 2}'])
def test_what_is_no_json_lines_becomes_that_once_it_changes(tmp_path: Path, text: str):
    path = tmp_path / "r.jsonl"
    path.write_text(text)
    assert rewrite_rows(path, lambda row: row) == 0 and path.read_text() == text
    assert rewrite_rows(path, lambda row: {**row, "x": 3}) == 2
    assert path.read_text() == '{"id": 1, "x": 3}\n{"id": 2, "x": 3}\n'


@settings(max_examples=25)
@given(ROWS, st.integers(0, 5), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_every_other_row_is_what_it_was(tmp_path_factory, rows, which, newline, ended, encoding):
    path = tmp_path_factory.mktemp("rows") / "r.jsonl"
    text = newline.join(json.dumps(row, ensure_ascii=False) for row in rows)
    try:
        path.write_bytes((text + newline * ended).encode(encoding))
    except UnicodeEncodeError:  # half an emoji
        return
    number = iter(range(len(rows)))
    changed = rewrite_rows(path, lambda row: {"new": True} if next(number) == which else row)
    expected = [{"new": True} if n == which else row for n, row in enumerate(rows)]
    assert changed == (which < len(rows)) and [value for _, value in read_rows(path)] == expected


def test_rows_are_changed_by_name_over_several_files_and_a_key_can_be_taken_out(tmp_path: Path):
    one, two = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    talk = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}
    one.write_text(json.dumps(ROW) + "\n" + json.dumps({**ROW, "completion": "another"}) + "\n")
    two.write_text(json.dumps(talk) + "\n" + json.dumps({"id": 7.0, "prompt": "p", "completion": "c"}) + "\n")
    assert row_name(talk) == (load_examples([two])[0].key, "a") and record_key({"id": 7.0}) == "7" == load_examples([two])[1].key
    assert replace_rows([one, two], {("a", "c"): {"prompt": "P", "own": None}, row_name(talk): None, ("gone", "c"): {"x": 1}}) == 2
    assert one.read_text().splitlines() == ['{"id": "a", "prompt": "P", "completion": "c"}', json.dumps({**ROW, "completion": "another"})]
    assert len(two.read_text().splitlines()) == 1
    assert replace_rows([one], {("a", "c"): {"prompt": "P"}}) == 0, "nothing new is nothing written"


def test_what_cannot_be_read_is_not_written(tmp_path: Path):
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"PAR1")
    with pytest.raises(DataError, match="Parquet"):
        rewrite_rows(path, lambda row: None)
    assert path.read_bytes() == b"PAR1"


def test_rows_go_behind_those_that_are_there(tmp_path: Path):
    path = tmp_path / "new" / "r.jsonl"
    append_rows(path, [])
    assert not path.exists()
    append_rows(path, [{"a": "\u00e9"}])
    path.write_bytes(path.read_bytes().rstrip())
    append_rows(path, [{"b": 1}])
    assert path.read_text() == '{"a": "\u00e9"}\n{"b": 1}\n'
