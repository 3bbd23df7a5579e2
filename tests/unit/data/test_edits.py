import json
from pathlib import Path

import pytest

from pete.data.edits import keep_edit, persona_rows, read_edits
from pete.errors import DataError, PersonaError
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


def test_what_a_person_made_of_a_text_is_kept_once_and_for_their_eyes_alone(persona_folder):
    persona = load_persona(str(persona_folder))
    write(persona.edits, {"draft": "a", "final": "b", "own": 1})
    before = persona.edits.read_bytes()
    row = persona_rows(persona).rows[0].model_copy(update={"topic": "office"})
    assert keep_edit(persona, "It opens\nat 9.", "Nine.", "review", row=row) and keep_edit(
        persona, "No.", "Never.", "chat", prompt="?", model="m"
    )
    assert not keep_edit(persona, "No.", "Never.", "chat") and not keep_edit(persona, "As it  is.", "As it is.\n", "chat")
    kept = [json.loads(line) for line in persona.edits.read_text().splitlines()]
    assert persona.edits.read_bytes().startswith(before) and persona.edits.stat().st_mode & 0o777 == 0o600
    assert {name: kept[1][name] for name in ("draft", "final", "source", "topic")} == {
        "draft": "It opens\nat 9.", "final": "Nine.", "source": "review", "topic": "office"
    }  # fmt: skip
    assert kept[2]["prompt"] == "?" and kept[2]["model"] == "m" and kept[2]["id"].startswith("chat-") and "topic" not in kept[2]
    assert [row.completion for row in read_edits(persona.edits)] == ["b", "Nine.", "Never."]


def test_nothing_is_kept_in_a_persona_that_came_with_pete(persona_folder, monkeypatch, tmp_path):
    monkeypatch.setattr("pete.persona.INSTALLED", True)
    monkeypatch.setattr("pete.persona.PERSONAS", persona_folder.parent)
    monkeypatch.setenv("PETE_PERSONAS", str(tmp_path / "mine"))
    with pytest.raises(PersonaError, match="came with Pete") as failure:
        keep_edit(load_persona(str(persona_folder)), "No.", "Never.", "chat")
    assert f"cp -R {persona_folder} {tmp_path / 'mine' / persona_folder.name}" in failure.value.hint
    assert not (persona_folder / "edits.jsonl").exists()
