import json

import polars
import pytest

from pete.data.examples import Message
from pete.data.sources.record import Reason
from tests.unit.data.sources.reading import outcome, records_of

ROWS = [
    {"prompt": "Where is it?", "completion": "On a van — nearly there."},
    {"prompt": "Tea?", "completion": "Always,\n\n“now”. 🫖", "category": "tea", "topic": "kettles", "id": "7", "date": "2026-01-05"},
]
ASKED = (Message("user", "Where is it?"),)


def test_our_own_rows_come_back(tmp_path):
    one, two = records_of(tmp_path, {"rows.jsonl": "".join(json.dumps(row) + "\n" for row in ROWS)})
    assert (one.text, one.before, one.own, one.where) == ("On a van — nearly there.", ASKED, True, "in/rows.jsonl:1")
    assert (two.category, two.thread, two.id) == ("tea", "kettles", "7") and two.date and two.date.year == 2026 and "\n\n“now”" in two.text


def test_in_every_kind_of_table(tmp_path):
    polars.DataFrame([row["prompt"] for row in ROWS], ["Prompt"]).with_columns(
        polars.Series("Completion", [row["completion"] for row in ROWS])
    ).write_parquet(tmp_path / "made.parquet")
    tables = {
        "a.csv": 'Prompt ;COMPLETION\nWhere is it?;"On a van — nearly there."\nTea?;"Always,\n\n“now”. 🫖"\n'.encode("utf-16"),
        "a.tsv": 'prompt\tcompletion\nWhere is it?\tOn a van — nearly there.\nTea?\t"Always,\n\n“now”. 🫖"\n',
        "a.json": json.dumps(ROWS, indent=1),
        "a.parquet": (tmp_path / "made.parquet").read_bytes(),
    }
    for name, data in tables.items():
        found = records_of(tmp_path / name, {name: data})
        assert [record.text for record in found] == [row["completion"] for row in ROWS] and found[0].before == ASKED, name


def test_a_system_line_stays_before_the_prompt_and_an_empty_prompt_is_none(tmp_path):
    rows = [
        {"system": "Be kind.", "prompt": "a", "completion": "b"},
        {"prompt": "", "completion": "c"},
        {"prompt": None, "completion": None},
    ]
    one, two, three = records_of(tmp_path, {"a.jsonl": "".join(json.dumps(row) + "\n" for row in rows)})
    assert one.before == (Message("system", "Be kind."), Message("user", "a")) and two.before == () and three.dropped == Reason.EMPTY


def test_edit_pairs_are_drafts_of_texts(tmp_path):
    (pair,) = records_of(tmp_path, {"edits.jsonl": json.dumps({"id": "1", "draft": "We utilise it.", "final": "We use it.", "topic": "t"})})
    assert (pair.text, pair.draft, pair.before, pair.thread) == ("We use it.", "We utilise it.", (), "t")


def test_prompts_that_leave_out_what_the_answer_is_about_are_not_taken_for_pairs(tmp_path):
    row = {"prompt": "Answer this complaint.", "input": "Order 0 is late.", "completion": "It comes on Thursday."}
    found, problem = outcome(tmp_path, "rows.jsonl", (json.dumps(row) + "\n").encode() * 3)
    assert found == [] and "incoming=prompt+input,reply=completion" in problem


def test_damaged_rows_are_counted(tmp_path):
    found, problem = outcome(tmp_path, "a.csv", b'prompt,completion\na,b\na,b,c\na\n"open,b\na,\nc,d\n')
    assert problem == "" and [r.dropped for r in found] == [None, *[Reason.DAMAGED] * 3, Reason.EMPTY, None]
    assert found[1].where == "in/a.csv:3 (3 cells where the header has 2)"


@pytest.mark.parametrize("cut", [1, 7, 40])
def test_a_file_that_breaks_off_keeps_what_came_before(tmp_path, cut):
    found, problem = outcome(tmp_path, "a.json", json.dumps(ROWS, indent=1).encode()[:-cut])
    assert found[0].text == ROWS[0]["completion"] and "in/a.json, line" in problem
