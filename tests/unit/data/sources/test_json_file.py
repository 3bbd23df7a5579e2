import re

import pytest

from pete.data.sources.files import Source
from pete.data.sources.json_file import dicts, head_of, json_of, string
from pete.data.sources.record import Unreadable


def of(tmp_path, data: bytes, name: str = "a.json", **how: object):
    (tmp_path / name).write_bytes(data)
    with Source(tmp_path / name) as source:
        return json_of(source.files[0], **how), head_of(source.files[0], ".json")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "data", [b'{"a": "\xc3\xa9"}', b'\xef\xbb\xbf\r\n{"a":"\\u00e9"}\n', '{"a": "é"}'.encode("utf-16"), b'{"a": "\xe9"}']
)
def test_whatever_its_encoding(tmp_path, data):
    value, head = of(tmp_path, data)
    assert value == {"a": "é"} and head.startswith("{")


def test_what_stands_in_front_is_left_out(tmp_path):
    assert of(tmp_path, b"x.y = [1];\n", before=re.compile(r"x\.\w+ = "))[0] == [1]
    assert of(tmp_path, b"[1]", name="a.txt")[1] == "", "another ending"


@pytest.mark.parametrize(("data", "says"), [(b'{"a": "b', "breaks off"), (b'{"a": [', "breaks off"), (b"{'a': 1}", "no JSON: Expecting"),
                                            (b"[" * 100_000, "without end|breaks off"),
                                            (b"[" + b"9" * 5000 + b"]", "no JSON: .*5000 digits"),
                                            (b'{"a": 1, "a": 2}', "no JSON: 'a' stands twice")])  # fmt: skip
def test_what_is_broken_says_how(tmp_path, data, says):
    with pytest.raises(Unreadable, match=says):
        of(tmp_path, data)


def test_values_of_another_kind_are_nothing():
    assert dicts([{"a": 1}, 2, None]) == [{"a": 1}] and dicts("x") == [] == dicts(None)
    assert (string("a"), string(7), string(True), string(None), string([])) == ("a", "7", "", "", "")
