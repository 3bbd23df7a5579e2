# ruff: noqa: E501 (a fixture stays in one line where its format has none)
import pytest

from pete.data.sources.record import Reason
from tests.unit.data.sources.damage import harmful, harmless, said
from tests.unit.data.sources.reading import outcome, records_of

PAGE = """<!DOCTYPE html><html><head><title>Tea at ten - Mina's site</title><meta name="author" content="Mina Holt">
<meta property="article:published_time" content="2024-01-02T03:04:05Z"></head><body><header><nav>Home</nav><p>Mina's site</p></header>
<main><h1>Tea at ten</h1><p>One \u2014 caf\u00e9.</p><h2>Part</h2><p>Two.</p><blockquote>Theirs.</blockquote><aside>Related</aside></main>
<div id="comments"><p>Nice!</p></div><footer>2024</footer></body></html>
"""
TEXT = "One \u2014 caf\u00e9.\n\nPart\n\nTwo."


def test_the_writing_of_a_page_and_nothing_around_it(tmp_path):
    page, quote = records_of(tmp_path, {"tea.html": PAGE})
    assert page.text == TEXT and page.title == "Tea at ten" and page.headings == ("Part",) and page.author == ("Mina Holt",)
    assert page.date and page.date.isoformat() == "2024-01-02T03:04:05+00:00"
    assert (page.own, page.channel, page.thread, quote.dropped) == (None, "web page", "tea.html", Reason.QUOTE)


def test_a_page_without_marks_of_its_parts(tmp_path):
    page = "<title>Tea at ten | Mina's site</title><header>Mina's site</header><p>One.</p><div id=comments><p>Nice!</p></div><footer>2024</footer>"
    (record, theirs) = records_of(tmp_path, {"x.htm": page})
    assert (record.text, record.title) == ("One.", "Tea at ten") and (theirs.text, theirs.dropped) == ("Nice!", Reason.QUOTE)
    (untitled,) = records_of(tmp_path / "u", {"my-tea.html": "<p>One.</p>"})
    assert (untitled.text, untitled.title) == ("One.", "my tea")


def test_notions_pages_and_jekylls(tmp_path):
    notion = '<html><body><article class="page sans"><header><h1 class="page-title">Tea</h1><table class="properties"><tr><td>Tag</td></tr></table></header><div class="page-body"><p>One.</p></div></article></body></html>'
    (record,) = records_of(tmp_path, {"Tea 0123456789abcdef0123456789abcdef.html": notion})
    assert (record.text, record.title) == ("One.", "Tea")
    jekyll = "---\ntitle: Tea\nauthor: Ada\n---\n{% include x %}<p>One {{ site.x }}.</p>"
    (record,) = records_of(tmp_path / "j", {"_posts/2024-01-02-tea.html": jekyll})
    assert (record.text, record.title, record.author, record.channel) == ("One .", "Tea", ("Ada",), "blog post") and record.date
    (record,) = records_of(tmp_path / "d", {"_drafts/tea.html": jekyll})
    assert record.dropped is Reason.UNPUBLISHED


@pytest.mark.parametrize(
    ("charset", "word"),
    [("iso-8859-2", "\u0159eka"), ("windows-1251", "\u0447\u0430\u0439"), ("shift_jis", "\u304a\u8336"), ("windows-1252", "caf\u00e9")],
)
def test_letters_by_what_the_page_says_of_itself(tmp_path, charset, word):
    page = f'<html><head><meta http-equiv="Content-Type" content="text/html; charset={charset}"></head><body><p>{word}</p></body></html>'
    assert said(records_of(tmp_path, {"a.html": page.encode(charset)})) == [word]


def test_a_charset_that_nobody_knows_is_no_obstacle(tmp_path):
    assert said(records_of(tmp_path, {"a.html": '<meta charset="klingon"><p>caf\u00e9</p>'.encode("cp1252")})) == ["caf\u00e9"]


def test_other_encodings_lose_nothing(tmp_path):
    for number, (kind, data) in enumerate(harmless(PAGE)):
        records, problem = outcome(tmp_path / str(number), "a.html", data)
        assert said(records) == [TEXT] and not problem, kind


def test_damage_is_said(tmp_path):
    for number, (kind, data) in enumerate(harmful(PAGE.encode())):
        records, problem = outcome(tmp_path / str(number), "a.html", data)
        assert (problem or records) and ("cut" not in kind or "breaks off" in problem), kind
