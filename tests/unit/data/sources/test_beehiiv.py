# ruff: noqa: E501 (a fixture stays in one line where its format has none)
from pete.data.sources.record import Reason
from tests.unit.data.sources.damage import harmful, harmless, said
from tests.unit.data.sources.reading import outcome, records_of

HEADER = "id,web_title,status,audience,content_tags,url,web_subtitle,email_subject_line,email_preview_text,content_html,thumbnail_url,created_at\n"
MAIL = (
    "<table><tr><td class='f'>Read online</td></tr><tr><td><div style='display:none'>preview</div></td></tr><tr id='content-blocks'><td>"
    "<table><tr><td><h1>Tea</h1></td></tr><tr><td><p>One \u2014 caf\u00e9.</p></td></tr><tr><td><p>Two.</p></td></tr>"
    "<tr><td class='b'>Unsubscribe</td></tr></table></td></tr></table>"
)


def row(number: int = 1, status: str = "confirmed", content: str = MAIL) -> str:
    return f'a{number},Tea,{status},free,x; y,https://example.org/p/{number},Sub,Subject,Preview,"{content}",x.png,2023-01-18 21:25:27\n'


def test_published_mails_without_what_is_around_them(tmp_path):
    post, draft, empty = records_of(tmp_path, {"posts.csv": HEADER + row() + row(2, "draft") + row(3, content="")})
    assert post.text == "One \u2014 caf\u00e9.\n\nTwo." and post.title == "Tea" and post.own is True and post.channel == "newsletter"
    assert (
        post.id == post.thread == "a1" and post.date and post.date.isoformat() == "2023-01-18T21:25:27+00:00" and post.where.endswith(":2")
    )
    assert (draft.dropped, empty.dropped) == (Reason.UNPUBLISHED, Reason.EMPTY)


def test_mails_larger_than_pythons_limit_for_a_cell(tmp_path):
    (post,) = records_of(tmp_path, {"export.csv": HEADER + row(content="<p>" + "word " * 60_000 + "</p>")})
    assert len(post.text.split()) == 60_000


def test_other_encodings_lose_nothing_and_a_header_alone_is_nothing(tmp_path):
    for number, (kind, data) in enumerate(harmless(HEADER + row())):
        records, problem = outcome(tmp_path / str(number), "posts.csv", data)
        assert said(records) == ["One \u2014 caf\u00e9.\n\nTwo."] and not problem, kind
    assert outcome(tmp_path / "header", "posts.csv", HEADER.encode()) == ([], "")


def test_damage_is_said(tmp_path):
    text = HEADER + row() + row(2)
    for number, (kind, data) in enumerate(harmful(text.encode())):
        records, problem = outcome(tmp_path / str(number), "posts.csv", data)
        whole = [r for r in records if r.dropped is None]
        assert problem or kind == "blank" or len(whole) == 2 or any(r.dropped for r in records), (kind, records)
