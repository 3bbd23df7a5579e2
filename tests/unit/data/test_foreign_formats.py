import json

import pytest

from pete.data.examples import load_examples
from pete.data.foreign_formats import foreign_format
from pete.errors import DataError

TURNS = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]

FORMS = [
    ({"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}, "ShareGPT's form (conversations)"),
    ({"instruction": "a", "input": "", "output": "b"}, "Alpaca's form"),
    ({"prompt": TURNS[:1], "completion": TURNS[1:]}, "prompt is a list of turns"),
    ({"prompt": "a", "chosen": "b", "rejected": "c"}, "preference pairs"),
    ({"chosen": TURNS, "rejected": TURNS}, "chosen is a list of turns"),
    ({"dialogue": TURNS}, "turns under 'dialogue'"),
    ({"contents": [{"role": "user", "parts": [{"text": "a"}]}]}, "turns under 'contents'"),
    ({"text": "Once upon a time"}, "of text alone"),
    ({"question": "a", "answer": "b"}, 'pete data import FILE --map "incoming=question,reply=answer"'),
    (
        {"Prompt": "a", "Completion": "b"},
        "with the keys Prompt, Completion: move the file out of examples/ and bring it in: pete data import FILE",
    ),
    ({"prompt": "a", "response": "b"}, '--map "incoming=prompt,reply=response"'),
    ({"prompt": "a"}, "a prompt and no completion"),
    ({"data": [{"prompt": "a", "completion": "b"}]}, "in a list under 'data'"),
    ({"x": 1, "y": 2}, "with the keys x, y"),
    ({}, "a row needs prompt and completion"),
]


@pytest.mark.parametrize(("record", "words"), FORMS)
def test_rows_of_another_tool_are_one_line_a_file(tmp_path, record, words):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for _ in range(40)))
    with pytest.raises(DataError) as error:
        load_examples([path])
    (line,) = error.value.message.splitlines()[1:]
    assert f"{path}:1: 40 rows" in line and words in line


def test_what_is_no_form_of_anybody():
    for record in ({"prompt": 3, "completion": "b"}, {"prompt": "a", "completion": None}, {"messages": []}):
        assert foreign_format(record) is None, record
