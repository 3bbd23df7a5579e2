import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.sources.html_text import html_text, select, take_out, text_of, tree_of


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("", ""),
        ("<!-- nothing -->", ""),
        ("\x00", ""),
        ("just words", "just words"),
        ("Hello <b>you</b>,<br>line<br><br>two &amp; three", "Hello you,\nline\n\ntwo & three"),
        ("&#150; &#x201C;q&quot; caf\u00e9 \U0001f600 it\u2019s \u2014", '\u2013 \u201cq" caf\u00e9 \U0001f600 it\u2019s \u2014'),
        ("a < b and c > d & e", "a < b and c > d & e"),
        ("<p>One\n  and a half.</p>\n\n<p></p><p>&nbsp;</p><p>Two.</p>", "One and a half.\n\nTwo."),
        ("<h2>Head</h2><p>Body.</p>", "Head\n\nBody."),
        ("<p>Two&nbsp; spaces, and the&nbsp;one that holds.</p>", "Two  spaces, and the\xa0one that holds."),
        ("<p>Long&shy;word</p>", "Longword"),
        ("<p><q>Tea</q> she said.</p>", "\u201cTea\u201d she said."),
        ('<p>See <a href="https://example.org/x">the page</a>.<img alt="A cup" src="x"></p>', "See the page."),
        ('<p>Hooray <img class="emoji" alt="\U0001f389"></p>', "Hooray \U0001f389"),
        ("<script>var a;</script><style>p {}</style><title>T</title><p>One.</p><noscript>No</noscript>", "One."),
        ('<div style="display:none;max-height:0">Preview</div><p hidden>Gone</p><p>One.</p>', "One."),
    ],
)
def test_what_a_reader_sees(markup, text):
    assert html_text(markup) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<div>a<br></div><div>b</div><div><br></div><div>c</div>", "a\nb\n\nc"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ('<p class="MsoNormal">Hi</p><p class="MsoNormal"><o:p>&nbsp;</o:p></p><p class="MsoNormal">Bye</p>', "Hi\n\nBye"),
        ('<p style="margin: 0px">Hi</p><p style="margin:0">there</p>', "Hi\nthere"),
        ('<p style="margin: 0.5em">Hi</p><p style="margin-top: 08px">there</p>', "Hi\n\nthere"),
        ('<p style="white-space: pre-wrap">a\r\n  b</p>', "a\n  b"),
    ],
)
def test_lines_of_the_editors_people_write_mail_in(markup, text):
    assert html_text(markup) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>So:</p><ul><li>a</li><li>b</li></ul><p>End.</p>", "So:\n\n- a\n- b\n\nEnd."),
        ("<ul><li><p>a</p><p>more</p></li><li><p>b</p></li></ul>", "- a\n  more\n- b"),
        ('<ol start="3"><li>x<li>y<li value="9">z</ol>', "3. x\n4. y\n9. z"),
        ("<ul><li>a<ol><li>one</li></ol></li><li>b</li></ul>", "- a\n  1. one\n- b"),
        ("<li>alone</li>", "- alone"),
        ("<table><tr><th>Cup</th><th>Price</th></tr><tr><td>Tea</td><td>2</td></tr></table>", "Cup\tPrice\nTea\t2"),
        ("<table><tr><td><table><tr><td><p>x</p></td></tr><tr><td><p>y</p></td></tr></table></td></tr></table>", "x\n\ny"),
        ("<table><tr><td><div>left</div></td><td><p>right</p></td></tr></table>", "left\n\nright"),
        ("<pre>def f():\n    return 1\n\nf()</pre><p>So.</p>", "def f():\n    return 1\n\nf()\n\nSo."),
    ],
)
def test_lists_tables_and_code(markup, text):
    assert html_text(markup) == text


def test_what_is_taken_out_leaves_what_stands_behind_it():
    def left(*selectors: str) -> str:
        tree = tree_of('<p>One <span class="a tweet">no</span> two</p><div id="x" data-k="poll-3">no</div> three')
        take_out(tree, selectors)
        return text_of(tree)

    assert left("span.tweet", "#x") == "One two\n\nthree"
    assert left("[data-k^=poll]", ".a.tweet") == "One two\n\nthree"
    assert left("div[data-k*=oll]", "span[class]") == "One two\n\nthree"
    assert left(".twee", "div#y", "p[data-k]", '[data-k="poll-4"]') == "One no two\n\nno\nthree"
    for wrong in ("", "p > a", "a b", "["):
        with pytest.raises(ValueError, match="selector"):
            left(wrong)


def test_what_is_taken_out_is_given_once():
    tree = tree_of("<p>One.</p><blockquote>Theirs <blockquote>inner</blockquote></blockquote><blockquote></blockquote> Two.")
    assert take_out(tree, ["blockquote"]) == ["Theirs\n\ninner"]
    assert text_of(tree) == "One.\n\nTwo." and not select(tree, ["blockquote"])


def test_no_depth_loses_the_words():
    for depth in (300, 5_000):
        assert html_text("<div>" * depth + "deep <b>down</b>" + "</div>" * depth + "<p>after</p>").split() == ["deep", "down", "after"]


def test_a_page_that_names_another_encoding_is_text_already():
    page = (
        '<?xml version="1.0" encoding="latin-1"?><html><head><meta charset="latin-1"><title>T</title></head><body>caf\u00e9</body></html>'
    )
    assert html_text(page) == "caf\u00e9"


@given(st.text())
def test_plain_words_come_back(text):
    """All that is no white space, once it is written as HTML."""
    import html

    seen = html_text(f"<p>{html.escape(text)}</p>")
    lost = {chr(n) for n in [*range(32), 0x7F, 0xAD, 0xFFFD]} | {chr(n) for n in range(0x80, 0xA0)}
    assert [c for c in seen if not c.isspace() and c not in lost] == [c for c in text if not c.isspace() and c not in lost]


PIECES = "<p>|</p>|<ul>|<li>|</ul>|<td>|<tr>|<div>|</div>|<br>|<pre>|</pre>|<q>|<!--|-->|<|&|a|<b|</ol>|<ol start=x>|<table>|]]>|<?x| |\n"


@given(st.lists(st.sampled_from(re.split(r"\|", PIECES))))
def test_no_markup_breaks_it(pieces):
    tree = tree_of("".join(pieces))
    take_out(tree, ["p.x"])
    text_of(tree)
