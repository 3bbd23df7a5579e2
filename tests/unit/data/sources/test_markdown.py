# ruff: noqa: E501 (a fixture stays in one line where its format has none)
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.sources.files import Source
from pete.data.sources.markdown import READER, named, prose
from pete.data.sources.record import Reason
from tests.unit.data.sources.damage import harmful, harmless, said
from tests.unit.data.sources.reading import outcome, records_of

ID = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("One **bold** _it_ `a*b` ~~no~~ ==yes==.", "One **bold** _it_ `a*b` ~~no~~ ==yes==."),
        ("## Head\n\n- a\n- b\n\n1. x\n2. y", "## Head\n\n- a\n- b\n\n1. x\n2. y"),
        ("See [the page](https://example.org/a_(b) \"T\"), [ref][1] and [ref], not [this] [#2][].\n\n[1]: https://x\n[ref]: <y> 'T'", "See the page, ref and ref, not [this] #2."),
        ("A ![cup](x.png) and [![badge](b.svg)](https://x) and ![r][1].", "A  and  and ."),
        ("A note[^1] here^[inline].\n\n[^1]: The note.\n    More of it.\n\nEnd.", "A note here.\n\nEnd."),
        ("<https://example.org> and <ada@example.org> and <your name>", "https://example.org and <ada@example.org> and <your name>"),
        ("One<br>two<br/>\nthree <b>four</b> <span class='x'>five</span>&nbsp;&amp; &copy 6 &lt;p&gt;", "One\ntwo\nthree four five\xa0& &copy 6 <p>"),
        ("<table>\n<tr><td>Tea</td> <td>2</td></tr>\n</table>", "Tea\t2"),
        ("<!-- no\nno -->One\n\n<script>x</script>\n\n<iframe src=x></iframe>\n\nTwo", "One\n\nTwo"),
        (r"1\. Not a list\! \*star\* a\\b", r"1. Not a list! *star* a\b"),
        ("Hard  \nbreak\\\nhere", "Hard\nbreak\nhere"),
        ("```html\n<b>[x](y)</b>\n> {% if %}\n```\n\nand `[[x]]`", "```html\n<b>[x](y)</b>\n> {% if %}\n```\n\nand `[[x]]`"),
        ("~~~\nunclosed [x](y)", "~~~\nunclosed [x](y)"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "| a | b |\n|---|---|\n| 1 | 2 |"),
        (r"So $\{a\}_b$ and $$x\, y$$ cost $5 or $6\!", r"So $\{a\}_b$ and $$x\, y$$ cost $5 or $6!"),
        ("Tea costs 5 > 4 and 3 < 4; a_b_c; 2*3*4", "Tea costs 5 > 4 and 3 < 4; a_b_c; 2*3*4"),
    ],
)  # fmt: skip
def test_what_an_author_typed_stays_and_what_only_programs_need_goes(markdown, text):
    assert prose(markdown).text == text


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("See [[Tea|my tea]], [[Tea]], [[a/Tea cup.md]], [[Tea#Hot]], [[#Here]] and [[Tea\\|cup]].", "See my tea, Tea, Tea cup, Tea > Hot, Here and cup."),
        ("![[picture.png]]![[Note#Part]]One", "One"),
        ("> [!note] Mind\n> this **now**.\n\n> [!tip]-\n> Folded.", "Mind\nthis **now**.\n\nFolded."),
        ("One %%hidden%% two\n\n%%\nall\nof it\n%%\n\n100% of 50%", "One  two\n\n100% of 50%"),
        ("Said. ^ab12cd\n\nstatus:: done\n- due:: 2024-01-02\n\nstd::vector stays", "Said.\n\nstd::vector stays"),
        ("```dataview\nTABLE x\n```\n\nOne", "One"),
    ],
)  # fmt: skip
def test_obsidians_marks(markdown, text):
    assert prose(markdown).text == text


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("{% include x.html %}\nOne {% link y %} two\n\n{% comment %}no{% endcomment %}", "One  two"),
        ("{% highlight ruby %}\nputs 1\n{% endhighlight %}\n\nOne", "```ruby\nputs 1\n```\n\nOne"),
        ("# Tea {#tea .x}\n{: .no_toc}\n\n* TOC\n{:toc}\n\nOne{: .lead}\n{: .center style=\"x\"}\n\nA {:-) } c", "One\n\nA {:-) } c"),
        ("{{< figure src=x >}}\n\n{{% notice %}}\nOne\n{{% /notice %}}\n\n[TOC]\n\n[[_TOC_]]", "One"),
    ],
)  # fmt: skip
def test_liquid_kramdown_and_hugo(markdown, text):
    assert prose(markdown).text == text
    assert prose("Hi {{ site.title }}!", outputs=True).text == "Hi !" and prose("Hi {{ name }}!").text == "Hi {{ name }}!"
    assert prose("# {{ page.title }}\n\n{% raw %}\n```\n{{ x }}\n```\n{% endraw %}", outputs=True).text == "```\n{{ x }}\n```"


def test_quotations_are_apart_and_callouts_that_quote_too():
    found = prose(
        "One.\n\n> Theirs.\n> More.\n\nTwo.\n> [!quote] Ada\n> Words.\n\n<blockquote><p>In HTML.</p></blockquote>\n\n> [!note]\n> Mine.\n> > Nested."
    )
    assert found.text == "One.\n\nTwo.\n\nMine."
    assert found.quotes == ("Theirs.\nMore.", "Words.", "Nested.", "In HTML.")


def test_titles_and_headings():
    found = prose("# It\u2019s **tea**\n\nOne.\n\n## Part *one* ##\n\nTwo\n---\n\nThree.\n\n- a\n---\n")
    assert (found.title, found.headings) == ("It\u2019s tea", ("Part one", "Two")) and found.text.startswith("One.")
    assert prose("Tea\n===\n\nOne.").title == "Tea" and prose("One.\n\n# Tea").title == ""
    known = prose("## It's tea\n\nOne.", title="It\u2019s tea")
    assert known.text == "One." and known.headings == ()
    assert prose("# Other\n\nOne.", title="Tea").text == "# Other\n\nOne."


WRAPPED = (
    "The kettle went on at six, as it does each morning, and I sat down to write\nthe letter that I had put off since the week before last, which was about a\n"
    "garden, a fence and a neighbour who has opinions on both of these and is not\nshy of saying so when one meets her at the gate with the shopping.\n\n"
    "- An item that is long enough to be wrapped as well, since it talks about tea\n  and toast at length.\n- Short\n\n    code stays\n    as it is\n"
)


def test_lines_wrapped_at_a_width_are_one_and_lines_broken_on_purpose_stay():
    text = prose(WRAPPED).text
    assert text.split("\n")[0].endswith("with the shopping.") and text.count("\n") == 6
    assert "talks about tea and toast at length.\n- Short" in text and "    code stays\n    as it is" in text
    linked = WRAPPED.replace("a neighbour who has", "[a neighbour](x) who").replace("about a\n", "`about a`\n")
    assert prose(linked).text.split("\n")[0].count(" ") == text.split("\n")[0].count(" ") - 1, "lines were wrapped with what is in them"
    twice = "\n".join(WRAPPED.split("\n")[:5]) * 2 + "\n\n[a]: x\n[bc]: y\n[d]: z\n"
    assert prose(twice).text.count("\n") == 0, "definitions are no lines of it"
    poem = "Roses are red\nand tea is brown,\nthe kettle sings\nall over town,\nand every cup\nwill calm me down"
    assert prose(poem).text == poem
    assert prose(WRAPPED.replace("write\n", "write  \n")).text.startswith(
        "The kettle went on at six, as it does each morning, and I sat down to write\nthe"
    )


def test_a_document_with_front_matter(tmp_path):
    text = (
        '---\ntitle: "Tea: a love story"\nauthor: Ada\ndate: 2024-01-02\nid: t1\n---\n# Tea: a love story\n\nOne.\n\n## Part\n\n> Theirs.\n'
    )
    document, quote = records_of(tmp_path, {"2020-05-05-tea.md": text})
    assert (document.text, document.title, document.author, document.id) == ("One.\n\n## Part", "Tea: a love story", ("Ada",), "t1")
    assert document.date and document.date.year == 2024 and document.headings == ("Part",) and document.thread == "2020-05-05-tea.md"
    assert (document.own, document.channel, quote.dropped) == (None, "blog post", Reason.QUOTE)


@pytest.mark.parametrize(
    ("name", "text", "dropped"),
    [
        ("_posts/2024-01-02-tea.md", "One.", None), ("_drafts/tea.markdown", "One.", Reason.UNPUBLISHED), ("tea.md", "---\npublished: false\n---\nOne.", Reason.UNPUBLISHED),
        ("content/tea.md", "+++\ndraft = true\n+++\nOne.", Reason.UNPUBLISHED), ("Templates/daily.md", "One.", Reason.NO_WRITING),
        ("99 - Templates/x/daily.md", "One.", Reason.NO_WRITING), ("Email templates/welcome.md", "One.", None), ("a.md", "# {{title}}\n\nOne.", Reason.NO_WRITING),
        ("a.md", "<% tp.date.now() %> One.", Reason.NO_WRITING), ("a.md", "Write `{{title}}` there.", None), ("a.excalidraw.md", "One.", Reason.NO_WRITING),
        ("a.md", "---\nexcalidraw-plugin: parsed\n---\nOne.", Reason.NO_WRITING), ("a.md", "---\ntitle: x\n---\n", Reason.EMPTY), ("a.md", "![x](y)", Reason.EMPTY),
    ],
)  # fmt: skip
def test_what_is_no_published_writing_says_so(tmp_path, name, text, dropped):
    (record,) = records_of(tmp_path, {name: text})
    assert record.dropped is dropped


def test_notions_names_properties_and_tables(tmp_path):
    page = f"# Tea at ten\n\nCreated: March 3, 2024 10:05 AM\nTags: a, b\nAuthor: Ada\n\nOne: two.\n\n[Below](Tea%20at%20ten%20{ID}/Below%20{ID}.md)\n"
    files = {
        f"Export/Tea at ten {ID}.md": page,
        f"Export/Notes {ID}.csv": "Name,Tags\nTea,a\n",
        f"Export/Notes {ID}_all.csv": "Name,Tags\nTea,a\n",
    }
    (record,) = records_of(tmp_path, files)
    assert (record.text, record.title, record.id, record.thread, record.author) == ("One: two.", "Tea at ten", ID, ID, ("Ada",))
    assert record.date and record.date.isoformat() == "2024-03-03T10:05:00+00:00"
    untitled = records_of(tmp_path / "u", {f"Untitled page {ID}.md": "One: two.\nThree."})
    assert untitled[0].title == "Untitled page" and untitled[0].text == "One: two.\nThree.", "prose with a colon is no property"


def test_a_table_of_notion_without_its_pages_is_a_table(tmp_path):
    (tmp_path / f"Notes {ID}.csv").write_text("Name,Tags\nTea,a\n")
    with Source(tmp_path) as source:
        assert not READER.companion(source.files[0])


def test_names_of_files_as_titles(tmp_path):
    names = {
        "2021-08-23-basic-post.md": "basic post",
        "My day.md": "My day",
        "2024-01-02.md": "",
        "a_b.md": "a b",
        f"Tea {ID}.md": "Tea",
        "Cafe\u0301.md": "Caf\u00e9",
    }
    for name in names:
        (tmp_path / name).write_text("x")
    with Source(tmp_path) as source:
        assert sorted(named(file) for file in source.files) == sorted(names.values())


def test_other_encodings_lose_nothing(tmp_path):
    text = "---\ntitle: Tea\n---\n\n# Tea\n\nOne \u2014 caf\u00e9.\nTwo.\n"
    for number, (kind, data) in enumerate(harmless(text)):
        records, problem = outcome(tmp_path / str(number), "Caf\u0065\u0301.md", data)
        assert said(records) == ["One \u2014 caf\u00e9.\nTwo."] and not problem and records[0].title == "Tea", kind


def test_damage_is_said(tmp_path):
    for number, (kind, data) in enumerate(harmful(b"# Tea\n\nOne.\n\n" + b"word " * 40)):
        records, problem = outcome(tmp_path / str(number), "a.md", data)
        assert records or problem, kind
        assert not ("NUL" in kind or kind in ("zeros", "noise")) or problem, kind


@given(
    st.lists(
        st.sampled_from(
            [
                "word ",
                "[",
                "]",
                "(",
                ")",
                "[[",
                "]]",
                "`",
                "```\n",
                "\n",
                "\n\n",
                "> ",
                "# ",
                "<b>",
                "%%",
                "{%",
                "%}",
                "!",
                "|",
                "\\",
                "- ",
                "<!--",
                "-->",
                "^",
                ":: ",
                "---\n",
            ]
        ),
        max_size=60,
    )
)
def test_nothing_breaks_it(pieces):
    prose("".join(pieces), outputs=True)


@given(st.lists(st.sampled_from(["tea", "toast", "*so*", "\u2014", "caf\u00e9,", "it\u2019s", "3.50", "(yes)", "\U0001f600"]), min_size=1))
def test_plain_prose_comes_back_as_it_was(words):
    text = "\n\n".join(" ".join(words[at : at + 7]) for at in range(0, len(words), 7))
    assert prose(text).text == text
