from pathlib import Path

from pete.data.sources.article import article, bare, same_words, table_of, without_title
from pete.data.sources.files import Source
from pete.data.sources.html_text import text_of, tree_of
from pete.data.sources.record import Reason, Record

KNOWN = Record(text="", where="a.html", id="7", title="It\u2019s tea \u2013 time", channel="blog post", own=True)


def test_the_authors_text_and_apart_from_it_what_is_quoted():
    markup = (
        "<h1>It's tea - time</h1><p>One.</p><blockquote>Theirs.</blockquote><h2>Two  more</h2><figure><img><figcaption>A cup</figcaption>"
        '</figure><p>Two.</p><p class="button">Subscribe</p><div class="tweet">A tweet</div>'
    )
    own, quote, tweet = article(markup, KNOWN, drop=[".button"], theirs=[".tweet"])
    assert own.text == "One.\n\nTwo more\n\nTwo." and own.headings == ("Two more",) and own.dropped is None
    assert (own.where, own.id, own.title, own.own) == ("a.html", "7", KNOWN.title, True)
    assert (quote.text, quote.dropped, tweet.text, tweet.dropped) == ("Theirs.", Reason.QUOTE, "A tweet", Reason.QUOTE)
    assert quote.where == "a.html, quotation 1" and not quote.id, "two records of one id would be duplicates"


def test_nothing_left_is_said_and_a_draft_stays_one():
    assert [r.dropped for r in article("<blockquote>All of it.</blockquote>", KNOWN)] == [Reason.EMPTY, Reason.QUOTE]
    draft = Record(text="", where="a", dropped=Reason.UNPUBLISHED)
    assert [(r.text, r.dropped) for r in article("<p>x</p><blockquote>y</blockquote>", draft)] == [("x", Reason.UNPUBLISHED)]


def test_a_title_is_taken_out_once_and_only_where_it_comes_first():
    page = tree_of("<h2>Tea!</h2><p>One.</p><h2>Tea</h2>")
    without_title(page, "tea")
    assert text_of(page) == "One.\n\nTea"
    without_title(page, "One")
    assert text_of(page) == "One.\n\nTea"
    assert same_words("\u201cTea\u201d\xa0now", '"Tea" now') and not same_words("\u2026", "!") and bare("A-b_c 1") == "abc1"


def test_the_table_of_an_export_is_beside_its_pages_or_above(tmp_path: Path):
    for name in ("x/posts.csv", "x/posts/1.html", "y/2.html", "y/t.csv", "z/posts/3.html"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    with Source(tmp_path) as source:
        found = {file.name: table_of(file, lambda file: file.suffix == ".csv") for file in source.files if file.suffix == ".html"}
    assert {name: table and table.name for name, table in found.items()} == {
        "x/posts/1.html": "x/posts.csv", "y/2.html": "y/t.csv", "z/posts/3.html": None,
    }  # fmt: skip
