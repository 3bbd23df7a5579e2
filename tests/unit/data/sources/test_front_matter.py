# ruff: noqa: E501 (a fixture stays in one line where its format has none)
import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.sources.front_matter import date_of, said, split, unpublished


@pytest.mark.parametrize(
    ("text", "meta", "body"),
    [
        ("---\ntitle: Tea\nDraft: true\n---\n\nOne.", {"title": "Tea", "draft": True}, "\nOne."),
        ("\ufeff\n---\ntitle: Tea\n...\nOne.", {"title": "Tea"}, "One."),
        ("---\n---\nOne.", {}, "One."),
        ('+++\ntitle = "Tea"\ndate = 2024-01-02\n+++\nOne.', {"title": "Tea", "date": datetime.date(2024, 1, 2)}, "One."),
        ('{\n  "title": "Tea"\n}\n\nOne.', {"title": "Tea"}, "\n\nOne."),
        ("---\ntitle: Tea: hot\ntags:\n  - a\n---\nOne.", {"title": "Tea: hot", "tags": ""}, "One."),
        ("---\ntitle: [unclosed\n---\nOne.", {"title": "[unclosed"}, "One."),
        ("---\ndate: 2024-99-99\n---\nOne.", {"date": "2024-99-99"}, "One."),
        ("---\ntitle: Tea\n---", {"title": "Tea"}, ""),
    ],
)
def test_what_stands_above_a_document(text, meta, body):
    assert split(text) == (meta, body)


@pytest.mark.parametrize(
    "text",
    [
        "One.", "", "---", "---\nOne.\n\nTwo.", "---\nNote: this is prose, and it goes on: so.\nMore of it.\n---\nTwo.", "---\nJust words.\n---\nTwo.",
        "+++\nno toml\n+++\nOne.", '{"a": 1}', "{ braces }\nOne.", "One.\n---\ntitle: x\n---\n", "-----\na: b\n-----\n", "---\n- a\n- b\n---\nOne.",
    ],
)  # fmt: skip
def test_prose_is_never_taken_for_it(text):
    assert split(text) == ({}, text)


def test_what_it_says_of_the_author_and_the_date():
    meta = {"authors": [{"name": "Ada", "url": "x"}], "title": 5, "layout": True, "date": "2024-01-02 10:00"}
    assert (said(meta, "author", "authors"), said(meta, "title"), said(meta, "layout"), said(meta, "nothing")) == ("Ada", "5", "", "")
    moment = date_of(meta, "2020-01-01-x.md")
    assert moment and moment.isoformat() == "2024-01-02T10:00:00+00:00"
    named = date_of({"date": "soon"}, "_posts/2021-9-1-tea.md")
    assert named and named.date() == datetime.date(2021, 9, 1)
    assert date_of({}, "tea.md") is None and date_of({}, "2021-99-1-tea.md") is None


@pytest.mark.parametrize(
    ("meta", "name", "draft"),
    [
        ({"draft": True}, "a.md", True), ({"draft": "true"}, "a.md", True), ({"draft": False}, "a.md", False), ({"published": False}, "a.md", True),
        ({"published": True}, "a.md", False), ({"published": "2024-01-02"}, "a.md", False), ({"status": "Draft"}, "a.md", True),
        ({}, "_drafts/a.md", True), ({}, "blog/_Drafts/a.md", True), ({}, "my_drafts/a.md", False), ({}, "a.md", False),
    ],
)  # fmt: skip
def test_drafts(meta, name, draft):
    assert unpublished(meta, name) is draft


def test_aliases_that_stand_for_a_million_words_are_not_written_out():
    laughs = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    meta, body = split(f"---\n{laughs}title: Tea\n---\nOne.")
    assert body == "One." and said(meta, "title") == "Tea" and said(meta, "i") == ""


@given(st.text(alphabet="-+{}\n: ab\"'[]&*!%#|>\t", max_size=80))
def test_nothing_breaks_it_and_no_word_below_is_lost(text):
    meta, body = split(f"{text}\nend")
    assert isinstance(meta, dict) and body.endswith("end")
