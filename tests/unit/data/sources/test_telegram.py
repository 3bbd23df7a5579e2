import json

import pytest

from pete.data.examples import Message
from pete.data.sources.record import Reason
from tests.unit.data.sources.reading import records_of


def message(number: int, who: str, text: object, **more: object) -> dict[str, object]:
    when = {"date": "2024-01-02T03:04:05", "date_unixtime": str(1704164645 + number * 10)}
    return {"id": number, "type": "message", "from": who, "from_id": f"user{len(who)}", "text": text, **when, **more}


def chat(*messages: object) -> dict[str, object]:
    return {"name": "Ada", "type": "personal_chat", "id": 1, "messages": list(messages)}


def test_one_chat(tmp_path):
    pieces = ["See ", {"type": "link", "text": "example.org"}, {"type": "custom_emoji", "text": "🍞"}, "\nok…"]
    service = {"id": 3, "type": "service", "action": "phone_call", "actor": "Ada", "text": ""}
    found = records_of(tmp_path, {"result.json": json.dumps(chat(message(1, "Ada", "Tea?"), message(2, "Me", pieces), service))})
    ada, call, me = found
    assert me.text == "See example.org🍞\nok…" and me.before == (Message("user", "Tea?"),) and me.own is None
    assert me.author == ("Me", "user2") and me.date and me.date.timestamp() == 1704164665 and call.dropped == Reason.SYSTEM
    assert me.where == "in/result.json: Ada, message 2" and me.id == "telegram 1 2" and ada.thread == me.thread


def test_all_chats_say_who_the_owner_is(tmp_path):
    export = {"about": "x", "personal_information": {"user_id": 2, "first_name": "Me"}, "chats": {"about": "x", "list": [
        chat(message(1, "Ada", "Tea?"), message(9, "Bobby", "Nice"), message(90, "Me", "Yes", reply_to_message_id=1))]}}  # fmt: skip
    found = records_of(tmp_path, {"DataExport/result.json": json.dumps(export)})
    assert [(r.own, r.text) for r in found] == [(False, "Tea?"), (False, "Nice"), (True, "Yes")]
    assert found[2].before == (Message("user", "Tea?"),), "it names what it answers"


@pytest.mark.parametrize(("more", "reason"), [
    ({"forwarded_from": "Bo"}, Reason.FORWARD), ({"via_bot": "@gif"}, Reason.AUTOMATIC), ({"text": "", "photo": "a.jpg"}, Reason.EMPTY),
    ({"text": None}, Reason.EMPTY), ({"text": [1, {"x": 2}, None, "a"]}, None), ({"from": None}, None),
    ({"date_unixtime": "x", "date": "y"}, None),
])  # fmt: skip
def test_what_is_nothing_to_learn_from_has_a_reason(tmp_path, more, reason):
    (one,) = records_of(tmp_path, {"result.json": json.dumps(chat(message(1, "Ada", "Tea") | more))})
    assert one.dropped == reason


def test_items_that_are_no_messages_are_said(tmp_path):
    found = records_of(tmp_path, {"result.json": json.dumps(chat(message(1, "Ada", "Tea"), 7))})
    assert sorted(str(r.dropped) for r in found) == ["None", str(Reason.DAMAGED)]
