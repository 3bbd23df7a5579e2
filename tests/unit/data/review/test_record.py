import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pete.data.examples import load_examples
from pete.data.review.record import Review, ReviewSession, face
from pete.errors import DataError
from pete.persona import Persona, load_persona
from tests.bare_texts import bare_persona


@pytest.fixture
def persona(tmp_path: Path) -> Persona:
    folder = bare_persona(tmp_path / "bea")
    talk = {"messages": [{"role": "user", "content": "One?"}, {"role": "assistant", "content": "Two."},
                         {"role": "user", "content": "Three?"},
                         {"role": "assistant", "content": "Four."}], "category": "post", "own": 1}  # fmt: skip
    with (folder / "examples" / "imported.jsonl").open("a") as file:
        file.write(json.dumps(talk) + "\n")
    return load_persona(str(folder))


def opened(persona: Persona, **more) -> ReviewSession:
    return ReviewSession(persona, load_examples(persona.examples), **more)


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_review_goes_on_where_it_was_left_and_says_what_was_done(persona):
    first = opened(persona, most=5)
    shown = [row.key for row in first.left]
    assert len(shown) == 5 and not first.file.exists()
    first.accept(first.left[0])
    second = opened(persona, most=5)
    assert [row.key for row in second.left] == shown[1:]
    second.reject(second.left[0])
    second.edit(second.left[0], "A better prompt.", second.left[0].completion)
    third = opened(persona, most=5)
    assert [row.key for row in third.left] == shown[3:] and [d.verdict for d in third.decided] == ["accept", "reject", "edit"]
    assert third.total == 8 and len(opened(persona, most=50).left) == 5
    assert len(opened(persona, most=5, again=True).left) == 5 and opened(persona).review.seed == first.review.seed, (
        "nothing decided, nothing kept"
    )


def test_an_edit_goes_into_the_row_and_what_was_there_is_kept(persona):
    session = opened(persona)
    row = next(row for row in session.left if row.topic == "piano")
    session.edit(row, "On a piano.", "It plays.\r\nBadly.")
    file = persona.examples[0]
    record = next(record for record in lines(file) if record["id"] == row.id)
    assert record == {
        **json.loads(json.dumps(record)),
        "prompt": "On a piano.",
        "completion": "It plays.\r\nBadly.",
        "origin": "edited",
        "note": "kept",
    }
    assert opened(persona).decided[0].before == {"prompt": row.prompt, "completion": row.completion}
    with pytest.raises(DataError, match="empty"):
        session.edit(session.left[0], " \u200b", "x")
    untouched = session.left[0]
    session.edit(untouched, untouched.prompt, untouched.completion)
    assert session.decided[-1].verdict == "accept"


def test_a_conversation_is_edited_in_its_last_turns(persona):
    session = opened(persona)
    row = next(row for row in session.left if row.messages)
    session.edit(row, "Three, please?", "4.")
    record = lines(persona.examples[0])[-1]
    assert [turn["content"] for turn in record["messages"]] == ["One?", "Two.", "Three, please?", "4."]
    assert record["origin"] == "edited" and record["own"] == 1 and "prompt" not in record
    assert len(opened(persona).decided) == 1, "a row without an id is known by its new answer"


def test_a_rejected_row_is_out_of_training_whole_and_aside(persona):
    session = opened(persona)
    row = next(row for row in session.left if row.topic == "kettle")
    raw = next(record for record in lines(persona.examples[0]) if record.get("topic") == "kettle")
    session.reject(row)
    assert row.key not in {other.key for other in load_examples(persona.examples)} and lines(session.rejected) == [raw]
    for name in ("review.json",):  # broken off between the two files: the same again
        (persona.folder / name).unlink()
    with persona.examples[0].open("a") as file:
        file.write(json.dumps(raw) + "\n")
    again = opened(persona)
    again.reject(next(row for row in again.left if row.topic == "kettle"))
    assert lines(session.rejected) == [raw] and again.decided[-1].verdict == "reject"


def test_a_row_that_says_something_else_since_is_looked_at_again(persona):
    session = opened(persona)
    row = next(row for row in session.left if row.topic == "garden")
    session.accept(row)
    file = persona.examples[0]
    file.write_text(file.read_text().replace(row.prompt, "Another prompt."))
    later = opened(persona)
    assert not later.decided and row.key in {other.key for other in later.left}
    assert later.row(row.key, face(row)) is None


def test_rows_made_from_others_are_not_reviewed(persona):
    row = load_examples(persona.examples)[0]
    copy = {"prompt": "Other words.", "completion": row.completion, "augmented_from": row.key}
    (persona.folder / "examples" / "augmented.jsonl").write_text(json.dumps(copy) + "\n")
    assert "Other words." not in {row.prompt for row in opened(persona).left}


def test_a_damaged_file_and_an_empty_persona_are_named(persona):
    (persona.folder / "review.json").write_text("{")
    with pytest.raises(DataError, match=r"review\.json cannot be read"):
        opened(persona)
    with pytest.raises(DataError, match="no rows to look at"):
        ReviewSession(persona, [])


@settings(max_examples=20)
@given(seed=st.text(), most=st.integers(1, 9))
def test_a_longer_review_begins_like_a_shorter_one(tmp_path_factory, seed, most):
    persona = load_persona(str(bare_persona(tmp_path_factory.mktemp("p") / "bea")))
    short, long = opened(persona, most=most), opened(persona, most=most + 1)
    short._reviews = long._reviews = [Review(seed=seed)]
    assert [row.key for row in long.left][:most] == [row.key for row in short.left]


def test_a_text_that_was_changed_is_an_edit_pair_and_a_prompt_is_none(persona):
    session = opened(persona)
    first, second = session.left[:2]
    session.edit(first, "Another prompt.", first.completion)
    assert not persona.edits.exists()
    session.edit(second, second.prompt, "Another text.")
    (pair,) = lines(persona.edits)
    assert (pair["draft"], pair["final"], pair["source"]) == (second.completion, "Another text.", "review")
    assert pair["prompt"] == second.prompt and pair["category"] == "post" and persona.edits.stat().st_mode & 0o777 == 0o600


def test_drafts_are_reviewed_apart_and_of_them_only_the_draft_is_changed(persona):
    opened(persona).accept(opened(persona).left[0])
    with pytest.raises(DataError, match="no drafts to look at"):
        opened(persona, task="rewrite")
    text = next(row for row in load_examples(persona.examples) if row.topic == "piano")
    draft = {"id": "d", "task": "rewrite", "prompt": "A piano is in the lift.", "completion": text.completion, "draft_kind": "plain",
             "origin": "url:h m, plain-1", "augmented_from": text.key, "category": "post"}  # fmt: skip
    (persona.folder / "examples" / "rewrite.jsonl").write_text(
        json.dumps(draft) + "\n" + json.dumps(draft | {"id": "e", "prompt": "x"}) + "\n"
    )
    session = opened(persona, task="rewrite")
    assert {row.id for row in session.left} == {"d", "e"} and session.total == 2 and not session.decided
    row = next(row for row in session.left if row.id == "d")
    with pytest.raises(DataError, match="only the draft can be changed"):
        session.edit(row, row.prompt, "Another text.")
    session.edit(row, "The lift has a piano.", row.completion)
    session.reject(next(row for row in session.left if row.id == "e"))
    assert lines(persona.folder / "examples" / "rewrite.jsonl") == [
        draft | {"prompt": "The lift has a piano.", "origin": "url:h m, plain-1, edited"}
    ]
    assert [len(opened(persona, task=task).decided) for task in ("write", "rewrite")] == [1, 2] and not persona.edits.exists()
    assert "The lift" not in str([row.prompt for row in opened(persona).left])
