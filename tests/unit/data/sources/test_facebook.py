import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.examples import Message
from pete.data.sources.facebook import letters
from pete.data.sources.record import Reason
from tests.unit.data.sources.reading import records_of


def meta(text: str) -> str:
    """As Meta writes it."""
    return text.encode().decode("latin-1")


def message(after: int, who: str, text: str, **more: object) -> dict[str, object]:
    return {"sender_name": meta(who), "timestamp_ms": 1704164645000 + after * 1000, "content": meta(text), **more}


def chat(tmp_path, *messages: object):
    export = {"participants": [{"name": "Ada"}], "messages": list(messages), "title": "Ada", "thread_path": "inbox/ada_1"}
    return records_of(tmp_path, {"messages/inbox/ada_1/message_1.json": json.dumps(export)})


def test_letters_come_back_and_the_newest_message_is_the_last(tmp_path):
    ada, me = chat(tmp_path, message(60, "Mína", "café… 🍞"), message(0, "Ada", "Tea?"))
    assert (ada.text, me.text, me.author) == ("Tea?", "café… 🍞", ("Mína",)) and me.before == (Message("user", "Tea?"),)
    assert me.own is None and not me.mended and me.thread.startswith("meta inbox/ada_1")
    (least,) = records_of(
        tmp_path / "b", {"m.json": '{"messages":[{"sender_name":"Me","timestamp_ms":1704164645000,"content":"caf\\u00c3\\u00a9"}]}'}
    )
    assert least.text == "café"


@pytest.mark.parametrize(("text", "more", "reason"), [
    ("Mina sent an attachment.", {"share": {"link": "https://example.org"}}, Reason.SYSTEM), ("You sent a photo.", {}, Reason.SYSTEM),
    ("Mina left the group.", {}, Reason.SYSTEM), ("Look", {"share": {"link": "x"}}, None), ("Tea", {"is_unsent": True}, Reason.REMOVED),
    ("", {"photos": [{}]}, Reason.EMPTY), ("You sent me bread yesterday. Thanks!", {}, None), ("Bo liked the bread", {}, None),
    ("x", {"type": "Call"}, Reason.SYSTEM), ("Liked a message", {}, Reason.SYSTEM), ("Reacted 😂 to your message ", {}, Reason.SYSTEM),
])  # fmt: skip
def test_what_meta_says_itself_is_told_from_what_people_say(tmp_path, text, more, reason):
    (one,) = chat(tmp_path, message(0, "Mina", text, **more))
    assert one.dropped == reason


def test_posts_and_captions_are_the_owners(tmp_path):
    posts = [
        {"timestamp": 1704164645, "data": [{"post": meta("Bread — “ours”")}], "title": "x"},
        {"timestamp": 1, "data": [{"update_timestamp": 2}]},
    ]
    (one, none) = records_of(tmp_path, {"posts/your_posts_1.json": json.dumps(posts)})
    assert (one.text, one.own, one.channel, none.dropped) == ("Bread — “ours”", True, "Facebook post", Reason.EMPTY)
    photos = [{"media": [{"uri": "media/posts/1.jpg", "creation_timestamp": 1704164645, "title": meta("Morgens…")}]}]
    (caption,) = records_of(tmp_path / "b", {"content/posts_1.json": json.dumps(photos)})
    assert caption.text == "Morgens…" and caption.channel == "Instagram caption" and caption.date and caption.date.year == 2024


def test_items_that_are_no_messages_are_said(tmp_path):
    assert [r.dropped for r in chat(tmp_path, 7, message(0, "Ada", "Tea"))] == [Reason.DAMAGED, None]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_meta_breaks_is_mended_letter_for_letter(text):
    assert letters(meta(text)) == text
