import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.sources import json_rows
from pete.data.sources.json_rows import values
from pete.data.sources.record import Unreadable

CELL = st.one_of(st.text(max_size=6), st.integers(), st.lists(st.text(max_size=3), max_size=2))
OBJECT = st.dictionaries(st.text("ab\n", max_size=2), CELL, min_size=1, max_size=2)


def read(text: str):
    return list(values(iter(text.splitlines(keepends=True))))


def objects(text: str) -> list[object]:
    found = read(text)
    assert not [value for value in found if value.problem]
    return [value.value for value in found]


@given(st.lists(OBJECT, max_size=3), st.sampled_from([None, 0, 2]), st.booleans())
def test_rows_are_the_same_in_every_way_they_are_kept(rows, indent, ascii):
    kept = [json.loads(json.dumps(row)) for row in rows]
    lines = "".join(json.dumps(row, ensure_ascii=ascii) + "\n" for row in kept)
    for text in (lines, json.dumps(kept, indent=indent), "\n".join(json.dumps(row, indent=indent) for row in kept)):
        assert [v.value for v in values(iter([line + "\n" for line in text.split("\n")]))] == kept


@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_an_array_streams_and_each_object_knows_its_line(chunk, monkeypatch):
    monkeypatch.setattr(json_rows, "_CHUNK", chunk)
    text = json.dumps([{"n": n, "text": "x" * 30} for n in range(20)], indent=1)
    assert [(value.line, value.value["n"]) for value in read(text)] == [(2 + 4 * n, n) for n in range(20)]


def test_a_line_that_is_no_json_is_said_and_the_next_is_read():
    found = read('export of 2\n{"a": 1}\n{"a": \n\n[1]\n{"a": 2}\n{"a": "\\ud83d"}\n{"a": 3, "a": 4}\n')
    assert [(value.line, bool(value.problem)) for value in found] == [
        (1, True),
        (2, False),
        (3, True),
        (5, True),
        (6, False),
        (7, True),
        (8, True),
    ]
    assert "half of an emoji" in found[5].problem and "stands twice" in found[6].problem


@pytest.mark.parametrize("text", ['[{"a": 1},\n{"a": 2}', '[{"a": 1}, {"a": 2},\n{"a":', '{\n"a": 1\n}\n{\n"a": 2}\n{\n"a":'])
def test_what_is_cut_off_is_said_and_what_came_before_stays(text):
    found = []
    with pytest.raises(Unreadable, match=r"begins in line [236]|ends within"):
        for value in values(iter(text.splitlines(keepends=True))):
            found.append(value.value)
    assert found[0] == {"a": 1}


def test_a_list_of_rows_inside_an_object_is_entered_and_a_conversation_is_not():
    (one, two) = read('{"version": 1, "data": [{"prompt": "a"}, {"prompt": "b"}]}')
    assert (one.value, one.path, two.path) == ({"prompt": "a"}, "data[0]", "data[1]")
    row = {"conversations": [{"from": "human", "value": "a"}]}
    assert objects(json.dumps(row, indent=1)) == [row]
    assert objects('{"messages": [{"role": "user", "content": "a"}]}') == [{"messages": [{"role": "user", "content": "a"}]}]


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[1, " + "9" * 10_000 + "]", "{]", '{"a": 1} x'])
def test_nonsense_is_refused_by_name(text):
    with pytest.raises(Unreadable):
        assert not [value for value in read(text) if not value.problem and value.value != {"a": 1}]
        raise Unreadable("every value had its problem")
