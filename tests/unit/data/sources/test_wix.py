# ruff: noqa: E501 (a fixture stays in one line where its format has none)
import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from pete.data.sources.record import Reason
from pete.data.sources.wix import _markup
from tests.unit.data.sources.damage import harmful, harmless, said
from tests.unit.data.sources.reading import outcome, records_of

COLUMNS = [
    "Author", "Main Category", "Title", "Excerpt", "ID", "Tags", "Featured", "Slug", "Plain Content", "Cover Image", "Published Date", "Categories",
    "Rich Content", "Post Page URL", "Last Published Date", "Internal ID",
]  # fmt: skip


def text(said: str) -> dict[str, object]:
    return {"type": "TEXT", "textData": {"text": said, "decorations": [{"type": "BOLD"}]}}


def node(kind: str, *below: dict[str, object], **more: object) -> dict[str, object]:
    return {"type": kind, "nodes": list(below), **more}


RICH = {"nodes": [
    node("PARAGRAPH", text("One \u2014 "), text("caf\u00e9 <b>.")), node("IMAGE", node("CAPTION", text("A cup"))),
    node("HEADING", text("Part"), headingData={"level": 2}), node("BULLETED_LIST", node("LIST_ITEM", node("PARAGRAPH", text("a")))),
    node("BLOCKQUOTE", node("PARAGRAPH", text("Theirs."))), node("BUTTON", text("Buy")), node("PARAGRAPH", text("Two\nlines.")),
]}  # fmt: skip
TEXT = "One \u2014 caf\u00e9 <b>.\n\nPart\n\n- a\n\nTwo\nlines."


def table(*rows: dict[str, str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def post(**more: str) -> dict[str, str]:
    return {"Author": "Ada", "Title": "Tea", "ID": "p1", "Plain Content": "plain", "Published Date": "2025-10-01T10:00:00Z",
            "Rich Content": json.dumps(RICH, ensure_ascii=False)} | {name.replace("_", " "): value for name, value in more.items()}  # fmt: skip


def test_what_the_editor_wrote_or_the_bare_text_where_that_is_broken(tmp_path):
    rows = table(
        post(),
        post(ID="p2", Rich_Content="not-json", Plain_Content="Two\n\nlines <3"),
        post(ID="p3", Published_Date=""),
        post(ID="p4", Rich_Content="", Plain_Content=""),
    )
    rich, quote, plain, draft, empty = (r for r in records_of(tmp_path, {"posts.csv": rows}) if r.id != "p3" or r.dropped)
    assert rich.text == TEXT and rich.headings == ("Part",) and (rich.title, rich.own, rich.author) == ("Tea", True, ("Ada",))
    assert rich.date and rich.date.year == 2025 and rich.channel == "blog post" and rich.id == rich.thread == "p1"
    assert (quote.text, quote.dropped) == ("Theirs.", Reason.QUOTE)
    assert plain.text == "Two\n\nlines <3" and draft.dropped is Reason.UNPUBLISHED and empty.dropped is Reason.EMPTY


def test_several_authors_are_asked_for(tmp_path):
    found = records_of(tmp_path, {"posts.csv": table(post(Rich_Content=""), post(ID="p2", Author="Bo", Rich_Content=""))})
    assert [(r.own, r.author) for r in found] == [(None, ("Ada",)), (None, ("Bo",))]


def test_other_encodings_lose_nothing_and_a_header_alone_is_nothing(tmp_path):
    for number, (kind, data) in enumerate(harmless(table(post()))):
        records, problem = outcome(tmp_path / str(number), "posts.csv", data)
        assert said(records) == [TEXT] and not problem, kind
    assert outcome(tmp_path / "header", "posts.csv", table().encode()) == ([], "")


def test_damage_is_said(tmp_path):
    for number, (kind, data) in enumerate(harmful(table(post(), post(ID="p2")).encode())):
        records, problem = outcome(tmp_path / str(number), "posts.csv", data)
        assert problem or kind == "blank" or len(said(records)) == 2 or any(r.dropped not in (None, Reason.QUOTE) for r in records), (
            kind,
            records,
        )


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda below: st.lists(below) | st.dictionaries(st.sampled_from(["nodes", "type", "textData"]), below),
    )
)
def test_any_json_is_a_post_or_none(content):
    assert isinstance(_markup(json.dumps(content)), str)
