import json

import polars

from pete.data.examples import Message
from pete.data.sources.record import Reason
from tests.unit.data.sources.reading import outcome, records_of

TURNS = [
    {"role": "user", "content": "a"},
    {"role": "assistant", "content": "b"},
    {"role": "user", "content": "c"},
    {"role": "assistant", "content": "d"},
]


def test_answers_of_a_conversation_stay_together(tmp_path):
    rows = [{"messages": TURNS, "category": "tea"}, {"messages": TURNS[:2], "id": 5, "topic": "x"}]
    one, two, three = records_of(tmp_path, {"a.jsonl": "".join(json.dumps(row) + "\n" for row in rows)})
    assert (one.text, two.text, three.text) == ("b", "d", "b") and two.before == (
        Message("user", "a"),
        Message("assistant", "b"),
        Message("user", "c"),
    )
    assert one.thread == two.thread != "" and one.category == "tea" and (three.thread, three.id) == ("x", "5/1")
    assert one.own is True


def test_in_parquet_and_in_a_cell_of_csv(tmp_path):
    polars.DataFrame({"messages": [TURNS]}).write_parquet(tmp_path / "made.parquet")
    cell = json.dumps(TURNS).replace('"', '""')
    for name, data in {"a.parquet": (tmp_path / "made.parquet").read_bytes(), "a.csv": f'id,messages\n1,"{cell}"\n'}.items():
        assert [r.text for r in records_of(tmp_path / name, {name: data})] == ["b", "d"], name


def test_prompts_and_completions_that_are_turns(tmp_path):
    row = {"prompt": TURNS[:3], "completion": TURNS[3:]}
    one, two = records_of(tmp_path, {"a.jsonl": json.dumps(row)})
    assert (one.text, one.dropped) == ("b", Reason.UNWANTED) and (two.text, two.dropped, len(two.before)) == ("d", None, 3)


def test_a_system_column_is_the_system_turn_and_a_row_without_turns_is_counted(tmp_path):
    rows = [{"system": "Be kind.", "messages": TURNS[:2]}, {"messages": []}, {"messages": "none"}, {"messages": TURNS[:1]}]
    found, problem = outcome(tmp_path, "a.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())
    assert problem == "" and [r.dropped for r in found] == [None, Reason.EMPTY, Reason.DAMAGED, Reason.EMPTY]
    assert found[0].before[0] == Message("system", "Be kind.")
