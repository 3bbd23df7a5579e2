# ruff: noqa: E501 (a fixture stays in one line where its format has none)
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.sources.record import Reason
from pete.data.sources.wordpress import _MendedXml, paragraphs, shortcodes
from tests.unit.data.sources.damage import harmful, harmless, said
from tests.unit.data.sources.reading import outcome, records_of

TOP = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"'
    ' xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:wp="http://wordpress.org/export/1.2/">\n<channel><title>Bread & butter</title><wp:wxr_version>1.2</wp:wxr_version>\n'
)
ADA = "<wp:author><wp:author_id>1</wp:author_id><wp:author_login>ada</wp:author_login><wp:author_email>ada@example.org</wp:author_email><wp:author_display_name><![CDATA[Ada Holt]]></wp:author_display_name></wp:author>\n"
BO = ADA.replace("ada", "bo").replace("Ada", "Bo").replace(">1<", ">2<")
END = "</channel></rss>\n"


def item(
    content: str = "<p>One.</p>", *, title: str = "T", kind: str = "post", status: str = "publish", by: str = "ada", more: str = ""
) -> str:
    return (
        f"<item><title>{title}</title><dc:creator><![CDATA[{by}]]></dc:creator><content:encoded><![CDATA[{content}]]></content:encoded>"
        f"<excerpt:encoded><![CDATA[short]]></excerpt:encoded><wp:post_id>7</wp:post_id><wp:post_date_gmt>2024-01-02 03:04:05</wp:post_date_gmt>"
        f"<wp:status>{status}</wp:status><wp:post_type>{kind}</wp:post_type>{more}</item>\n"
    )


def test_a_post_of_the_block_editor(tmp_path):
    content = (
        '<!-- wp:paragraph --><p>One \u2014 caf\u00e9.</p><!-- /wp:paragraph -->[gallery ids="1"]\n<!-- wp:quote --><blockquote><p>Theirs.</p>'
        "</blockquote><!-- /wp:quote --><!-- wp:heading --><h2>Part</h2><!-- /wp:heading --><!-- wp:paragraph --><p>Two [sic] lines<br>here.</p>"
        '<!-- /wp:paragraph --><div class="wp-block-buttons"><a>Buy</a></div>'
    )
    post, quote = records_of(tmp_path, {"site.WordPress.2024-01-02.xml": TOP + ADA + item(content, title="AT&amp;T & me") + END})
    assert post.text == "One \u2014 caf\u00e9.\n\nPart\n\nTwo [sic] lines\nhere." and post.headings == ("Part",)
    assert post.title == "AT&T & me" and post.date and post.date.isoformat() == "2024-01-02T03:04:05+00:00"
    assert (post.author, post.own, post.id, post.thread) == (("Ada Holt", "ada", "ada@example.org"), True, "7", "post 7")
    assert (quote.text, quote.dropped) == ("Theirs.", Reason.QUOTE) and post.where.endswith("item 1")


def test_a_post_of_the_classic_editor_has_blank_lines_alone(tmp_path):
    content = "First\nsecond line.\r\n\r\nAnother <em>one</em>.\n<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n<pre>x\n\n  y</pre>\nEnd."
    (post,) = records_of(tmp_path, {"a.xml": TOP + ADA + item(content) + END})
    assert post.text == "First\nsecond line.\n\nAnother one.\n\n- a\n- b\n\nx\n\n  y\n\nEnd."
    assert paragraphs("<p>one\ntwo</p>\n\nthree") == "<p>one\ntwo</p><p>three"


def test_who_wrote_it_is_asked_where_several_did(tmp_path):
    more = '<category domain="author" nicename="cap-bo"><![CDATA[Bo Holt]]></category>'
    two = more + '<category domain="author" nicename="cap-ada"><![CDATA[Ada Holt]]></category>'
    texts = item() + item(by="bo") + item(more=more) + item(more=two) + item(by="gone")
    found = records_of(tmp_path, {"a.xml": TOP + ADA + BO + texts + END})
    assert [r.own for r in found] == [None] * 5
    assert [r.author[0] for r in found] == ["Ada Holt", "Bo Holt", "Bo Holt", "Ada Holt", "gone"]
    assert [r.dropped for r in found] == [None, None, None, Reason.OTHER_AUTHOR, None]


@pytest.mark.parametrize(
    ("kind", "status", "dropped"),
    [
        ("post", "publish", None), ("page", "publish", None), ("post", "future", None), ("recipe", "publish", None), ("post", "draft", Reason.UNPUBLISHED),
        ("post", "private", Reason.UNPUBLISHED), ("post", "pending", Reason.UNPUBLISHED), ("post", "trash", Reason.REMOVED),
        ("attachment", "inherit", Reason.NO_WRITING), ("nav_menu_item", "publish", Reason.NO_WRITING), ("wp_global_styles", "publish", Reason.NO_WRITING),
        ("feedback", "publish", Reason.OTHER_AUTHOR), ("revision", "publish", Reason.UNPUBLISHED),
    ],
)  # fmt: skip
def test_kinds_and_states(tmp_path, kind, status, dropped):
    (record,) = records_of(tmp_path, {"a.xml": TOP + ADA + item(kind=kind, status=status) + END})
    assert record.dropped is dropped and record.channel == ("web page" if kind == "page" else "blog post")


def test_a_draft_without_a_date_has_none(tmp_path):
    (record,) = records_of(
        tmp_path, {"a.xml": TOP + ADA + item(status="draft").replace("2024-01-02 03:04:05", "0000-00-00 00:00:00") + END}
    )
    assert record.date is None


def test_comments_are_other_peoples_but_for_ones_own_answers(tmp_path):
    def comment(number: int, text: str, *, user: int = 0, parent: int = 0, kind: str = "", approved: str = "1") -> str:
        return (
            f"<wp:comment><wp:comment_id>{number}</wp:comment_id><wp:comment_author>C{number}</wp:comment_author><wp:comment_author_email>c@example.org"
            f"</wp:comment_author_email><wp:comment_content><![CDATA[{text}]]></wp:comment_content><wp:comment_approved>{approved}</wp:comment_approved>"
            f"<wp:comment_type>{kind}</wp:comment_type><wp:comment_parent>{parent}</wp:comment_parent><wp:comment_user_id>{user}</wp:comment_user_id></wp:comment>"
        )

    comments = (
        comment(1, "Why?\nReally?")
        + comment(2, "Because.", user=1, parent=1)
        + comment(3, "x", kind="pingback")
        + comment(4, "y", approved="spam")
    )
    _, asked, answered, ping, spam = records_of(tmp_path, {"a.xml": TOP + ADA + item(more=comments) + END})
    assert (asked.dropped, asked.own, asked.author[0]) == (Reason.OTHER_AUTHOR, False, "C1")
    assert (answered.dropped, answered.own, answered.channel, answered.thread) == (None, True, "comment", "post 7")
    assert [(turn.role, turn.content) for turn in answered.before] == [("user", "Why?\nReally?")]
    assert (ping.dropped, spam.dropped) == (Reason.AUTOMATIC, Reason.REMOVED)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ('a [gallery ids="1,2"] b', "a  b"), ("[caption id=x]<img> A cup[/caption]Tea", "Tea"), ("[vc_row][vc_column]Tea[/vc_column][/vc_row]", "Tea"),
        ("He wrote [sic] and [1] and [...] [Ed.]", "He wrote [sic] and [1] and [...] [Ed.]"), ("[[gallery]] shows", "[gallery] shows"),
        ("[embed]https://example.org[/embed]", ""), ("[highlight]this[/highlight] and [box /]", "this and "), ("[link](x=1)", "[link](x=1)"),
    ],
)  # fmt: skip
def test_shortcodes_are_not_said_and_brackets_are(text, spoken):
    assert shortcodes(text) == spoken


def test_what_no_parser_of_xml_takes_is_put_right(tmp_path):
    broken = item("<p>caf\u00e9 &amp; co &nbsp;\x07 \x0b</p>", title="R&D &eacute; &hellip; a < b &#8212; &#7;").replace(
        "a < b", "a &lt; b"
    )
    (post,) = records_of(tmp_path, {"a.xml": TOP + ADA + broken + END})
    assert post.title == "R&D \u00e9 \u2026 a < b \u2014" and post.text == "caf\u00e9 & co"
    undeclared = TOP.replace(' xmlns:wp="http://wordpress.org/export/1.2/"', "")
    (post,) = records_of(tmp_path / "u", {"a.xml": undeclared + ADA + item() + END})
    assert (post.text, post.own, post.dropped) == ("One.", True, None), "prefixes that nobody declared"


def test_latin_letters_by_what_the_file_says_of_itself(tmp_path):
    data = (TOP.replace("UTF-8", "ISO-8859-2") + ADA + item("<p>\u0159eka</p>") + END).encode("iso-8859-2")
    (post,) = records_of(tmp_path, {"a.xml": data})
    assert post.text == "\u0159eka"


def test_nothing_outside_is_fetched_and_bombs_are_refused(tmp_path):
    laughs = '<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>'
    records, problem = outcome(
        tmp_path, "a.xml", TOP.replace("<rss", f"{laughs}\n<rss").encode() + item("&b;", title="&c;").encode() + END.encode()
    )
    assert not records and "entities of its own" in problem


def test_a_file_that_breaks_off_keeps_what_was_whole(tmp_path):
    whole = TOP + ADA + item("<p>One.</p>") + item("<p>Two, which is longer.</p>") + item("<p>Three.</p>") + END
    for cut in range(len(TOP + ADA), len(whole) - 9, 37):
        records, problem = outcome(tmp_path / str(cut), "a.xml", whole.encode()[:cut])
        assert "breaks off" in problem, cut
        kept = said(records)
        assert kept == ["One.", "Two, which is longer.", "Three."][: len(kept)] and len(kept) == whole[:cut].count("</item>"), cut
        assert all(r.dropped is Reason.DAMAGED for r in records[len(kept) :])


def test_exports_without_posts_of_several_files_and_headers_alone(tmp_path):
    files = {"1.xml": TOP + ADA + item(kind="attachment") + END, "2.xml": TOP + ADA + item() + END, "3.xml": TOP + ADA + END}
    assert [r.dropped for r in records_of(tmp_path, files)] == [Reason.NO_WRITING, None]


def test_other_encodings_lose_nothing(tmp_path):
    for number, (kind, data) in enumerate(harmless(TOP + ADA + item("<p>One \u2014 caf\u00e9.</p>") + END)):
        records, problem = outcome(tmp_path / str(number), "a.xml", data)
        assert said(records) == ["One \u2014 caf\u00e9."] and not problem, kind


def test_damage_is_said(tmp_path):
    for number, (kind, data) in enumerate(harmful((TOP + ADA + item() + END).encode())):
        records, problem = outcome(tmp_path / str(number), "a.xml", data)
        assert problem or records, kind


@given(st.text(alphabet="ab&;<>[]!CDATA#x0\x00\x0b\u00e9 ", max_size=60), st.integers(1, 30))
def test_a_title_of_any_letters_in_chunks_of_any_size_is_xml(title, chunk):
    import io

    from lxml import etree

    safe = title.replace("<", "&lt;")
    stream = _MendedXml(io.BytesIO(f"<rss><t>{safe}</t></rss>".encode()), "utf-8", "a")
    stream._CHUNK = chunk
    mended = b"".join(iter(lambda: stream.read(7), b""))
    etree.fromstring(mended)
    assert not stream.broken_off


def test_posts_longer_than_the_pieces_that_are_read(tmp_path):
    texts = [item(f"<p>{'word &amp; ' * 30_000}{number}</p>") for number in range(4)]
    found = records_of(tmp_path, {"a.xml": TOP + ADA + "".join(texts) + END})
    assert [r.text for r in found] == ["word & " * 30_000 + str(number) for number in range(4)]
