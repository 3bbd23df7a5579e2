# ruff: noqa: E501 (a fixture stays in one line where its format has none)
import json

import pytest

from pete.data.sources.record import Reason
from tests.unit.data.sources.damage import harmful, harmless, said
from tests.unit.data.sources.reading import outcome, records_of

ADA, BO = {"id": "u1", "name": "Ada Holt", "email": "ada@example.org", "slug": "ada"}, {"id": "u2", "name": "Bo", "email": "", "slug": "bo"}


def post(number: int = 1, **more: object) -> dict[str, object]:
    return {
        "id": f"p{number}", "uuid": f"uuid{number}", "title": f"Tea {number}", "html": f"<p>One {number} \u2014 caf\u00e9.</p>", "status": "published",
        "type": "post", "published_at": "2025-01-01T00:00:00.000Z", "created_at": "2024-12-01T00:00:00.000Z", **more,
    }  # fmt: skip


def export(*posts: object, users: object = (ADA,), pairs: object = ()) -> str:
    data = {"posts": list(posts), "posts_authors": list(pairs), "users": list(users)}  # type: ignore[call-overload]
    return json.dumps({"db": [{"meta": {"exported_on": 1, "version": "5.0.0"}, "data": data}]}, ensure_ascii=False)


def pair(number: int, user: str, order: int = 0) -> dict[str, object]:
    return {"post_id": f"p{number}", "author_id": user, "sort_order": order}


def test_posts_with_their_author(tmp_path):
    cards = (
        '<h2>Part</h2><div class="kg-callout-card"><div class="kg-callout-text">Mind this.</div></div><blockquote>Theirs.</blockquote>'
        '<div class="kg-bookmark-card"><a>Another page</a></div><figure class="kg-image-card"><img><figcaption>A cup</figcaption></figure>'
        '<div class="kg-signup-card"><p>Sign up</p></div>'
    )
    first, quote, page, sent, draft = records_of(
        tmp_path,
        {"my-site.ghost.2025-01-01.json": export(
            post(1, html="<p>One.</p>" + cards), post(2, type="page"), post(3, status="sent"), post(4, status="draft"), pairs=[pair(1, "u1")]
        )},
    )  # fmt: skip
    assert first.text == "One.\n\nPart\n\nMind this." and first.headings == ("Part",) and first.title == "Tea 1"
    assert (first.author, first.own, first.id, first.thread) == (("Ada Holt", "ada@example.org", "ada"), True, "uuid1", "uuid1")
    assert first.date and first.date.year == 2025 and first.where.endswith("post 1")
    assert (quote.dropped, page.channel, sent.channel, draft.dropped) == (Reason.QUOTE, "web page", "newsletter", Reason.UNPUBLISHED)


def test_several_authors_are_asked_for_and_shared_posts_are_nobodys_own(tmp_path):
    pairs = [pair(1, "u1"), pair(2, "u2"), pair(3, "u2", 0), pair(3, "u1", 1)]
    found = records_of(tmp_path, {"a.json": export(post(1), post(2), post(3), users=[ADA, BO], pairs=pairs)})
    assert [(r.own, r.author[0], r.dropped) for r in found] == [
        (None, "Ada Holt", None),
        (None, "Bo", None),
        (None, "Bo", Reason.OTHER_AUTHOR),
    ]
    old = records_of(tmp_path / "old", {"a.json": export(post(1, author_id="u2"), users=[ADA, BO])})
    assert [(r.own, r.author[0]) for r in old] == [(True, "Bo")], "a second user who wrote nothing is no author"


LEXICAL = {"root": {"children": [
    {"type": "extended-heading", "tag": "h2", "children": [{"type": "extended-text", "text": "Part"}]},
    {"type": "paragraph", "children": [{"type": "extended-text", "text": "One <b>"}, {"type": "linebreak"},
                                       {"type": "link", "url": "x", "children": [{"type": "text", "text": "two"}]}]},
    {"type": "list", "tag": "ol", "children": [{"type": "listitem", "children": [{"type": "text", "text": "a"}]}]},
    {"type": "image", "src": "x", "caption": "A cup"}, {"type": "html", "html": "<p>Three.</p>"}, {"type": "markdown", "markdown": "Four\nfive"},
]}}  # fmt: skip
MOBILEDOC = {
    "version": "0.3.1", "markups": [["em"]], "atoms": [["soft-return", "", {}]],
    "cards": [["markdown", {"markdown": "Three\nfour"}], ["image", {"src": "x"}], ["html", {"html": "<p>Five.</p>"}]],
    "sections": [[1, "h2", [[0, [], 0, "Part"]]], [1, "p", [[0, [0], 1, "One <b>"], [1, [], 0, 0], [0, [], 0, "two"]]],
                 [3, "ul", [[[0, [], 0, "a"]]]], [10, 0], [10, 1], [10, 2]],
}  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"lexical": json.dumps(LEXICAL)}, "Part\n\nOne <b>\ntwo\n\n1. a\n\nThree.\n\nFour\nfive"),
        ({"mobiledoc": json.dumps(MOBILEDOC)}, "Part\n\nOne <b>\ntwo\n\n- a\n\nThree\nfour\n\nFive."),
        ({"plaintext": "Just\n\nwords <3"}, "Just\n\nwords <3"),
        ({"lexical": "{broken", "mobiledoc": '{"sections": [[1]]}', "plaintext": "Words"}, "Words"),
        ({}, ""),
    ],
)
def test_a_post_whose_html_is_missing(tmp_path, fields, text):
    (record,) = records_of(tmp_path, {"a.json": export(post(html=None, **fields))})
    assert record.text == text and (record.dropped is None) == bool(text)


def test_other_encodings_lose_nothing(tmp_path):
    for number, (kind, data) in enumerate(harmless(export(post(), pairs=[pair(1, "u1")]).replace(", ", ",\n"))):
        records, problem = outcome(tmp_path / str(number), "a.json", data)
        assert said(records) == ["One 1 \u2014 caf\u00e9."] and not problem, kind


def test_what_is_missing_or_of_another_kind_is_said(tmp_path):
    for number, (kind, data) in enumerate(harmful(export(post()).encode())):
        records, problem = outcome(tmp_path / str(number), "a.json", data)
        assert problem and not records, kind
    records, problem = outcome(tmp_path / "none", "a.json", b'{"db":[{"meta":{"version":"5"},"data":{"posts":null}}]}')
    assert "no posts" in problem
    records, problem = outcome(tmp_path / "odd", "a.json", export("x", post(title=None, html=5, published_at=7), None).encode())
    assert [r.dropped for r in records] == [Reason.DAMAGED, Reason.EMPTY, Reason.DAMAGED] and not problem
    records, problem = outcome(tmp_path / "deep", "a.json", b'{"db":[{"meta":' + b"[" * 100_000)
    assert not records and "deep" in problem
    records, problem = outcome(
        tmp_path / "number", "a.json", export(post()).replace('"version": "5.0.0"', '"version": ' + "9" * 5000).encode()
    )
    assert not records and "no JSON" in problem
