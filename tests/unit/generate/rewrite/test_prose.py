import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.generate.rewrite.prose import blocks

PIECES = """# Title|Two words.|- item|- an item of many more words than the eight that make it prose|> quoted|```|~~~ python|    code|\tcode
|---|===|+++|<div>|</div>|<!--|-->|[ref]: https://example.org|[^1]: a note|$$|%%|  |\f|\u2028|\u00a0|\x1b[31m|1. one|   more of it|:::note
|{% tag %}|-- |--|`|``|[a](b|![x](y)|\ufeff|\\|A sentence of prose, which is longer than most and says nothing.""".replace("\n", "").split(
    "|"
)
TABLE = ["| a | b |", "|---|---|"]
ENDS = st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\r\n\r\n", " ", "", " \t\n"])
TEXTS = st.one_of(st.text(), st.lists(st.tuples(st.sampled_from(PIECES + TABLE), ENDS)).map(lambda them: "".join(a + b for a, b in them)))


@given(TEXTS, st.booleans())
def test_the_blocks_joined_are_the_text(text, markdown):
    found = blocks(text, markdown=markdown)
    assert "".join(block.text for block in found) == text
    assert all(block.text for block in found)
    assert all(block.text == block.text.strip() for block in found if block.prose)


DOCUMENT = """---
title: "Tuesdays: a defence"
---

# Why Tuesday

We open on Tuesdays, weather permitting, and on no other day of the week.

Prices
======

- tea, 2 euros
- a pot of tea with two cups and a biscuit each, for 5 euros
  and fifty cents
  1. ask for the blue pot, which holds more than the others do
  2. pay

> We never open on Mondays.
and that is quoted too

| day | hours |
|-----|-------|
| Tue | 9-12  |

```sh
echo "We open on Tuesdays, weather permitting, always."
```

    indented = code

<aside>
Set in HTML, and none of our business.
</aside>

The kettle is older than the shop.[^1] It whistles.

[^1]: Bought by an aunt of ours
    on a Tuesday.

[menu]: https://example.org/menu

![the kettle](kettle.png)
"""
PROSE = [
    "We open on Tuesdays, weather permitting, and on no other day of the week.",
    "a pot of tea with two cups and a biscuit each, for 5 euros\n  and fifty cents",
    "ask for the blue pot, which holds more than the others do",
    "The kettle is older than the shop.[^1] It whistles.",
]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_of_markdown_only_paragraphs_and_long_list_items_are_prose(end):
    found = blocks(DOCUMENT.replace("\n", end))
    assert [block.text for block in found if block.prose] == [text.replace("\n", end) for text in PROSE]
    assert [block.item for block in found if block.prose] == [False, True, True, False]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("A line with \x1b[31mcolour in it, which a terminal obeys.", "control characters"),
        ("def f(x): return {x: [1, 2]}; y = a[0] && b;", "code"),
        ("if (open) {\n  return kettle.boil(water);\n}", "code"),
        ("Monday   closed   -\nTuesday   open   9-12", "a table"),
        ("?! ...", "no words"),
        ("$$ E = mc^2 $$ is well known by everybody", "a formula"),
        ("Tea\n: a drink that is made of leaves", ""),
    ],
)
def test_paragraphs_that_are_no_prose_say_why(text, why):
    assert {block.kept for block in blocks(text)} == {why}


def test_plain_text_has_no_indented_code_and_answers_below_quotations():
    text = "> When do you open?\nOn Tuesdays, as ever, at nine.\n\n    An indented paragraph, by somebody.\n\nBest,\nAda\n-- \nAda Kettle\n"
    prose = [block.text for block in blocks(text, markdown=False) if block.prose]
    assert prose == ["On Tuesdays, as ever, at nine.", "An indented paragraph, by somebody.", "Best,\nAda"]
    assert [block.text for block in blocks(text) if block.prose] == ["Best,\nAda"], "for Markdown the one is quoted, the other code"


def test_a_rule_or_two_at_the_top_is_no_front_matter():
    text = "---\n\nWe open on Tuesdays, weather permitting.\n\n---\n\nAnd close at noon.\n"
    assert len([block for block in blocks(text) if block.prose]) == 2
