"""What of a text is prose: blocks of Markdown or plain text that may be rewritten, and all between them, which comes back untouched."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from pete.data.sources import front_matter
from pete.data.text import size, words
from pete.generate.rewrite.markup import without_marks

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

LEAST_ITEM = 8
"""Words of a list item that is prose; a shorter one is a label, a step, a name."""
CODE_LIKE = 0.09
"""Share of a paragraph's characters that are signs of programs from which on it is taken for one."""

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
"""Lines as CommonMark counts them; the other separators of Unicode are letters of a line."""
_MARKER = re.compile(r"[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?)*")
_FOOTNOTE = re.compile(r" {0,3}\[\^[^\]\s]+\]:")
_DIRECTIVE = re.compile(r"[ \t]*(?::{3,}.*|\{%.*%\}|\{\{[<%].*[>%]\}\}|\{::?[^{}]*\}|\[\[?_?TOC_?\]\]?|-- ?)[ \t]*", re.IGNORECASE)
"""A line that only a site's generator reads, or that begins the signature of a mail."""
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffd]")
"""What a terminal obeys, or turns a line around, or stood for a byte that was no letter."""
_COLUMNS = re.compile(r"\S[^\n]*(?:\t| {3,}|\|)[^\n]*\S")
_PROGRAM = re.compile(r"[{}\[\];=<>_/\\|&$#@^~`]")
_STATEMENT = re.compile(r"[;{}]\s*$|^\s*(?:import|from|def|class|return|const|let|var|if|for|while|function|public|private)\b.*[:;({]\s*$")
_QUOTED_LINE = re.compile(r"[ \t]*>")


@dataclass(frozen=True)
class Block:
    """A piece of a text; all pieces joined are the text."""

    text: str
    kept: str = ""
    """Why it stays as it is, in a word or two; nothing for prose."""
    item: bool = False
    """It is the text of a list item: one line, whatever becomes of it."""

    @property
    def prose(self) -> bool:
        """Whether it may be rewritten."""
        return not self.kept


@dataclass(frozen=True)
class _Paragraph:
    first: int
    last: int
    """Lines, the last one exclusive."""
    item: bool
    marked: bool
    """Its first line begins with the marker of a list."""


def blocks(text: str, *, markdown: bool = True) -> list[Block]:
    """A text in pieces, prose or kept; joined they are the text, byte for byte.

    Code, headings, quotations, tables, definitions of links, front matter, HTML, footnotes, short list items, directives of site
    generators and signatures of mails are kept; so is a paragraph that is no prose: columns, a program, or with control characters.

    Args:
        text: the text, with any kind of line ends.
        markdown: False for plain text, in which an indented paragraph is no code and an answer below a quotation is no part of it.
    """
    lines = _LINE.findall(text)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    found: list[Block] = []
    done = 0
    for paragraph in _paragraphs(lines, markdown=markdown):
        whole = text[starts[paragraph.first] : starts[paragraph.last]]
        prefix = _MARKER.match(whole) if paragraph.marked else re.match(r"\s*", whole)
        start = starts[paragraph.first] + (prefix.end() if prefix else 0)
        end = starts[paragraph.first] + len(whole.rstrip())
        said = text[start:end]
        if not said:
            continue
        found += _kept(text[done:start], "markup")
        found.append(Block(said, _no_prose(said, paragraph), paragraph.item))
        done = end
    return [*found, *_kept(text[done:], "markup")]


def _kept(text: str, why: str) -> list[Block]:
    return [Block(text, why if text.strip() else "space")] if text else []


def _no_prose(text: str, paragraph: _Paragraph) -> str:
    """Why a paragraph is none that a person would rewrite; nothing where it is."""
    said = words(without_marks(text))
    lines = text.splitlines()
    if CONTROL.search(text):
        return "control characters"
    if not said:
        return "no words"
    if "$$" in text:
        return "a formula"
    if lines[0].lstrip().startswith((": ", "[^")):
        return "a definition"
    if paragraph.item and size(said) < LEAST_ITEM:
        return "a short item"
    if len(lines) > 1 and sum(map(bool, map(_COLUMNS.match, lines))) * 2 > len(lines):
        return "a table"
    bare = without_marks(text)
    if len(_PROGRAM.findall(bare)) > CODE_LIKE * len(bare) or sum(map(bool, map(_STATEMENT.search, lines))) * 2 > len(lines):
        return "code"
    return ""


def _paragraphs(lines: Sequence[str], *, markdown: bool) -> Iterator[_Paragraph]:
    """The paragraphs outside quotations, in their order."""
    source = [re.sub(r"[\r\n]+$", "", line) for line in lines]
    for number in _set_aside(source):
        source[number] = ""
    stack: list[Token] = []
    for token in _parser(markdown).parse("\n".join(source)):
        if token.nesting == 1 and token.type != "paragraph_open":
            stack.append(token)
        elif token.nesting == -1 and token.type != "paragraph_close":
            stack.pop()
        if token.type != "paragraph_open" or token.map is None:
            continue
        first, last = token.map
        items = [outer for outer in stack if outer.type == "list_item_open"]
        if any(outer.type == "blockquote_open" for outer in stack):
            # an answer that stands directly below a quotation belongs to it for Markdown alone
            own = next((n for n in range(first, last) if not _QUOTED_LINE.match(source[n])), last)
            if markdown or own == last or items:
                continue
            yield _Paragraph(own, last, False, False)
        else:
            begins = bool(items) and any(outer.map is not None and outer.map[0] == first for outer in items)
            yield _Paragraph(first, min(last, len(lines)), bool(items), begins)


@cache  # making one takes longer than reading a paragraph
def _parser(markdown: bool) -> "MarkdownIt":
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("table").disable("inline")
    return parser if markdown else parser.disable(["code", "html_block"])


def _set_aside(lines: Sequence[str]) -> Iterator[int]:
    """Numbers of lines that are no Markdown, and stand for blank ones: front matter, footnotes, directives, a mail's signature."""
    whole = "\n".join(lines) + "\n"
    above = whole[: len(whole) - len(front_matter.split(whole)[1])].count("\n")
    yield from range(above)
    footnote = False
    for number, line in enumerate(lines[above:], above):
        if _FOOTNOTE.match(line):
            footnote = True
        elif line.strip() and not line.startswith(("  ", "\t")):
            footnote = False
        if footnote or _DIRECTIVE.fullmatch(line):
            yield number
        if line.rstrip() == "--" and line != "--":  # RFC 3676: two dashes and a space; all below is the signature
            yield from range(number, len(lines))
            return
