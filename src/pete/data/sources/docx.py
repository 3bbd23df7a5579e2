"""Word documents, by their XML: python-docx leaves out tracked insertions and text boxes. Tracked changes are edits that somebody made.

What each change's author made of the text before is an edit pair (`Record.draft` -> `text`); headers, footers, notes and comments stay out.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from pete.data.sources.dates import iso_date
from pete.data.sources.files import SourceFile
from pete.data.sources.front_matter import date_of
from pete.data.sources.markdown import named
from pete.data.sources.record import ImportOptions, Reader, Reason, Record, Unreadable

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

LARGEST = 512 << 20
"""Bytes that the text of a document may have unpacked."""
_RATIO = 500
_ADDED, _REMOVED = {"ins", "moveTo"}, {"del", "moveFrom"}
_NO_TEXT = {
    "pPr", "rPr", "instrText", "delInstrText", "footnoteReference", "endnoteReference", "commentReference", "annotationRef", "tblPr",
    "tblGrid", "trPr", "tcPr", "sectPr", "sdtPr", "sdtEndPr", "softHyphen", "object", "ruby", "footnoteRef", "endnoteRef", "proofErr",
}  # fmt: skip
_MARKS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "\u2011"}


@dataclass
class _Paragraph:
    text: str
    style: str = ""
    mark: str = ""
    """What the paragraph begins with in a list."""
    after: int = 0
    before: int = 0
    indented: bool = False
    in_cell: bool = False
    alike: bool = False
    """No space between it and others of its style."""
    heading: bool = False


@dataclass
class _Package:
    """What is needed of a document: its main part, styles and lists."""

    archive: zipfile.ZipFile
    label: str

    def part(self, name: str) -> "Element | None":
        """A part's root; None where there is no such part.

        Raises:
            Unreadable: it is no XML, or unpacks to more than a document has.
        """
        import lxml.etree as etree

        try:
            info = self.archive.getinfo(name)
        except KeyError:
            return None
        if info.file_size > LARGEST or info.file_size > (64 << 20) + _RATIO * info.compress_size:
            raise Unreadable(f"{self.label}: {name} would unpack to {info.file_size:,} bytes: that is no document")
        try:
            data = self.archive.read(info)
            if b"<!DOCTYPE" in data[:4096] or b"<!ENTITY" in data[:4096]:
                raise Unreadable(f"{self.label}: {name} defines entities of its own, which Word never does; it is not read")
            return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True))
        except (etree.XMLSyntaxError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise Unreadable(f"{self.label}: {name} is damaged ({error}); open it in Word and save it again") from None

    @cached_property
    def main(self) -> str:
        """The name of the main part; some programs call it otherwise."""
        relations = self.part("_rels/.rels")
        for relation in relations if relations is not None else ():
            if (relation.get("Type") or "").endswith("/officeDocument"):
                return (relation.get("Target") or "").lstrip("/")
        return "word/document.xml"

    def beside(self, name: str) -> "Element | None":
        """Styles or lists: formatting, whose damage costs no words."""
        try:
            return self.part(f"{self.main.rpartition('/')[0]}/{name}".lstrip("/"))
        except Unreadable:
            return None


@dataclass
class _Styles:
    """Names, levels and spaces of styles, through those they are based on."""

    package: _Package
    _names: dict[str, str] = field(default_factory=dict)
    _properties: dict[str, "Element"] = field(default_factory=dict)
    _based: dict[str, str] = field(default_factory=dict)
    default: str = ""

    def __post_init__(self) -> None:
        root = self.package.beside("styles.xml")
        self._defaults: Element | None = None
        for element in root if root is not None else ():
            if _name(element) == "docDefaults":
                self._defaults = next((found for found in element.iter() if _name(found) == "pPr"), None)
            elif _name(element) == "style" and (identity := _attribute(element, "styleId")):
                self._names[identity] = (_value(element, "name") or identity).lower()
                self._based[identity] = _value(element, "basedOn")
                if (properties := _child(element, "pPr")) is not None:
                    self._properties[identity] = properties
                if _attribute(element, "type") == "paragraph" and _attribute(element, "default") in ("1", "true", "on"):
                    self.default = identity
        numbering = self.package.beside("numbering.xml")
        self._formats: dict[tuple[str, str], tuple[str, int]] = {}
        abstract: dict[str, Element] = {}
        for element in numbering if numbering is not None else ():
            if _name(element) == "abstractNum":
                abstract[_attribute(element, "abstractNumId")] = element
            elif _name(element) == "num" and (shape := abstract.get(_value(element, "abstractNumId"))) is not None:
                for level in (found for found in shape if _name(found) == "lvl"):
                    start = _value(level, "start")
                    key = (_attribute(element, "numId"), _attribute(level, "ilvl"))
                    self._formats[key] = (_value(level, "numFmt") or "decimal", int(start) if start.isdigit() else 1)

    def name(self, identity: str) -> str:
        """The name of a style in English and small letters, whatever the language of the document."""
        return self._names.get(identity or self.default, identity.lower())

    def properties(self, paragraph: "Element | None", identity: str) -> Iterator["Element"]:
        """Where a paragraph's properties are looked for: at itself, in its style, in what that is based on, in the document's own."""
        if paragraph is not None:
            yield paragraph
        identity, seen = identity or self.default, set[str]()
        while identity and identity not in seen:
            seen.add(identity)
            if (found := self._properties.get(identity)) is not None:
                yield found
            identity = self._based.get(identity, "")
        if self._defaults is not None:
            yield self._defaults

    def find(self, paragraph: "Element | None", identity: str, wanted: str) -> "Element | None":
        """The first such property."""
        return next((found for place in self.properties(paragraph, identity) if (found := _child(place, wanted)) is not None), None)

    def space(self, paragraph: "Element | None", identity: str, side: str) -> int:
        """The space "before" or "after" a paragraph, in twentieths of a point."""
        for place in self.properties(paragraph, identity):
            spacing = _child(place, "spacing")
            if spacing is not None:
                if _attribute(spacing, f"{side}Autospacing") in ("1", "true", "on"):
                    return 280
                if (value := _attribute(spacing, side)).lstrip("-").isdigit():
                    return int(value)
        return 0

    def list_format(self, number: str, level: str) -> tuple[str, int]:
        """How the items of a list are marked ("bullet", "decimal"...), and the first number."""
        return self._formats.get((number, level), ("bullet", 1))


def _recognises(file: SourceFile) -> bool:
    return file.suffix in (".docx", ".docm", ".dotx") or (file.head.startswith(b"PK\x03\x04") and b"word/document.xml" in file.head)


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    data = file.read()
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable(f"{file.label} is locked with a password, or of Word before 2007: open it in Word and save it as .docx")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise Unreadable(f"{file.label} is no Word document, or breaks off ({error}); download it again") from None
    with archive:
        package = _Package(archive, file.label)
        root = package.part(package.main)
        if root is None:
            raise Unreadable(f"{file.label} holds no text of Word: {package.main} is missing")
        body = next((element for element in root.iter() if _name(element) == "body"), None)
        known = _about(package, file)
        yield from _records(body, _Styles(package), known) if body is not None else [replace(known, dropped=Reason.EMPTY)]


def _about(package: _Package, file: SourceFile) -> Record:
    """Who wrote it and when, as Word noted it."""
    try:
        core = package.part("docProps/core.xml")
    except Unreadable:
        core = None
    said = {_name(element): (element.text or "").strip() for element in core} if core is not None else {}
    creator = said.get("creator", "")
    return Record(
        text="", where=file.label, author=(creator,) if creator else (), date=date_of({}, file.name) or iso_date(said.get("created")),
        thread=file.name, title=said.get("title", "") or named(file), channel="document",
        dropped=Reason.NO_WRITING if file.suffix == ".dotx" else None,
    )  # fmt: skip


def _records(body: "Element", styles: _Styles, known: Record) -> Iterator[Record]:
    authors = list(dict.fromkeys(
        _attribute(element, "author") for element in body.iter() if _name(element) in _ADDED | _REMOVED
    ))  # fmt: skip
    first, title, headings = _version(body, styles, None)
    known = replace(known, title=known.title if title is None else title)
    edits = []
    for author in authors:
        text, _, heads = _version(body, styles, author)
        if text != first:
            edits.append(replace(known, text=text, draft=first, author=(author,) if author else (), headings=heads))
    writer = known.author[0] if known.author else ""
    if not edits or (writer and writer not in authors):  # what was written before others changed it
        yield replace(known, text=first, headings=headings, dropped=known.dropped or (None if first else Reason.EMPTY))
    for edit in edits:
        yield (
            replace(edit, where=f"{edit.where}, changes of {edit.author[0] if edit.author else 'nobody named'}")
            if edit.text
            else replace(edit, draft="", dropped=Reason.EMPTY)
        )


def _version(body: "Element", styles: _Styles, author: str | None) -> tuple[str, str | None, tuple[str, ...]]:
    """(text, title, headings) of a document with the changes of one author made, or with none."""
    paragraphs = _Walk(styles, author).paragraphs(body)
    title = None
    if paragraphs and styles.name(paragraphs[0].style) == "title" and paragraphs[0].text.strip():
        title = " ".join(paragraphs.pop(0).text.split())
    headings = tuple(" ".join(p.text.split()) for p in paragraphs if p.heading and p.text.strip())
    return _joined(paragraphs), title, headings


def _joined(paragraphs: list[_Paragraph]) -> str:
    """Paragraphs as lines: a blank line where the page shows space between them, or an empty paragraph stands there."""
    lines: list[str] = []
    last: _Paragraph | None = None
    for paragraph in paragraphs:
        said = re.sub(r"[ \t]+$", "", paragraph.text, flags=re.MULTILINE).strip("\n")
        if not said.strip():
            if lines and lines[-1]:
                lines.append("")
            last = None
            continue
        if last is not None and _apart(last, paragraph):
            lines.append("")
        lines.append(paragraph.mark + said.replace("\n", "\n" + " " * len(paragraph.mark)) if paragraph.mark else said)
        last = paragraph
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _apart(one: _Paragraph, other: _Paragraph) -> bool:
    if one.in_cell and other.in_cell:
        return False
    if one.mark and other.mark:
        return False
    if one.mark or other.mark or one.in_cell or other.in_cell or one.heading or other.heading or other.indented:
        return True
    if one.alike and one.style == other.style:
        return False
    return max(one.after, other.before) > 0


@dataclass
class _Walk:
    """Through the body, taking what a version of the text has."""

    styles: _Styles
    author: str | None
    """Whose changes are made in this version; None is nobody's."""
    _numbers: dict[tuple[str, int], int] = field(default_factory=dict)

    def paragraphs(self, body: "Element", *, in_cell: bool = False) -> list[_Paragraph]:
        """The paragraphs below an element, those of text boxes behind the one they hang on."""
        found: list[_Paragraph] = []
        running = ""  # the text of paragraphs whose end a change has taken away
        stack = list(reversed(body))
        while stack:
            element = stack.pop()
            name = _name(element)
            if name == "p":
                text, boxes = self._text(element)
                running += text
                if not self._goes_on(element):
                    made = self._paragraph(element, running, in_cell)
                    if made is not None:
                        found.append(made)
                    running = ""
                for box in boxes:
                    found += self.paragraphs(box)
            elif name == "tbl":
                found += self._table(element)
            elif name == "AlternateContent":
                stack += reversed(_chosen(element))
            elif name in _ADDED or name in _REMOVED:
                if self._made(element):
                    stack += reversed(element)
            elif name not in _NO_TEXT:
                stack += reversed(element)
        if running:
            found.append(_Paragraph(running, in_cell=in_cell))
        return found

    def _made(self, change: "Element") -> bool:
        """Whether what a change holds stands in this version."""
        done = _attribute(change, "author") == self.author
        return done if _name(change) in _ADDED else not done

    def _goes_on(self, paragraph: "Element") -> bool:
        """Whether its end is not there in this version: it runs on in the next."""
        properties = _child(paragraph, "pPr")
        run = _child(properties, "rPr") if properties is not None else None
        return run is not None and any(_name(mark) in _ADDED | _REMOVED and not self._made(mark) for mark in run)

    def _text(self, paragraph: "Element") -> tuple[str, list["Element"]]:
        said: list[str] = []
        boxes: list[Element] = []
        stack = list(reversed(paragraph))
        while stack:
            element = stack.pop()
            name = _name(element)
            if name in ("t", "delText"):
                said.append(element.text or "")
            elif name in _MARKS:
                said.append(_MARKS[name])
            elif name == "sym":
                said.append(_symbol(element))
            elif name == "txbxContent":
                boxes.append(element)
            elif name == "AlternateContent":
                stack += reversed(_chosen(element))
            elif name in _ADDED or name in _REMOVED:
                if self._made(element):
                    stack += reversed(element)
            elif name not in _NO_TEXT and not (name == "r" and _hidden(element)):
                stack += reversed(element)
        return "".join(said), boxes

    def _paragraph(self, element: "Element", text: str, in_cell: bool) -> _Paragraph | None:
        properties = _child(element, "pPr")
        style = _value(properties, "pStyle") if properties is not None else ""
        name = self.styles.name(style)
        if re.match(r"toc (?:\d|heading)|table of (?:figures|authorities)|index \d", name):
            return None
        indent = self.styles.find(properties, style, "ind")
        heading = re.match(r"heading \d", name) is not None
        made = _Paragraph(
            text, style, in_cell=in_cell, heading=heading, after=self.styles.space(properties, style, "after"),
            before=self.styles.space(properties, style, "before"), alike=_on(self.styles.find(properties, style, "contextualSpacing")),
            indented=indent is not None and _attribute(indent, "firstLine").isdigit() and int(_attribute(indent, "firstLine")) > 0,
        )  # fmt: skip
        numbered = self.styles.find(properties, style, "numPr")
        if numbered is not None and text.strip() and not heading:
            self._mark(made, _value(numbered, "numId"), _value(numbered, "ilvl") or "0")
        return made

    def _mark(self, paragraph: _Paragraph, number: str, level: str) -> None:
        if number in ("", "0"):  # a list that was taken away again
            return
        kind, start = self.styles.list_format(number, level)
        depth = int(level) if level.isdigit() else 0
        indent = "  " * depth
        if kind in ("bullet", "none"):
            paragraph.mark = f"{indent}- "
            return
        count = self._numbers[number, depth] = self._numbers.get((number, depth), start - 1) + 1
        for deeper in [key for key in self._numbers if key[0] == number and key[1] > depth]:
            del self._numbers[deeper]
        letters = {"lowerLetter": chr(96 + count), "upperLetter": chr(64 + count)} if count <= 26 else {}
        paragraph.mark = f"{indent}{letters.get(kind, count)}. "

    def _table(self, table: "Element") -> list[_Paragraph]:
        """A row is a line where each cell is one; else the cells one after the other."""
        found: list[_Paragraph] = []
        for row in _inside(table, "tr"):
            properties = _child(row, "trPr")
            if properties is not None and any(_name(mark) in _ADDED | _REMOVED and not self._made(mark) for mark in properties):
                continue
            cells = [self.paragraphs(cell, in_cell=True) for cell in _inside(row, "tc")]
            filled = [[p for p in cell if p.text.strip()] for cell in cells]
            if any(filled) and all(len(cell) <= 1 for cell in filled) and len(cells) > 1:
                found.append(_Paragraph("\t".join(cell[0].text.strip() if cell else "" for cell in filled), in_cell=True))
            else:
                found += [replace(paragraph, in_cell=False) for cell in cells for paragraph in cell]
        return found


def _inside(element: "Element", name: str) -> Iterator["Element"]:
    """Rows or cells, also within the wrappers that forms and changes put around them."""
    stack = list(reversed(element))
    while stack:
        below = stack.pop()
        if _name(below) == name:
            yield below
        elif _name(below) in ("sdt", "sdtContent", "customXml", "ins", "moveTo"):
            stack += reversed(below)


def _chosen(alternatives: "Element") -> list["Element"]:
    """Word writes a text box twice, for new and for old programs."""
    choice = _child(alternatives, "Choice")
    return [choice] if choice is not None else list(alternatives)


def _hidden(run: "Element") -> bool:
    properties = _child(run, "rPr")
    return properties is not None and any(_on(_child(properties, name)) for name in ("vanish", "webHidden"))


def _symbol(element: "Element") -> str:
    """A letter of a symbol font means another than its number says."""
    code = _attribute(element, "char")
    letter = chr(int(code, 16)) if re.fullmatch(r"[0-9A-Fa-f]{2,5}", code) else ""
    return "" if not letter or "\ue000" <= letter <= "\uf8ff" or "\ud800" <= letter <= "\udfff" else letter


def _name(element: "Element") -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _child(element: "Element", name: str) -> "Element | None":
    return next((child for child in element if _name(child) == name), None)


def _attribute(element: "Element", name: str) -> str:
    """By its local name: strict documents have another namespace."""
    return next((str(value) for key, value in element.attrib.items() if str(key).rpartition("}")[2] == name), "")


def _value(element: "Element", name: str) -> str:
    child = _child(element, name)
    return _attribute(child, "val") if child is not None else ""


def _on(switch: "Element | None") -> bool:
    return switch is not None and _attribute(switch, "val") not in ("0", "false", "off")


READER = Reader("docx", "Word document", _recognises, _read)
