import json

from pete.data.examples import Message
from pete.data.sources.record import Reason
from tests.unit.data.sources.reading import records_of

TICKET = {
    "id": 35, "subject": "Late",
    "comments": [
        {"author_id": 1, "public": True, "plain_body": "Where is it?"},
        {"author_id": 9, "public": False, "plain_body": "internal"},
        {"author_id": 9, "public": True, "plain_body": "On its way."},
    ],
}  # fmt: skip


def lines(*values: object) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def test_public_comments_of_agents_answer_what_the_customer_wrote(tmp_path):
    note, asked, answer = records_of(tmp_path, {"tickets.json": lines(TICKET)})
    assert (note.text, note.dropped) == ("internal", Reason.INTERNAL)
    assert (asked.text, asked.own, asked.before) == ("Where is it?", False, ())
    assert (answer.text, answer.own, answer.author, answer.before) == ("On its way.", None, ("9",), (Message("user", "Where is it?"),))
    assert (answer.thread, answer.title, answer.channel) == ("ticket 35", "Late", "support reply")
    assert answer.where == "in/tickets.json:1, ticket 35, comment 3"


def test_a_first_line_that_is_no_ticket_is_counted_and_the_tickets_are_read(tmp_path):
    for first in ('"Zendesk export"', "export of 1 ticket", json.dumps({"exported": 1})):
        found = records_of(tmp_path, {"tickets.json": first + "\n" + lines(TICKET)})
        assert len(found) == 4 and found[0].dropped in (Reason.DAMAGED, Reason.EMPTY) and found[3].text == "On its way.", first


def test_users_have_names_and_roles_wherever_they_stand(tmp_path):
    ticket = TICKET | {"requester": {"id": 1, "name": "Ada", "email": "ada@example.org"}}
    ticket["comments"] = [*TICKET["comments"], {"author_id": 2, "public": True, "plain_body": "I am in copy.", "id": 77}]
    users = lines(
        {"id": 9, "name": "Mina", "email": "mina@example.org", "role": "agent"},
        {"id": 2, "name": "Bo", "email": "bo@example.org", "role": "end-user"},
    )
    found = records_of(tmp_path, {"tickets.json": lines(ticket), "users.json": users})
    assert len(found) == 4, "users.json holds no texts"
    assert found[1].author == ("Ada", "ada@example.org", "1") and found[2].author == ("Mina", "mina@example.org", "9")
    assert found[3].own is False and found[3].id == "77"


def test_html_is_read_as_text_and_machines_are_told_from_people(tmp_path):
    ticket = {
        "id": 1, "requester_id": 5,
        "comments": [
            {"author_id": 5, "public": True, "html_body": "<p>Where?</p><p>And when?</p>", "created_at": "2026-01-05T10:00:00Z"},
            {"author_id": -1, "public": True, "plain_body": "We got your message."},
            {"author_id": 9, "public": True, "plain_body": "Closed.", "via": {"channel": "rule"}},
            {"author_id": 9, "public": True, "type": "VoiceComment", "body": "Call from"},
            {"author_id": 9, "public": True, "plain_body": "Here,&nbsp;now.", "created_at": "2026-01-05T12:00:00Z"},
        ],
    }  # fmt: skip
    found = records_of(tmp_path, {"t.json": lines(ticket)})
    assert [r.dropped for r in found] == [Reason.AUTOMATIC] * 3 + [None, None]
    assert found[4].text == "Here,\xa0now." and found[4].before == (Message("user", "Where?\n\nAnd when?"),) and found[4].date.hour == 12


def test_pages_of_the_interface_are_lists_inside_an_object(tmp_path):
    found = records_of(tmp_path, {"page.json": json.dumps({"count": 1, "tickets": [TICKET]}, indent=1)})
    assert found[2].text == "On its way." and found[2].where.startswith("in/page.json: tickets[0]")


def test_whatever_stands_where_a_comment_should_costs_no_more_than_itself(tmp_path):
    odd = {"id": None, "comments": [None, 3, {"author_id": None, "body": None, "public": None}, *TICKET["comments"]], "requester": "x"}
    found = records_of(tmp_path, {"t.json": lines(odd, {"id": 4, "comments": "none"}, {"id": 5})})
    assert [r.text for r in found if not r.dropped] == ["Where is it?", "On its way."]
    assert [r.dropped for r in found[-2:]] == [Reason.EMPTY] * 2
