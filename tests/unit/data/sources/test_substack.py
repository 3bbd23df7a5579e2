import datetime

from pete.data.sources.record import Reason
from tests.unit.data.sources.damage import harmful, harmless, said
from tests.unit.data.sources.reading import outcome, records_of

HEADER = "post_id,post_date,is_published,email_sent_at,type,audience,title,subtitle,podcast_url\n"
ROWS = (
    "123401.plain-text,2019-07-26T20:48:19.814Z,TRUE,,newsletter,everyone,Plain &amp; short,&#x201C;Hi&#x201D;,\n"
    "123402.idea,2020-01-02T00:00:00.000Z,FALSE,,newsletter,everyone,An idea,,\n"
    "123403.talk,2020-01-03T00:00:00.000Z,TRUE,,thread,only_paid,Talk to me,,\n"
)
PAGE = (
    '<p>One \u2014 caf\u00e9.</p><div class="tweet">not mine</div><p class="button-wrapper">Subscribe</p><p></p><p>Two.</p>'
    '<div class="subscription-widget-wrap"><p>Thanks for reading!</p></div><div class="paywall-jump"></div>'
    '<div class="footnote"><a>1</a><div class="footnote-content"><p>A note.</p></div></div><div class="poll-embed">Yes or no?</div>'
)
EXPORT = {
    "posts.csv": HEADER + ROWS, "posts/123401.plain-text.html": PAGE, "posts/123402.idea.html": "<p>Later.</p>",
    "posts/123403.talk.html": "<p>What do you drink?</p>",
}  # fmt: skip


def test_posts_with_what_the_table_knows_of_them(tmp_path):
    post, tweet, draft, thread = records_of(tmp_path, EXPORT)
    assert post.text == "One \u2014 caf\u00e9.\n\nTwo." and post.title == "Plain & short" and post.own is True
    assert (post.id, post.thread, post.channel) == ("123401.plain-text", "123401.plain-text", "newsletter")
    assert post.date == datetime.datetime(2019, 7, 26, 20, 48, 19, tzinfo=datetime.UTC)
    assert (tweet.text, tweet.dropped) == ("not mine", Reason.QUOTE)
    assert (draft.text, draft.dropped) == ("Later.", Reason.UNPUBLISHED)
    assert (thread.text, thread.channel, thread.dropped) == ("What do you drink?", "discussion thread", None)


def test_one_folder_deeper_and_whatever_the_table_is_called(tmp_path):
    deeper = {f"My export/{name.replace('posts.csv', 'posts (1).csv')}": data for name, data in EXPORT.items()}
    deeper["__MACOSX/My export/posts/._123401.plain-text.html"] = "x"
    assert [r.title for r in records_of(tmp_path, deeper)] == ["Plain & short", "Plain & short", "An idea", "Talk to me"]


def test_rows_without_a_page_are_counted(tmp_path):
    del (some := dict(EXPORT))["posts/123403.talk.html"]
    some["posts/123402.idea.html"] = ""
    found = {record.id: record for record in records_of(tmp_path, {**some, "posts/123402.idea.html": " "}) if record.id}
    assert found["123403.talk"].dropped is Reason.EMPTY and found["123403.talk"].where.endswith("posts.csv:4")
    assert found["123402.idea"].dropped is Reason.UNPUBLISHED and len(found) == 3


def test_a_page_without_its_table_has_its_name(tmp_path):
    (post, *_) = records_of(tmp_path, {"123401.plain-text.html": PAGE})
    assert post.title == "plain text" and post.text.startswith("One") and post.own is True


def test_a_newer_table_with_more_columns_and_quotes_is_read(tmp_path):
    rows = (
        HEADER.replace("podcast_url", "podcast_url,inbox_sent_at")
        + '9001.tea,2020-01-03T00:00:00.000Z,true,,newsletter,everyone,"Tea, ""hot""",,,\n'
    )
    (post,) = records_of(tmp_path, {"posts.csv": rows, "posts/9001.tea.html": "<p>Hot.</p>"})
    assert post.title == 'Tea, "hot"' and post.dropped is None


def test_other_encodings_lose_nothing(tmp_path):
    for number, (kind, data) in enumerate(harmless(PAGE)):
        folder = tmp_path / str(number)
        assert said(records_of(folder, {**EXPORT, "posts/123401.plain-text.html": data}))[0] == "One \u2014 caf\u00e9.\n\nTwo.", kind
    for number, (kind, data) in enumerate(harmless(HEADER + ROWS)):
        if kind != "old Mac":  # of which the csv module makes one row
            assert len(records_of(tmp_path / f"t{number}", {**EXPORT, "posts.csv": data})) == 4, kind
    only = records_of(tmp_path / "header", {**EXPORT, "posts.csv": HEADER})
    assert said(only) == ["One \u2014 caf\u00e9.\n\nTwo.", "Later.", "What do you drink?"], (
        "a header alone knows no drafts, and loses no page"
    )


def test_pages_are_read_where_their_table_breaks_off(tmp_path):
    found = records_of(
        tmp_path, {name: data for name, data in EXPORT.items() if name != "posts.csv"} | {"posts.csv": HEADER + '123401.plain-text,"2019'}
    )
    assert len(said(found)) == 3


def test_damaged_pages_and_tables_are_no_traceback(tmp_path):
    for number, (kind, data) in enumerate(harmful(PAGE.encode())):
        records, problem = outcome(tmp_path / str(number), "123401.x.html", data)
        assert records or problem, kind
    for number, (_, data) in enumerate(harmful((HEADER + ROWS).encode())):
        outcome(tmp_path / f"t{number}", "posts.csv", data)
