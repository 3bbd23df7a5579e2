import json

import pytest

from pete.data.examples import Message
from pete.data.sources.record import Reason
from tests.unit.data.sources.reading import records_of


def part(kind: str, body: str | None, author: dict[str, object], **more: object) -> dict[str, object]:
    return {"part_type": kind, "body": body, "author": author, **more}


ADMIN = {"type": "admin", "name": "Mina", "email": "mina@example.org", "id": "9", "from_ai_agent": False}
CONVERSATION = {
    "source": {"subject": "", "body": "<p>Where is it?</p>", "author": {"type": "user"}},
    "conversation_parts": {
        "conversation_parts": [
            {"part_type": "comment", "body": "<p>On its way.</p>", "author": {"type": "admin", "from_ai_agent": False}},
            {"part_type": "note", "body": "<p>internal</p>", "author": {"type": "admin"}},
        ]
    },
}


@pytest.mark.parametrize("wrapped", [CONVERSATION, [CONVERSATION], {"type": "conversation.list", "conversations": [CONVERSATION]}])
@pytest.mark.parametrize("indent", [None, 2])
def test_what_admins_wrote_answers_what_users_wrote(tmp_path, wrapped, indent):
    note, asked, answer = records_of(tmp_path, {"c.json": json.dumps(wrapped, indent=indent)})
    assert (note.dropped, note.text) == (Reason.INTERNAL, "internal") and (asked.own, asked.text) == (False, "Where is it?")
    assert (answer.text, answer.own, answer.before) == ("On its way.", None, (Message("user", "Where is it?"),))


def test_notes_bots_and_ai_are_left_out_by_reason_and_lie_between_no_question_and_its_answer(tmp_path):
    parts = [
        part("comment", "<p>I am Fin.</p>", {"type": "bot"}),
        part("comment", "<p>Hello!</p>", ADMIN | {"from_ai_agent": True}),
        part("comment", "<p>Let me see.</p>", ADMIN | {"is_ai_answer": True}),
        part("assignment", None, ADMIN),
        part("comment", "<p>gone</p>", ADMIN, redacted=True),
        part("comment", "<p>Happy birthday</p>", ADMIN, delivered_as="automated"),
        part("close", "<p>Here it is:</p><ul><li>one</li></ul>", ADMIN, created_at=1704164645, id="p7"),
    ]
    found = records_of(tmp_path, {"c.jsonl": json.dumps(CONVERSATION | {"id": "12", "title": "Parcel", "conversation_parts": parts})})
    assert [r.dropped for r in found[:-2]] == [
        Reason.MACHINE, Reason.MACHINE, Reason.MACHINE, Reason.SYSTEM, Reason.REMOVED, Reason.AUTOMATIC,
    ]  # fmt: skip
    answer = found[-1]
    assert answer.text == "Here it is:\n\n- one" and answer.before == (Message("user", "Where is it?"),)
    assert answer.author == ("Mina", "mina@example.org", "9") and answer.date.year == 2024 and answer.title == "Parcel"
    assert (answer.thread, answer.id, answer.where) == ("conversation 12", "p7", "in/c.jsonl:1, conversation 12, part 7")


def test_whatever_stands_where_a_part_should_costs_no_more_than_itself(tmp_path):
    odd = {"source": {"body": None, "author": None}, "conversation_parts": {"conversation_parts": [None, {"part_type": None}, 3]}}
    found = records_of(tmp_path, {"c.jsonl": "".join(json.dumps(c) + "\n" for c in (CONVERSATION, odd, {"source": "x"}))})
    assert [r.text for r in found if not r.dropped] == ["Where is it?", "On its way."]
