import re
from html import unescape
from itertools import pairwise

import pytest
from hypothesis import given

from pete.report.blocks import Page, Prompted, Side, Text
from pete.report.markdown import _answers, escape, quote, to_markdown
from pete.report.model import read_report
from pete.report.page import make_page
from tests.unit.report.conftest import MakeRun, sample
from tests.unit.report.test_html import HOSTILE, hostile_log
from tests.unit.test_terminal import ANY, drives


@given(ANY)
def test_a_report_that_is_read_with_cat_drives_no_terminal(text):
    assert not drives(to_markdown(Page(text, (Text(text),), ())))


def test_model_text_is_text_in_markdown(make_run: MakeRun):
    text = to_markdown(make_page(read_report(make_run(log=hostile_log(), persona="<i>Ada</i>"))))
    assert "<" not in text, "no tag of any kind"
    lines = text.split("\n")
    assert not [line for line in lines if line.lstrip("> ").startswith(("```", "~~~", "===", "---", "# Heading"))]
    assert not re.search(r"(?<!\\)\]\(", text) and "http://" not in text and "https://" not in text
    tables = [line for line in lines if line.startswith("|")]
    assert tables
    heads = {}
    for above, line in pairwise(lines):
        width = len(re.findall(r"(?<!\\)\|", line))
        if line.startswith("|") and not above.startswith("|"):
            heads[line] = width
        elif line.startswith("|"):
            assert width == len(re.findall(r"(?<!\\)\|", above)), line
    assert len(heads) >= 5


@pytest.mark.parametrize("text", [HOSTILE, "# a\n\n    b\n\t- c\n2) d\n+ e\n~~~\nf | g\n:--|--:\n<!-- h", "\\\n\\\\`x`\n&#35; i\n[j]: k"])
def test_a_markdown_reader_shows_exactly_what_the_model_wrote(text):
    markdown_it = pytest.importorskip("markdown_it")  # comes with rich
    shown = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(quote(text))
    assert set(re.findall(r"<(\w+)", shown)) <= {"blockquote", "p", "br"}
    words = unescape(re.sub(r"<[^>]+>", "", shown)).splitlines()
    assert [w.strip() for w in words if w.strip()] == [w.strip() for w in text.splitlines() if w.strip()]


@pytest.mark.parametrize("text", ["a\u2028b", "a\x85b", "a\rb", "a\x0bb", "a\nb"])
def test_every_line_break_stays_inside_the_quote(text):
    assert [line[:2] for line in quote(text).splitlines()] == ["> ", "> "]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("1. one", "1\\. one"), ("- x", "\\- x"), ("    code", "code"), ("a_b*c", "a\\_b\\*c"), ("\\", "\\\\"), ("&amp;", "&amp;amp;"),
        ("https://x", "https&#58;//x"),
        ("1.21", "1.21"), ("12)", "12\\)"), ("plain words, 3.5%", "plain words, 3.5%"), ("\u22123 - 4", "\u22123 - 4"),
    ],
)  # fmt: skip
def test_escape(text, escaped):
    assert escape(text) == escaped


def test_brackets_stand_where_something_is_in_them():
    sides = (Side("draft", sample("base", "p", "A draft.")), Side("tuned", sample("tuned", "p", "Ours."), notes=("12 tokens",)))
    said = list(_answers(Prompted("p", "A draft.", (sides,))))
    assert "draft:" in said and "Tuned (12 tokens):" in said
