import json

from pete.data.examples import Message
from pete.data.sources import readers_of
from pete.data.sources.files import Source
from tests.unit.data.sources.reading import records_of

ROW = {"id": "x1", "conversations": [{"from": "human", "value": "Where is order 0?"}, {"from": "gpt", "value": "On a van."}]}


def test_turns_are_read_under_their_own_names(tmp_path):
    for name, text in {"a.jsonl": json.dumps(ROW) * 1 + "\n", "a.json": json.dumps([ROW], indent=2)}.items():
        (record,) = records_of(tmp_path / name, {name: text})
        assert (record.text, record.before, record.thread) == ("On a van.", (Message("user", "Where is order 0?"),), "x1")
        with Source(tmp_path / name / "in") as source:
            ((_, reader),) = readers_of(source)
            assert reader and reader.title == "ShareGPT conversations"
