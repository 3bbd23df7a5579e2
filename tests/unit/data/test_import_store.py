import json
import os

import pytest

from pete.data.examples import Example
from pete.data.import_store import ImportStore, bare_rows, source_record
from pete.data.importer import Kept, text_key
from pete.data.persona_files import BEGIN, END
from pete.data.sources.files import Source
from pete.data.sources.record import Record
from pete.errors import DataError
from pete.persona import load_persona
from tests.unit.data.test_persona_files import ENTRY

KEPT = Kept(Record(text="New text.", where="a:1", id="7"), "test", "0123456789abcdef", ("New text.",))
ROW = Example(id="test-0123456789abcdef-2", prompt="Ask.", completion="New text.", split="train", topic="test:7", origin="rule")


@pytest.fixture
def store(persona_folder):
    return ImportStore(load_persona(str(persona_folder)))


def test_rows_edits_and_ledgers_are_added_and_known(store):
    store.add([KEPT], [ROW], [{"id": "x", "draft": "a", "final": "b"}], {"ledger": {"kept": 1}})
    first = store.rows_file.read_bytes()
    store.add([], [ROW.model_copy(update={"id": "other"})], [], {"ledger": {"kept": 2}})
    assert store.rows_file.read_bytes().startswith(first) and len(store.rows_file.read_text().splitlines()) == 2
    assert json.loads(first) == {"id": "test-0123456789abcdef-2", "category": "general", "topic": "test:7", "prompt": "Ask.",
                                 "completion": "New text.", "split": "train", "origin": "rule"}  # fmt: skip
    assert [entry["ledger"]["kept"] for entry in store.record()["imports"]] == [1, 2]
    assert {"test:7", "0123456789abcdef"} <= store.known([]), "though the row may be deleted"
    assert json.loads(store.edits_file.read_text()) == {"id": "x", "draft": "a", "final": "b"}


def test_rows_alone_are_known_too(store):
    (store.persona.folder / "prompts.jsonl").write_text('{"prompt": "p", "reference": "Held out."}\n')
    rows = [ROW, Example(prompt="p", completion="By hand.")]
    assert store.known(rows) == {"0123456789abcdef", text_key("New text."), text_key("By hand."), text_key("Held out.")}


def test_a_row_whose_last_line_is_not_ended_is_not_run_into(store):
    store.rows_file.write_text('{"prompt": "a", "completion": "b"}')
    store.add([KEPT], [ROW], [], {})
    assert len([json.loads(line) for line in store.rows_file.read_text().splitlines()]) == 2


def test_a_failed_import_leaves_everything_as_it_was(store, monkeypatch):
    store.add([KEPT], [ROW], [], {"n": 1})
    before = {path: path.read_bytes() for path in store.persona.folder.rglob("*") if path.is_file()}
    monkeypatch.setattr("pete.data.import_store.sync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(OSError, match="No space"):
        store.add([KEPT], [ROW], [{"id": "x"}], {"n": 2})
    assert {path: path.read_bytes() for path in store.persona.folder.rglob("*") if path.is_file()} == before


def test_what_stands_in_the_card_stays_byte_for_byte(store):
    before, after = b"My r\xe9sum\xe9\r\n", b"\r\nby hand, too\n"
    store.card_file.write_bytes(before + f"{BEGIN}\nold\n{END}".encode() + after)
    store.add([KEPT], [ROW], [], ENTRY)
    card = store.card_file.read_bytes()
    assert card.startswith(before) and card.endswith(after) and b"| rows | 1 |" in card and b"old" not in card


def test_two_imports_at_once_are_refused(store):
    with store.lock(), pytest.raises(DataError, match="under way"), store.lock():
        pass
    with store.lock():
        pass


def test_a_damaged_record_is_said(store):
    store.record_file.write_text("{")
    with pytest.raises(DataError, match=r"imports\.json"):
        store.record()


def test_a_source_is_hashed_with_its_names(tmp_path):
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    with Source(folder) as source:
        first = source_record(source)
    os.rename(folder / "a.txt", folder / "b.txt")
    with Source(folder) as source:
        second = source_record(source)
    assert (first["name"], first["files"]) == ("letters", 1) and first["sha256"] != second["sha256"]


def test_prompts_by_rule_are_counted():
    assert bare_rows([ROW, Example(prompt="a", completion="b")]) == 1
