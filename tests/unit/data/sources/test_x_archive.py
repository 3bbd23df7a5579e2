import json

import pytest

from pete.data.examples import Message
from pete.data.sources.record import Reason
from tests.unit.data.sources.reading import records_of

ACCOUNT = 'window.YTD.account.part0 = [ {"account": {"username": "mina", "accountId": "7", "accountDisplayName": "Mina Holt"}} ]'


def post(number: int, text: str, **more: object) -> dict[str, object]:
    when = f"Sat Feb 18 12:{number:02}:11 +0000 2023"
    return {"tweet": {"id_str": str(number), "created_at": when, "full_text": text, "lang": "en", "retweeted": False, **more}}


def archive(tmp_path, *posts: object, name: str = "tweets", **files: str):
    data = {f"data/{name}.js": f"window.YTD.{name.replace('-', '_')}.part0 = {json.dumps(posts)}", "data/account.js": ACCOUNT}
    return records_of(tmp_path, data | {f"data/{file}": text for file, text in files.items()})


def test_links_are_what_was_typed_and_pictures_leave_none(tmp_path):
    entities = {"urls": [{"url": "https://t.co/a", "expanded_url": "https://example.org"}], "media": [{"url": "https://t.co/p"}]}
    (one,) = archive(tmp_path, post(1, "Tea &amp; toast —\nhttps://t.co/a https://t.co/p", entities=entities))
    assert one.text == "Tea & toast —\nhttps://example.org" and one.own is True and one.author == ("mina", "Mina Holt")
    assert one.date and one.date.isoformat() == "2023-02-18T12:01:11+00:00" and (one.id, one.channel) == ("1", "post on X")


def test_a_thread_of_ones_own_is_one_text(tmp_path):
    follow = [post(3, "three", in_reply_to_status_id_str="2"), post(2, "two", in_reply_to_status_id_str="1"), post(1, "One,")]
    branch = post(4, "aside", in_reply_to_status_id_str="1")
    found = archive(tmp_path, *follow, branch)
    assert sorted(r.text for r in found) == ["One,\n\ntwo\n\nthree", "aside"]
    loop = archive(tmp_path / "b", post(1, "a", in_reply_to_status_id_str="1"), post(2, "b", in_reply_to_status_id_str="2"))
    assert sorted(r.text for r in loop) == ["a", "b"]


def test_posts_that_answer_each_other_in_a_circle_are_not_lost(tmp_path):
    found = archive(tmp_path, post(1, "a", in_reply_to_status_id_str="2"), post(2, "b", in_reply_to_status_id_str="1"))
    assert [r.text for r in found] == ["a\n\nb"], "the later one goes on"


def test_an_answer_begins_with_what_was_typed(tmp_path):
    (one,) = archive(tmp_path, post(1, "@ada @bo Ten, @ada.", in_reply_to_status_id_str="99", in_reply_to_screen_name="ada"))
    assert (one.text, one.channel, one.thread) == ("Ten, @ada.", "reply on X", "99")
    assert archive(tmp_path / "b", post(1, "@ada look"))[0].text == "@ada look", "typed, not put there"


@pytest.mark.parametrize("note", [{"noteTweetResults": {"text": "{}"}, "tweetId": "1"}, {"core": {"text": "{}"}, "noteTweetId": "5"}])
def test_long_posts_are_whole(tmp_path, note):
    whole = "Bread & salt, and so on and on. " * 20
    inner = {key: {"text": whole} if isinstance(value, dict) else value for key, value in note.items()}
    notes = f"window.YTD.note_tweet.part0 = {json.dumps([{'noteTweet': inner}])}"
    cut = whole[:270].replace("&", "&amp;") + "… https://t.co/x"
    (one,) = archive(tmp_path, post(1, cut), **{"note-tweet.js": notes})
    assert one.text == whole.strip()


def test_what_is_nothing_to_learn_from_has_a_reason(tmp_path):
    found = archive(tmp_path, post(1, "RT @ada: Tea"), post(2, "https://t.co/p", entities={"media": [{"url": "https://t.co/p"}]}))
    assert [r.dropped for r in found] == [Reason.RESHARE, Reason.EMPTY]
    likes = {"like.js": 'window.YTD.like.part0 = [{"like": {"fullText": "not mine"}}]', "manifest.js": "window.__THAR_CONFIG = {}"}
    (gone,) = archive(tmp_path / "b", post(1, "Tea"), name="deleted-tweets", **likes)
    assert gone.dropped == Reason.REMOVED


def test_private_messages_are_a_chat(tmp_path):
    said = [{"id": "2", "senderId": "7", "text": "Ten &amp; a bit", "createdAt": "2023-02-18T12:10:00.000Z"},
            {"id": "1", "senderId": "8", "text": "Tea?", "createdAt": "2023-02-18T12:00:00.000Z"}]  # fmt: skip
    chat = [
        {"dmConversation": {"conversationId": "7-8", "messages": [{"messageCreate": one} for one in said] + [{"joinConversation": {}}]}}
    ]
    text = f"window.YTD.direct_messages.part0 = {json.dumps(chat)}"
    found = {r.text: r for r in records_of(tmp_path, {"data/account.js": ACCOUNT, "data/direct-messages.js": text})}
    assert found["Ten & a bit"].own is True and found["Ten & a bit"].before == (Message("user", "Tea?"),) and found["Tea?"].own is False
    assert found[""].dropped == Reason.SYSTEM
