import numpy as np
import pytest

from pete.data.categories import COMPARED, assign, by_kind, key_of, proposed
from pete.data.examples import Example
from pete.data.importer import Kept
from pete.data.sources.record import Record


def kept(text="Some text.", channel="", category=""):
    return Kept(Record(text=text, where="a:1", channel=channel, category=category), "test", "k", (text,))


def letters(texts):
    """Vectors by which letters a text has."""
    found = np.array([[text.lower().count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts], float) + 1e-9
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def never(texts):
    raise AssertionError("nothing has to be compared")


def test_kinds_of_text_are_proposed_and_rare_ones_go_together():
    many = [kept(channel="LinkedIn post")] * 30 + [kept(channel="email")] * 20 + [kept(channel="X post")]
    assert proposed(many) == {"linkedin_post": "LinkedIn posts", "email": "Emails", "other": "Other texts"}
    assert proposed([kept(channel="chat reply")]) == {"chat_reply": "Chat replies"} and proposed([kept()]) == {"text": "Texts"}


def test_what_the_source_says_comes_before_the_kind():
    texts = [kept(channel="email", category="Billing"), kept(channel="email")]
    assert assign(texts, {"billing": "Billing", "email": "Emails"}, [], never) == ["billing", "email"]


def test_the_only_category_and_other_take_what_is_left():
    assert assign([kept(channel="email")], {"all": "Everything"}, [], never) == ["all"]
    assert assign([kept(channel="email")], {"posts": "Posts", "other": "Other texts"}, [], never) == ["other"]


def test_else_a_text_goes_where_it_is_most_like():
    rows = [Example(prompt="a", completion="aaaa banana", category="a"), Example(prompt="z", completion="zzzz jazz", category="z")]
    texts = [kept("A banana again.", channel="email"), kept("Puzzles buzz.", channel="email")]
    assert assign(texts, {"a": "A", "z": "Z"}, rows, letters) == ["a", "z"]


def test_very_many_go_with_their_kind(monkeypatch):
    monkeypatch.setattr("pete.data.categories.COMPARED", 4)
    assert COMPARED > 1000
    texts = [kept("banana", channel="fruit")] * 2 + [kept("jazz", channel="music")] * 2 + [kept("pqr", channel="music"), kept("pqr")]
    assert assign(texts, {"a": "aaa", "z": "zzz"}, [], letters)[4] == "z"


@pytest.mark.parametrize(("title", "key"), [("LinkedIn posts", "linkedin_posts"), ("Caf\u00e9 & Co.", "cafe_co"), ("!!", "other")])
def test_keys_are_small_and_plain(title, key):
    assert key_of(title) == key


def test_categories_are_kinds_where_every_imported_row_says_so():
    def row(category, kind, origin="rule"):
        return Example(prompt="p", completion="c", category=category, format=kind, origin=origin)

    kinds = [row("linkedin_post", "LinkedIn post"), row("other", "X post"), row("marketing", "memo", origin="")]
    assert by_kind(kinds) and not by_kind([*kinds, row("marketing", "email")]) and not by_kind([])
