import json

from pete.data.examples import Message
from pete.data.sources.record import Reason
from tests.unit.data.sources.reading import records_of


def test_the_input_stands_below_the_instruction(tmp_path):
    rows = [
        {"instruction": "Answer this.", "input": "It is late.", "output": "It comes on Thursday."},
        {"instruction": "Say hello.", "input": "", "output": "Hello.", "system": "Be kind.", "history": [["a", "b"]]},
        {"instruction": "Nothing", "output": None},
    ]
    one, two, three = records_of(tmp_path, {"alpaca.json": json.dumps(rows, indent=4)})
    assert (one.text, one.before, one.where) == (
        "It comes on Thursday.",
        (Message("user", "Answer this.\n\nIt is late."),),
        "in/alpaca.json:2",
    )
    assert [turn.content for turn in two.before] == ["Be kind.", "a", "b", "Say hello."] and two.text == "Hello." and two.dropped is None
    assert three.dropped == Reason.EMPTY
