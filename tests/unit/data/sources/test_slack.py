import json

import pytest

from pete.data.examples import Message
from pete.data.sources.record import Reason, Unreadable
from tests.unit.data.sources.reading import records_of

USERS = json.dumps([
    {"id": "U1", "name": "mina", "real_name": "Mina Holt", "profile": {"display_name": "Mina", "email": "mina@example.org"}},
    {"id": "U2", "name": "ada", "profile": {"display_name": "", "real_name": "Ada"}}, {"id": "U3"}, "no user",
])  # fmt: skip
START = 1456427378


def message(after: float, user: str, text: str, **more: object) -> dict[str, object]:
    return {"type": "message", "user": user, "ts": f"{START + after:.6f}", "text": text, **more}


def export(tmp_path, *messages: object, day: str = "2016-02-25", **files: str):
    return records_of(
        tmp_path, {"team/users.json": USERS, "team/channels.json": "[]", f"team/general/{day}.json": json.dumps(messages), **files}
    )


def test_marks_are_undone_and_people_are_named(tmp_path):
    (one,) = export(
        tmp_path,
        message(0, "U1", "Hi &lt;all&gt; <@U2> <@U9> <https://example.org|site> <https://example.org/a?b&amp;c>\n<#C1|tea> <!here> *b*"),
    )
    assert one.text == "Hi <all> @Ada @U9 site https://example.org/a?b&c\n#tea @here *b*"
    assert one.author == ("Mina", "Mina Holt", "mina", "mina@example.org", "U1") and one.own is None
    assert one.date and one.date.isoformat() == "2016-02-25T19:09:38+00:00" and one.where == "in/team/general/2016-02-25.json: message 1"


def test_what_others_said_just_before_is_the_prompt_and_threads_are_their_own(tmp_path):
    first = message(0, "U2", "Tea?", thread_ts=f"{START}.000000")
    late = message(9000, "U1", "In the thread: yes.", thread_ts=f"{START}.000000")
    flow = [message(60, "U1", "Ten"), message(100, "U1", "o'clock"), message(130, "U2", "Good")]
    found = {r.text: r for r in export(tmp_path, first, *flow, late)}
    assert found["Ten\no'clock"].before == (Message("user", "Tea?"),)
    assert found["Good"].before == (Message("user", "Ten\no'clock"),) or found["Good"].before[-1].content == "Ten\no'clock"
    assert found["In the thread: yes."].before == (Message("user", "Tea?"),) and found["In the thread: yes."].thread != found["Tea?"].thread


def test_a_thread_that_began_on_another_day(tmp_path):
    first = json.dumps([message(0, "U2", "Tea?", thread_ts=f"{START}.000000")])
    late = message(90_000, "U1", "Yes.", thread_ts=f"{START}.000000")
    found = export(tmp_path, late, day="2016-02-26", **{"team/general/2016-02-25.json": first})
    assert [(r.text, r.before) for r in found] == [("Tea?", ()), ("Yes.", (Message("user", "Tea?"),))]


@pytest.mark.parametrize(("more", "reason"), [
    ({"subtype": "channel_join"}, Reason.SYSTEM), ({"subtype": "channel_leave"}, Reason.SYSTEM), ({"bot_id": "B1"}, Reason.AUTOMATIC),
    ({"subtype": "bot_message"}, Reason.AUTOMATIC), ({"subtype": "tombstone"}, Reason.REMOVED), ({"subtype": "thread_broadcast"}, None),
    ({"subtype": "file_share"}, None), ({"subtype": "me_message"}, None), ({"text": ""}, Reason.EMPTY),
    ({"subtype": "pinned_item"}, Reason.SYSTEM),
])  # fmt: skip
def test_what_nobody_wrote_has_a_reason(tmp_path, more, reason):
    (one,) = export(tmp_path, message(0, "U1", "Tea") | more)
    assert one.dropped == reason


def test_blocks_say_more_than_the_text_and_what_emoji_are(tmp_path):
    rich = {"type": "rich_text", "elements": [
        {"type": "rich_text_section", "elements": [{"type": "text", "text": "Bread "}, {"type": "user", "user_id": "U2"},
                                                       {"type": "text", "text": ":\n"}]},
        {"type": "rich_text_list", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "salt"}]}]},
        {"type": "rich_text_section", "elements": [{"type": "emoji", "name": "bread", "unicode": "1f35e"},
                                                       {"type": "link", "url": "https://example.org"}]},
    ]}  # fmt: skip
    (whole,) = export(tmp_path, message(0, "U1", "Bread", blocks=[rich]))
    assert whole.text == "Bread @Ada:\n- salt\n🍞https://example.org"
    only = {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": [{"type": "emoji", "name": "bread", "unicode": "1f35e"}]}],
    }
    (text,) = export(tmp_path / "b", message(0, "U1", "Bread :bread: :ours:", blocks=[only]))
    assert text.text == "Bread 🍞 :ours:"


def test_items_that_are_no_messages_are_said(tmp_path):
    found = export(tmp_path, message(0, "U1", "Tea"), 7, {"ts": "x"}, None)
    assert [r.dropped for r in found].count(Reason.DAMAGED) == 2 and len(found) == 4
    with pytest.raises(Unreadable):
        records_of(tmp_path / "b", {"general/2016-02-25.json": '[{"ts": "1'})
