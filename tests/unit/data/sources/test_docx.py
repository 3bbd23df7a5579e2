# ruff: noqa: E501 (a fixture stays in one line where its format has none)
import datetime
import io
import zipfile

import pytest

from pete.data.sources.record import Reason, Record
from tests.unit.data.sources.damage import harmful
from tests.unit.data.sources.reading import outcome, records_of

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
MC = "http://schemas.openxmlformats.org/markup-compatibility/2006"
TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" Target="word/document.xml"'
    ' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>'
)
STYLES = f"""<w:styles xmlns:w="{W}"><w:docDefaults><w:pPrDefault><w:pPr><w:spacing w:after="160"/></w:pPr></w:pPrDefault></w:docDefaults>
<w:style w:type="paragraph" w:default="1" w:styleId="Standard"><w:name w:val="Normal"/></w:style>
<w:style w:type="paragraph" w:styleId="Titel"><w:name w:val="Title"/></w:style>
<w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>
<w:style w:type="paragraph" w:styleId="Verzeichnis1"><w:name w:val="toc 1"/></w:style>
<w:style w:type="paragraph" w:styleId="KeinLeerraum"><w:name w:val="No Spacing"/><w:pPr><w:spacing w:after="0"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Eng"><w:name w:val="Tight"/><w:basedOn w:val="KeinLeerraum"/></w:style>
<w:style w:type="paragraph" w:styleId="Liste"><w:name w:val="List Bullet"/><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style></w:styles>"""
NUMBERING = f"""<w:numbering xmlns:w="{W}"><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum>
<w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:start w:val="3"/><w:numFmt w:val="decimal"/></w:lvl><w:lvl w:ilvl="1"><w:numFmt w:val="lowerLetter"/></w:lvl></w:abstractNum>
<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num></w:numbering>"""


def p(*runs: str, style: str = "", properties: str = "") -> str:
    name = f'<w:pStyle w:val="{style}"/>' if style else ""
    return f"<w:p><w:pPr>{name}{properties}</w:pPr>{''.join(r(run) if not run.startswith('<') else run for run in runs)}</w:p>"


def r(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def ins(text: str, by: str = "Me") -> str:
    return f'<w:ins w:author="{by}" w:date="2024-01-02T00:00:00Z">{r(text)}</w:ins>'


def cut(text: str, by: str = "Me") -> str:
    return f'<w:del w:author="{by}"><w:r><w:delText xml:space="preserve">{text}</w:delText></w:r></w:del>'


def docx(body: str, *, creator: str = "Ada", title: str = "", parts: dict[str, str] | None = None) -> bytes:
    core = (
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        f' xmlns:dcterms="http://purl.org/dc/terms/"><dc:title>{title}</dc:title><dc:creator>{creator}</dc:creator>'
        "<dcterms:created>2024-01-02T03:04:05Z</dcterms:created></cp:coreProperties>"
    )
    files = {
        "[Content_Types].xml": TYPES, "_rels/.rels": RELATIONS, "word/styles.xml": STYLES, "word/numbering.xml": NUMBERING, "docProps/core.xml": core,
        "word/document.xml": f'<w:document xmlns:w="{W}" xmlns:mc="{MC}"><w:body>{body}<w:sectPr/></w:body></w:document>',
        "word/header1.xml": f'<w:hdr xmlns:w="{W}">{p("HEADER")}</w:hdr>', "word/comments.xml": f'<w:comments xmlns:w="{W}">{p("COMMENT")}</w:comments>',
        "word/footnotes.xml": f'<w:footnotes xmlns:w="{W}">{p("NOTE")}</w:footnotes>',
    } | (parts or {})  # fmt: skip
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def one(tmp_path, body: str) -> Record:
    (record,) = records_of(tmp_path, {"letter.docx": docx(body)})
    return record


def test_a_letter_with_title_headings_and_lists(tmp_path):
    body = (
        p("Tea at ten", style="Titel") + p("Contents", style="Verzeichnis1") + p("Part", style="berschrift1") + p("One ", r("\u2014"), r(" caf\u00e9.")) + p("")
        + p("a", style="Liste") + p("b", style="Liste") + p("Then") + p("x", properties='<w:numPr><w:ilvl w:val="0"/><w:numId w:val="2"/></w:numPr>')
        + p("y", properties='<w:numPr><w:ilvl w:val="1"/><w:numId w:val="2"/></w:numPr>') + p("z", properties='<w:numPr><w:ilvl w:val="0"/><w:numId w:val="2"/></w:numPr>')
    )  # fmt: skip
    record = one(tmp_path, body)
    assert record.text == "Part\n\nOne \u2014 caf\u00e9.\n\n- a\n- b\n\nThen\n\n3. x\n  a. y\n4. z"
    assert (record.title, record.headings, record.author, record.own) == ("Tea at ten", ("Part",), ("Ada",), None)
    assert (
        record.date == datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
        and record.channel == "document"
        and record.thread == "letter.docx"
    )


def test_lines_and_paragraphs_as_the_page_shows_them(tmp_path):
    body = (
        p("Dear Bo,") + p("12 High Street", style="KeinLeerraum") + p("Old Town", style="Eng") + p("", style="Eng") + p("One.", style="Eng")
    )
    body += p("Two.", style="Eng", properties='<w:ind w:firstLine="360"/>') + p("a<w:br/>b".replace("<w:br/>", "</w:t><w:br/><w:t>"))
    assert one(tmp_path, body).text == "Dear Bo,\n\n12 High Street\nOld Town\n\nOne.\n\nTwo.\na\nb"


def test_links_fields_boxes_and_forms_are_read_and_marks_are_not(tmp_path):
    box = f"<w:txbxContent>{p('In a box.')}</w:txbxContent>"
    body = (
        p("See ", f'<w:hyperlink r:id="x" xmlns:r="x">{r("the page")}</w:hyperlink>', ".")
        + p(
            f"<w:r><mc:AlternateContent><mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r>", "Beside."
        )
        + f"<w:sdt><w:sdtPr/><w:sdtContent>{p('In a form.')}</w:sdtContent></w:sdt>"
        + p(
            "<w:r><w:instrText>HYPERLINK x</w:instrText></w:r>",
            "Seen",
            '<w:r><w:footnoteReference w:id="1"/></w:r>',
            r("hidden", "<w:vanish/>"),
            r("."),
        )
        + p("<w:r><w:t>non</w:t><w:noBreakHyphen/><w:t>stop</w:t><w:tab/><w:t>soft</w:t><w:softHyphen/><w:t>ly</w:t></w:r>")
        + p('<w:r><w:sym w:font="Wingdings" w:char="F04A"/><w:sym w:char="2713"/></w:r>')
    )
    assert one(tmp_path, body).text == "See the page.\n\nBeside.\n\nIn a box.\n\nIn a form.\n\nSeen.\n\nnon\u2011stop\tsoftly\n\n\u2713"


def test_tables_are_lines_where_their_cells_are(tmp_path):
    def cell(*paragraphs: str) -> str:
        return f"<w:tc><w:tcPr/>{''.join(map(p, paragraphs))}</w:tc>"

    body = p("Before") + f"<w:tbl><w:tr>{cell('Cup')}{cell('Price')}</w:tr><w:tr>{cell('Tea')}{cell('2')}</w:tr></w:tbl>" + p("After")
    assert one(tmp_path, body).text == "Before\n\nCup\tPrice\nTea\t2\n\nAfter"
    layout = f"<w:tbl><w:tr>{cell('One.', 'Two.')}{cell('Three.')}</w:tr></w:tbl>"
    assert one(tmp_path / "l", layout).text == "One.\n\nTwo.\n\nThree."


def test_ones_own_changes_are_an_edit(tmp_path):
    (record,) = records_of(tmp_path, {"a.docx": docx(p("We ", cut("utilise"), ins("use"), " tea."), creator="Me")})
    assert (record.draft, record.text, record.author, record.dropped) == ("We utilise tea.", "We use tea.", ("Me",), None)


def test_whose_changes_are_whose(tmp_path):
    body = p("We ", cut("utilise", "Bo"), ins("use", "Bo"), " tea", ins(" and toast", "Cy"), ".")
    written, by_bo, by_cy = records_of(tmp_path, {"a.docx": docx(body)})
    assert (written.text, written.draft, written.author) == ("We utilise tea.", "", ("Ada",))
    assert (by_bo.draft, by_bo.text, by_bo.author) == ("We utilise tea.", "We use tea.", ("Bo",))
    assert (by_cy.text, by_cy.author) == ("We utilise tea and toast.", ("Cy",)) and by_cy.where.endswith("changes of Cy")
    assert len({record.thread for record in (written, by_bo, by_cy)}) == 1
    unsigned = records_of(tmp_path / "u", {"a.docx": docx(p("We ", cut("utilise", "Bo"), ins("use", "Bo"), "."), creator="")})
    assert [r.author for r in unsigned] == [("Bo",)], "whoever wrote the draft is not taken for the owner"


def test_changes_of_paragraphs_rows_and_places(tmp_path):
    body = (
        p("One", properties='<w:rPr><w:ins w:author="Me"/></w:rPr>') + p("two.") + p("Three", properties='<w:rPr><w:del w:author="Me"/></w:rPr>') + p(" four.")
        + f'<w:p><w:moveFrom w:author="Me">{r("Moved.")}</w:moveFrom></w:p>' + p("Here: ", f'<w:moveTo w:author="Me">{r("Moved.")}</w:moveTo>')
        + f'<w:tbl><w:tr><w:trPr><w:ins w:author="Me"/></w:trPr><w:tc>{p("New")}</w:tc><w:tc>{p("row")}</w:tc></w:tr><w:tr><w:tc>{p("Old")}</w:tc><w:tc>{p("row")}</w:tc></w:tr></w:tbl>'
    )  # fmt: skip
    (record,) = records_of(tmp_path, {"a.docx": docx(body, creator="Me")})
    assert record.draft == "Onetwo.\n\nThree\n\n four.\n\nMoved.\n\nHere:\n\nOld\trow"
    assert record.text == "One\n\ntwo.\n\nThree four.\n\nHere: Moved.\n\nNew\trow\nOld\trow"


def test_changes_of_form_alone_are_none_and_all_of_it_new_is_a_text(tmp_path):
    form = p(r("Tea.", '<w:b/><w:rPrChange w:author="Me"><w:rPr/></w:rPrChange>'), properties='<w:rPr><w:rPrChange w:author="Me"/></w:rPr>')
    (record,) = records_of(tmp_path, {"a.docx": docx(form)})
    assert (record.text, record.draft) == ("Tea.", "")
    (record,) = records_of(tmp_path / "n", {"a.docx": docx(p(ins("All new.")), creator="Me")})
    assert (record.text, record.draft, record.dropped) == ("All new.", "", None)
    (record,) = records_of(tmp_path / "g", {"a.docx": docx(p(cut("All gone.")), creator="Me")})
    assert record.dropped is Reason.EMPTY


def test_python_docx_writes_what_is_read(tmp_path):
    import docx as library

    document = library.Document()
    document.core_properties.author = "Ada"
    document.add_heading("Tea at ten", 0)
    document.add_heading("Part", 1)
    document.add_paragraph("One \u2014 caf\u00e9.")
    document.add_paragraph("a", style="List Number")
    document.sections[0].header.paragraphs[0].text = "HEADER"
    document.save(out := io.BytesIO())  # type: ignore[arg-type]
    (record,) = records_of(tmp_path, {"Caf\u0065\u0301.docx": out.getvalue(), "~$f\u00e9.docx": b"lock", "__MACOSX/._a.docx": b"x"})
    assert (record.title, record.author, record.text) == ("Tea at ten", ("Ada",), "Part\n\nOne \u2014 caf\u00e9.\n\n1. a")


def test_empty_documents_templates_and_names(tmp_path):
    files = {"a.docx": docx(p("")), "b.dotx": docx(p("One.")), "2023-05-06_my-letter.docx": docx(p("Two."))}
    letter, empty, template = records_of(tmp_path, files)
    assert (empty.dropped, template.dropped) == (Reason.EMPTY, Reason.NO_WRITING)
    assert (letter.title, letter.date and letter.date.year) == ("my letter", 2023)


def test_strict_documents_and_those_without_styles(tmp_path):
    strict = docx(p("One.")).replace(b"", b"")
    body = '<s:document xmlns:s="http://purl.oclc.org/ooxml/wordprocessingml/main"><s:body><s:p><s:r><s:t>Strict.</s:t></s:r></s:p></s:body></s:document>'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", TYPES)
        archive.writestr("_rels/.rels", RELATIONS.replace("word/document.xml", "/word/document2.xml"))
        archive.writestr("word/document2.xml", body)
    assert [r.text for r in records_of(tmp_path, {"a.docx": out.getvalue(), "b.docx": strict})] == ["Strict.", "One."]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"word/document.xml": "<w:document"}, "damaged"), ({"word/document.xml": ""}, "damaged"), ({"_rels/.rels": "<x/>", "word/document.xml": "<x"}, "damaged"),
        ({"word/document.xml": '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'}, "entities"), ({"_rels/.rels": RELATIONS.replace("document.xml", "no.xml")}, "missing"),
    ],
)  # fmt: skip
def test_damaged_parts_are_said(tmp_path, parts, said):
    records, problem = outcome(tmp_path, "a.docx", docx(p("One."), parts=parts))
    assert not records and said in problem


def test_a_bomb_is_no_document(tmp_path, monkeypatch):
    monkeypatch.setattr("pete.data.sources.docx.LARGEST", 1000)
    records, problem = outcome(tmp_path, "a.docx", docx(p("One.") * 100))
    assert not records and "would unpack" in problem


def test_damaged_styles_cost_no_words(tmp_path):
    parts = {"word/styles.xml": "<w:styles", "word/numbering.xml": "x", "docProps/core.xml": "<a"}
    (record,) = records_of(tmp_path, {"a.docx": docx(p("One.") + p("Two.", style="Liste"), parts=parts)})
    assert record.text.split() == ["One.", "Two."] and record.author == ()


def test_damage_is_said(tmp_path):
    for number, (kind, data) in enumerate([*harmful(docx(p("One."))), ("old or locked", b"\xd0\xcf\x11\xe0" + bytes(600))]):
        records, problem = outcome(tmp_path / str(number), "a.docx", data)
        assert problem and not records, kind
    assert "password" in problem
