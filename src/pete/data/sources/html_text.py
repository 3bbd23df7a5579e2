"""HTML as the text a reader sees: paragraphs, lists and line breaks as lines; tags, hidden parts and what is no writing left out."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import XPath
    from lxml.html import HtmlElement

_NO_TEXT = {
    "script", "style", "head", "title", "meta", "link", "template", "noscript", "svg", "math", "iframe", "object", "embed",
    "audio", "video", "canvas", "map", "button", "select", "input", "textarea", "datalist", "progress", "rp", "rt",
}  # fmt: skip
_PARAGRAPHS = {
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "blockquote", "pre", "table", "figure", "hr", "article", "section",
    "header", "footer", "main", "aside", "details", "fieldset", "form",
}  # fmt: skip
"""A blank line stands before and after these."""
_LINES = {
    "div",
    "li",
    "tr",
    "dt",
    "dd",
    "address",
    "figcaption",
    "caption",
    "summary",
    "center",
    "nav",
    "legend",
    "body",
    "tbody",
    "thead",
    "tfoot",
    "td",
    "th",
    "option",
}  # fmt: skip
"""These only begin a line."""
_ITEMS = {"li", "dd", "figcaption"}
"""Inside these a paragraph is no more than a line."""
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.IGNORECASE)
_TIGHT = re.compile(r"(?:^|;)\s*margin(?:-top|-bottom)?\s*:\s*0(?![.\d]*[1-9])", re.IGNORECASE)
_PRE = re.compile(r"white-space\s*:\s*(?:pre|break-spaces)", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\n\r\f]+")
_SPACES = re.compile("[ \xa0]{2,}")
_NESTING = re.compile(r"</?(?!(?:body|p|br|script|style)\b)[a-z][^<>]*>", re.IGNORECASE)
_SURROGATE = re.compile("[\ud800-\udfff]")
_SELECTOR = re.compile(
    r"(?P<tag>[\w-]+)?(?:#(?P<id>[\w-]+))?(?P<classes>(?:\.[\w-]+)*)(?P<attributes>(?:\[[\w-]+(?:[*^]?=[^\]]*)?\])*)", re.ASCII
)
_ATTRIBUTE = re.compile(r"\[([\w-]+)(?:([*^]?)=\"?([^\]\"]*)\"?)?\]")


def html_text(markup: str) -> str:
    """The text of a page or a piece of one. Letters, dashes, quotes and emoji are as they were; a link is its words, an image nothing.

    Paragraphs are a blank line apart, a `<br>` or `<div>` is a line; several blank lines are one. Items of a list begin with "- " or "1. ".

    Args:
        markup: HTML, whole or in part, however broken.
    """
    return text_of(tree_of(markup))


def tree_of(markup: str) -> "HtmlElement":
    """The parsed HTML; broken markup is put right as browsers do. Nothing is fetched."""
    import lxml.etree as etree
    from lxml import html

    markup = _SURROGATE.sub("\ufffd", markup.replace("\x00", ""))
    if "<body" not in markup.lower():  # else the parser puts loose text into a paragraph
        markup = f"<body>{markup}"
    parser = html.HTMLParser(encoding="utf-8", huge_tree=True, no_network=True)
    try:
        tree = html.document_fromstring(markup.encode(), parser=parser)
        if parser.error_log.filter_from_level(etree.ErrorLevels.FATAL):  # nested deeper than 2,048: no page, but it has its words
            tree = html.document_fromstring(_NESTING.sub("<br>", markup).encode(), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):  # nothing in it
        tree = html.document_fromstring(b"<body></body>")
    return tree


def text_of(element: "HtmlElement") -> str:
    """The text of an element and what is inside it, as in `html_text`."""
    out = _Lines()
    stack: list[tuple[HtmlElement, bool]] = [(element, False)]  # not by recursion: pages nest deeper than Python does
    while stack:
        node, leaving = stack.pop()
        if leaving:
            out.leave(node)
        elif isinstance(node.tag, str) and out.enter(node):
            stack.append((node, True))
            stack += [(child, False) for child in reversed(node)]
            continue
        if node is not element and node.tail:
            out.say(node.tail)
    return out.text()


def select(element: "HtmlElement", selectors: Iterable[str]) -> list["HtmlElement"]:
    """The elements below one that any selector means, in the order of the page.

    Args:
        element: where they are looked for.
        selectors: "tag", ".class", "tag.class", "#id", "[name=value]", "[name*=part]", "[name^=beginning]", one behind the other as in CSS
            ("div.tweet[data-x]").
    """
    path = _path(tuple(selectors))
    return list(path(element)) if path is not None else []  # type: ignore[arg-type]


def take_out(element: "HtmlElement", selectors: Sequence[str]) -> list[str]:
    """Remove such elements, and give the text of each that holds some: for what a reader drops and has to account for."""
    found = select(element, selectors)
    inner = {below for outer in found for below in select(outer, selectors)}
    said = [text_of(one) for one in found if one not in inner]
    for one in found:
        one.drop_tree()
    return [text for text in said if text]


@lru_cache(maxsize=256)
def _path(selectors: tuple[str, ...]) -> "XPath | None":
    import lxml.etree as etree

    steps = []
    for selector in selectors:
        parts = _SELECTOR.fullmatch(selector)
        if not selector or parts is None:
            raise ValueError(f"no selector: {selector!r}")
        tests = [f"@id={_quoted(parts['id'])}"] if parts["id"] else []
        tests += [
            f"contains(concat(' ', normalize-space(@class), ' '), {_quoted(f' {name} ')})" for name in parts["classes"].split(".") if name
        ]
        for name, how, value in _ATTRIBUTE.findall(parts["attributes"]):
            if f"[{name}]" in parts["attributes"]:
                tests.append(f"@{name}")
            else:
                tests.append({"*": f"contains(@{name}, {_quoted(value)})", "^": f"starts-with(@{name}, {_quoted(value)})"}.get(
                    how, f"@{name}={_quoted(value)}"
                ))  # fmt: skip
        steps.append(f"descendant::{parts['tag'] or '*'}" + "".join(f"[{test}]" for test in tests))
    return etree.XPath(" | ".join(steps)) if steps else None


def _quoted(value: str) -> str:
    return f"'{value}'" if "'" not in value else f'"{value}"'


class _Lines:
    """Lines in the making. A line is finished by a `<br>`, or by a block's edge when it holds something."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []
        self._space = False  # collapsed, and written when something follows it in the line
        self._blank = False
        self._pre = 0
        self._lists: list[int | None] = []  # of each open list the number of its next item, None for a bullet
        self._items: list[str] = []  # of each open item the indent of what it goes on with
        self._mark = ""
        self._within = 0

    def enter(self, node: "HtmlElement") -> bool:
        """Begin an element; False where nothing of it is to be read."""
        tag, style = node.tag, node.get("style") or ""
        if tag in _NO_TEXT or node.get("hidden") is not None or (style and _HIDDEN.search(style)):
            return False
        if tag == "br":
            self._end_line()
            return False
        if tag == "img":
            self.say(_emoji(node))
            return False
        self._edge(node)
        if tag in ("td", "th") and _beside_others(node):
            if self._line:
                self._line.append("\t")
        elif tag in ("ul", "ol"):
            self._lists.append(_number(node.get("start"), 1) if tag == "ol" else None)
        elif tag == "li":
            self._begin_item(node)
        elif tag == "q":
            self.say("\u201c")
        self._within += tag in _ITEMS
        self._pre += tag == "pre" or bool(style and _PRE.search(style))
        if node.text:
            self.say(node.text)
        return True

    def leave(self, node: "HtmlElement") -> None:
        """End it."""
        tag, style = node.tag, node.get("style") or ""
        if tag == "q":
            self.say("\u201d")
        self._edge(node)
        self._pre -= tag == "pre" or bool(style and _PRE.search(style))
        self._within -= tag in _ITEMS
        if tag == "li":
            self._items.pop()
            self._mark = ""
        elif tag in ("ul", "ol"):
            self._lists.pop()

    def say(self, text: str) -> None:
        """More of the line; white space is one space, unless it is kept as it stands."""
        text = text.replace("\xad", "")
        if self._pre:
            first, *rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
            self._write(first)
            for line in rest:
                self._end_line()
                self._write(line)
            return
        words = _SPACE.sub(" ", text)
        if words.startswith(" "):
            self._space = True
        if bare := words.strip(" "):
            self._write(bare)
            self._space = words.endswith(" ")

    def text(self) -> str:
        """All of it."""
        if self._line:
            self._end_line()
        kept: list[str] = []
        for line in self._lines:
            if line or (kept and kept[-1]):
                kept.append(line)
        return "\n".join(kept).strip("\n")

    def _write(self, text: str) -> None:
        if not text:
            return
        if not self._line and self._blank and text.strip():
            self._lines.append("")
            self._blank = False
        if self._space and self._line:
            self._line.append(" ")
        self._space = False
        self._line.append(text)

    def _edge(self, node: "HtmlElement") -> None:
        tag = node.tag
        if tag not in _PARAGRAPHS and tag not in _LINES:
            return
        if tag in ("td", "th") and _beside_others(node):
            return  # a row of a table is a line
        if self._line:
            self._end_line()
        self._space = False
        if tag in _PARAGRAPHS and not self._within and not _tight(node):
            self._blank = True

    def _end_line(self) -> None:
        line = "".join(self._line)
        if not self._pre:
            line = _SPACES.sub(lambda run: " " * len(run[0]), line).lstrip("\xa0 ")
        line = line.rstrip("\xa0 \t")
        if line and self._mark:
            line, self._mark = self._mark + line, ""
        elif line and self._items and not self._pre:
            line = self._items[-1] + line
        self._lines.append(line)
        self._line, self._space = [], False

    def _begin_item(self, node: "HtmlElement") -> None:
        number = self._lists[-1] if self._lists else None
        mark = "- "
        if number is not None:
            number = _number(node.get("value"), number)
            mark, self._lists[-1] = f"{number}. ", number + 1
        indent = self._items[-1] if self._items else ""
        self._mark = indent + mark
        self._items.append(indent + " " * len(mark))


def _tight(node: "HtmlElement") -> bool:
    """A paragraph that is drawn as a line: Outlook's, and those without a margin."""
    return node.tag == "p" and ("MsoNormal" in (node.get("class") or "") or bool(_TIGHT.search(node.get("style") or "")))


def _beside_others(cell: "HtmlElement") -> bool:
    """Whether a table's cell stands in a row with others and holds no blocks: mails lay pages out with tables of one column."""
    row = cell.getparent()
    if row is None or row.tag != "tr" or sum(other.tag in ("td", "th") for other in row) < 2:
        return False
    return not any(below.tag in _PARAGRAPHS or below.tag == "div" for other in row for below in other.iterdescendants())


def _number(value: str | None, otherwise: int) -> int:
    return int(value) if value and re.fullmatch(r"-?\d{1,6}", value.strip(), re.ASCII) else otherwise


def _emoji(image: "HtmlElement") -> str:
    """WordPress, Gmail and others draw emoji as images that say in `alt` which."""
    said = image.get("data-emoji") or image.get("alt") or ""
    return said if 0 < len(said) <= 12 and not said.isascii() and not any(c.isalpha() or c.isspace() for c in said) else ""


def breaks_off(markup: str) -> bool:
    """Whether a page that began has no end: its download was cut short."""
    low = markup.lower()
    return "<html" in low[:4096] and "</html" not in low
