import json
from pathlib import Path

import pytest

from pete.data.edits import persona_rows, read_edits
from pete.errors import DataError
from pete.persona import load_persona


def write(path: Path, *lines: object) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def test_edit_pairs_are_rows_of_rewriting_beside_those_of_the_example_files(persona_folder):
    persona = load_persona(str(persona_folder))
    before = persona_rows(persona).rows
    pair = {"id": "mail-1", "draft": "I return at 12.", "final": "Back at noon.", "topic": "office", "date": "2026-02-01", "model": "m"}
    write(persona.edits, pair, {"draft": "We are closed.", "final": "Closed.", "date": None, "source": "a.docx, changes of Ada"})
    *rows, first, second = persona_rows(persona).rows
    assert rows == before
    assert (first.task, first.prompt, first.completion) == ("rewrite", "I return at 12.", "Back at noon.")
    assert (first.id, first.topic, first.draft_kind, first.origin) == ("mail-1-edited", "office", "edited", "edited: m")
    assert first.source == f"{persona.edits}:1" and not first.augmented_from
    assert (second.id, second.date, second.found, second.origin) == ("", "", "a.docx, changes of Ada", "edited")
    assert "category" not in second.model_fields_set


def test_no_edits_and_an_empty_file_are_none(tmp_path: Path):
    (tmp_path / "edits.jsonl").touch()
    assert read_edits(tmp_path / "edits.jsonl") == read_edits(tmp_path / "gone.jsonl") == []


def test_every_line_that_is_no_edit_pair_is_named(tmp_path: Path):
    path = write(
        tmp_path / "edits.jsonl",
        {"draft": "a", "final": "b"}, "{not json", [1], {"draft": "a"}, {"draft": " ", "final": "b"}, {"draft": "a", "final": 3},
        '{"draft": "a", "final": "\\ud83d"}',
    )  # fmt: skip
    with pytest.raises(DataError) as error:
        read_edits(path)
    for number, words in {
        2: "not JSON", 3: "expected an object, found list", 4: "final: expected text, found nothing", 5: "draft is empty",
        6: "final: expected text, found 3", 7: "final: a lone surrogate",
    }.items():  # fmt: skip
        assert f"{path}:{number}: {words}" in error.value.message
    assert f"{path}:1:" not in error.value.message and "6 problems" in error.value.message


def test_a_file_that_is_no_text_is_named(tmp_path: Path):
    (tmp_path / "edits.jsonl").write_bytes(b"\xff\xff\x01")
    with pytest.raises(DataError, match=r"edits\.jsonl cannot be read: not UTF-8"):
        read_edits(tmp_path / "edits.jsonl")
