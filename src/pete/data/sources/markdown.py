"""Markdown: documents, and what Obsidian, Notion, Jekyll and Hugo make of it. Emphasis, headings and lists stay as they were typed."""

import datetime
import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from pete.data.sources import front_matter
from pete.data.sources.article import quotations, same_words
from pete.data.sources.dates import iso_date
from pete.data.sources.decode import decode
from pete.data.sources.files import SourceFile
from pete.data.sources.record import ImportOptions, Reader, Reason, Record

SUFFIXES = {".md", ".markdown", ".mdown", ".mkd", ".mkdn", ".mdx", ".qmd", ".rmd"}
_INTERNAL = re.compile(r"[ _-]+([0-9a-f]{32})(?:_all)?(?=\.\w+$|/|$)")
"""Notion's id at the end of a name."""
_POSTS = re.compile(r"(?:^|/)_(?:posts|drafts)/", re.IGNORECASE)
_TEMPLATES = re.compile(r"(?:^|/)[\W\d_]*templates?/", re.IGNORECASE)
_TEMPLATER = re.compile(r"<%[*_+-]?\s*\w.*?%>", re.DOTALL)
_PLACEHOLDER = re.compile(r"\{\{\s*(?:title|date|time)(?::[^{}\n]*)?\s*\}\}")

_FENCE = re.compile(r"^([ \t]*(?:[-*+>] +)?)(`{3,}|~{3,})[ \t]*([\w-]*)[^\n]*\n.*?(?:^[ \t>]*\2[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<![`\\])(`+)(?!`)(?:[^\n]|\n(?!\s*\n))+?(?<!`)\1(?!`)")
_MATH = re.compile(r"\$\$.+?\$\$|(?<![\w\\$])\$[^\s$](?:[^$\n]*[^\s$\\])?\$(?![\w$])", re.DOTALL)
_QUERIES = {"dataview", "dataviewjs", "query", "tasks", "button", "toc", "folder-overview"}
"""Code blocks that Obsidian's plug-ins fill."""
_HIDDEN = (
    (re.compile(r"<!--.*?-->", re.DOTALL), "-->"),
    (re.compile(r"(?<![\w%])%%(?!%).*?%%(?![\w%])", re.DOTALL), "%%"),
    (re.compile(r"\{%-?\s*comment\s*-?%\}(?:(?!\{%-?\s*comment).)*?\{%-?\s*endcomment\s*-?%\}", re.DOTALL), "%}"),
    (re.compile(r"\{::comment\}(?:(?!\{::comment).)*?\{:/(?:comment)?\}", re.DOTALL), "}"),
)
"""Comments of HTML, Obsidian, Liquid and kramdown, and what each ends with."""
_HIGHLIGHT = re.compile(
    r"\{%-?\s*highlight\s+([\w+-]*)[^{}]*%\}\n?((?:(?!\{%-?\s*highlight).)*?)\n?\{%-?\s*endhighlight\s*-?%\}", re.DOTALL
)
_RAW = re.compile(r"\{%-?\s*(?:end)?raw\s*-?%\}")
_TAG_LINE = re.compile(r"^[ \t]*(?:\{%.*?%\}|\{\{[<%].*?[>%]\}\}|\{::?[^{}\n]*\})[ \t]*\n", re.MULTILINE)
_LIQUID = re.compile(r"\{%(?:(?!\{%|%\}).)*%\}|\{\{[<%](?:(?!\{\{|\}\}).)*[>%]\}\}|\{::?\s*[.#\w/][^{}\n]*\}", re.DOTALL)
_OUTPUT = re.compile(r"\{\{(?:(?!\{\{|\}\}).)*\}\}", re.DOTALL)
_TOC = re.compile(r"^[*+-] .*\n\{:\s*toc[^{}\n]*\}[ \t]*$|^\[\[?_?TOC_?\]\]?[ \t]*$", re.MULTILINE | re.IGNORECASE)
_HEADING_ID = re.compile(r"^(#{1,6} .*?)[ \t]*\{[#.][\w-][^{}\n]*\}[ \t]*$", re.MULTILINE)
_NO_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]*$\n?", re.MULTILINE)
_ADDRESS = r"\((?:[^()\n]|\([^()\n]*\))*\)"
_IMAGE = re.compile(rf"!\[[^\[\]]*\](?:{_ADDRESS}|\[[^\[\]\n]*\])|!\[\[[^\[\]\n]*\]\]")
_TO_PAGE = re.compile(r"^[ \t]*(?:[-*+] )?\[[^\[\]\n]*\]\([^()\n]*%20[0-9a-f]{32}(?:_all)?\.(?:md|csv|html)\)[ \t]*$", re.MULTILINE)
"""In Notion a page below this one: a menu."""
_LINK = re.compile(rf"(?<!\\)\[((?:[^\[\]]|\\[\[\]]|\[[^\[\]]*\])*?(?<!\\))\]{_ADDRESS}")
_DEFINED = re.compile(r"^ {0,3}\[([^\[\]^\n]+)\]:[ \t]*<?\S+>?(?:[ \t]+[\"'(].*[\"')])?[ \t]*(?:\n|\Z)", re.MULTILINE)
_REFERENCE = re.compile(r"\[([^\[\]\n]+)\](?:\[([^\[\]\n]*)\])?")
_WIKI = re.compile(r"\[\[([^\[\]|#\n]*)(?:#\^?([^\[\]|\n]*))?(?:\\?\|([^\[\]\n]*))?\]\]")
_FOOTNOTE = re.compile(r"^ {0,3}\[\^[^\]\s]+\]:.*(?:\n(?:[ \t]{2,}.*|[ \t]*(?=\n[ \t]{2,}\S)))*(?:\n|\Z)", re.MULTILINE)
_FOOTNOTE_MARK = re.compile(r"\[\^[^\]\s]+\]|\^\[[^\[\]\n]*\]")
_FIELD = re.compile(r"^[ \t]*(?:[-*] )?[\w][\w -]{0,40}:: .*\n?|[ \t]+\^[\w-]{4,}[ \t]*$", re.MULTILINE)
_AUTOLINK = re.compile(r"<((?:https?|mailto):[^<>\s]+)>")
_QUOTE = re.compile(r"(?:^ {0,3}>.*(?:\n|\Z))+", re.MULTILINE)
_CALLOUT = re.compile(r"\s*\[!([\w-]+)(?:\|[^\]]*)?\][+-]?[ \t]*(.*)")
_HTML_GONE = tuple(
    (re.compile(rf"<{tag}\b[^<>]*>.*?</{tag}>", re.DOTALL | re.IGNORECASE), f"</{tag}>")
    for tag in ("script", "style", "iframe", "video", "audio", "svg", "object", "figure", "form", "noscript")
)
_HTML_QUOTE = re.compile(r"<blockquote\b[^<>]*>((?:(?!<blockquote\b).)*?)</blockquote>", re.DOTALL | re.IGNORECASE)
_HTML_BREAK = re.compile(r"<br\s*/?>[ \t]*\n?", re.IGNORECASE)
_HTML_CELL = re.compile(r"</t[dh]>\s*<t[dh]\b[^<>]*>", re.IGNORECASE)
_HTML_TAG = re.compile(
    r"</?(?:a|abbr|aside|b|big|center|cite|code|col|colgroup|dd|del|details|div|dl|dt|em|font|h[1-6]|hr|i|img|ins|kbd|li|mark|ol|p|picture|pre"
    r"|q|s|section|small|source|span|strike|strong|sub|summary|sup|table|tbody|td|tfoot|th|thead|time|tr|tt|u|ul|var|wbr)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_HEADING = re.compile(
    r"^ {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$|^(?![ \t]*(?:[-*+>|#]|\d+[.)]))[ \t]*(\S.*?)[ \t]*\n {0,3}(=+|-{3,})[ \t]*$", re.MULTILINE
)
_PROPERTIES = re.compile(r"\s*((?:^[^\n:]{1,40}:[ \t][^\n]*\n)+)(?:[ \t]*\n|\Z)", re.MULTILINE)
_BEGINS_A_BLOCK = re.compile(r"[ \t]*(?:[-*+] |\d{1,3}[.)] |#{1,6} |\||>|\x00|(?:[-*_][ \t]*){3,}$|=+$|$)")
_ENDS = (".", "!", "?", ":", ";", ",", "\u2026", "\u201d", '"', ")")
_EMPHASIS = re.compile(r"(\*\*|__|\*|_|`|==|~~)(?=\S)(.+?)(?<=\S)\1")


@dataclass(frozen=True)
class Prose:
    """What Markdown says, without what only its programs need."""

    text: str
    title: str
    """The first heading of the first level where the text begins with it; it is no longer in the text."""
    headings: tuple[str, ...]
    quotes: tuple[str, ...]
    """What stood in quotation blocks."""


def _recognises(file: SourceFile) -> bool:
    return file.suffix in SUFFIXES


def _companion(file: SourceFile) -> bool:
    """Notion writes databases as tables of the properties that the pages have too, and each twice ("_all")."""
    if file.suffix != ".csv" or not _INTERNAL.search(file.basename):
        return False
    return any(other.suffix == ".md" and _INTERNAL.search(other.name) for other in file.source.files)


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    whole = decode(file.read(), file.label).replace("\r\n", "\n").replace("\r", "\n")
    meta, body = front_matter.split(whole)
    number = internal[1] if (internal := _INTERNAL.search(file.basename)) else ""
    found = prose(body, outputs=bool(meta), title=front_matter.said(meta, "title"))
    text, date = found.text, front_matter.date_of(meta, file.name)
    if number:
        text, properties = _properties(text)
        date = date or next(
            (moment for key in ("created", "date", "created time", "published") if (moment := _spoken(properties.get(key)))), None
        )
        meta = {**properties, **meta}
    reason = None
    if _is_template(file, meta, body):
        reason = Reason.NO_WRITING
    elif front_matter.unpublished(meta, file.name):
        reason = Reason.UNPUBLISHED
    elif not text:
        reason = Reason.EMPTY
    posted = _POSTS.search(file.name) is not None or not meta.keys().isdisjoint(("layout", "draft", "published", "slug", "permalink"))
    posted = posted or (bool(meta) and re.match(r"\d{4}-\d\d?-\d\d?-\w", file.basename) is not None)
    author = front_matter.said(meta, "author", "authors", "created by")
    known = Record(
        text=text, where=file.label, id=number or front_matter.said(meta, "id", "uuid"), author=(author,) if author else (), date=date,
        thread=number or file.name, title=front_matter.said(meta, "title") or found.title or named(file), headings=found.headings,
        channel="blog post" if posted else "note", dropped=reason,
    )  # fmt: skip
    yield known
    if reason is None or reason is Reason.EMPTY:
        yield from quotations(found.quotes, known)


def named(file: SourceFile) -> str:
    """A document's title by the name of its file, without dates and ids."""
    stem = re.sub(r"\.\w{1,8}$", "", _INTERNAL.sub("", file.basename))
    stem = re.sub(r"^\d{4}-\d\d?-\d\d?[-_ ]+(?=\S)", "", stem)
    if re.fullmatch(r"[\d\W_]*", stem):  # a daily note
        return ""
    return stem if " " in stem else re.sub(r"[-_]+", " ", stem).strip()


def _is_template(file: SourceFile, meta: dict[str, object], body: str) -> bool:
    """Pages that Obsidian's programs fill or draw; a folder of "Email templates" holds writing."""
    if "excalidraw-plugin" in meta or file.name.lower().endswith(".excalidraw.md") or _TEMPLATES.search(file.name):
        return True
    said = _SPAN.sub("", _FENCE.sub("", body))
    return _TEMPLATER.search(said) is not None or (not meta and _PLACEHOLDER.search(said) is not None)


def prose(text: str, *, outputs: bool = False, title: str = "") -> Prose:
    """Markdown without comments, embeds, Liquid, attributes, footnotes, addresses of links and quotations; code stays untouched.

    Args:
        text: the document, without its front matter.
        outputs: also without {{ outputs }}, which a site with front matter fills.
        title: what is known of the title: a first heading that says the same is no part of the text.
    """
    kept: list[str] = []

    def stash(found: re.Match[str] | str) -> str:
        kept.append(found if isinstance(found, str) else found[0])
        return f"\x00{len(kept) - 1}\x00"

    def fence(found: re.Match[str]) -> str:
        return "" if found[3].lower() in _QUERIES else stash(found)

    if outputs:
        text = _RAW.sub("", text)
    text = _unwrapped(_FENCE.sub(fence, text.replace("\x00", "")))
    text = _MATH.sub(stash, text)
    text = _HIGHLIGHT.sub(lambda found: stash(f"```{found[1]}\n{found[2]}\n```"), text)
    text = _SPAN.sub(stash, text)
    text = _LIQUID.sub("", _TAG_LINE.sub("", _TOC.sub("", _without(text, _HIDDEN))))
    if outputs:
        text = _OUTPUT.sub("", text)
    text = _NO_HEADING.sub("", text)
    text = _HEADING_ID.sub(r"\1", _FOOTNOTE_MARK.sub("", _FOOTNOTE.sub("", text)))
    text = _LINK.sub(r"\1", _IMAGE.sub("", _TO_PAGE.sub("", text)))  # a linked picture leaves [](address), and that nothing
    defined = {" ".join(name.lower().split()) for name in _DEFINED.findall(text)}
    text = _WIKI.sub(_linked, _DEFINED.sub("", text))

    def reference(found: re.Match[str]) -> str:
        return found[1] if found[2] == "" or " ".join((found[2] or found[1]).lower().split()) in defined else found[0]

    text = _REFERENCE.sub(reference, text)
    text = _AUTOLINK.sub(r"\1", _FIELD.sub("", text))
    quotes: list[str] = []

    def quotation(found: re.Match[str]) -> str:
        inner = re.sub(r"^ {0,3}> ?", "", found[0], flags=re.MULTILINE)
        callout = _CALLOUT.match(inner)
        if callout is not None and callout[1].lower() not in ("quote", "cite"):
            return _QUOTE.sub(quotation, f"\n{callout[2]}{inner[callout.end() :]}\n")
        quotes.append(inner[callout.end() :] if callout else inner)
        return "\n"

    def html_quotation(found: re.Match[str]) -> str:
        quotes.append(found[1])
        return ""

    text = _HTML_QUOTE.sub(html_quotation, _without(_QUOTE.sub(quotation, text), _HTML_GONE))
    text = _without_html(text)
    headings = [(found, _plain(found[2] or found[3] or "")) for found in _HEADING.finditer(text)]
    own_title = ""
    if headings and not text[: headings[0][0].start()].strip():
        first, said = headings[0]
        top = first[1] == "#" or (first[4] or "").startswith("=")
        if same_words(said, title) or (top and not title):
            own_title, text = said, text[first.end() :]
            headings = headings[1:]

    def finished(said: str) -> str:
        said = re.sub(r"\x00(\d+)\x00", lambda found: kept[int(found[1])], _ESCAPE.sub(r"\1", said))
        return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+$", "", said, flags=re.MULTILINE)).strip("\n")

    return Prose(
        finished(text), finished(own_title), tuple(finished(said) for _, said in headings if said),
        tuple(quote for quote in (finished(_without_html(quote)) for quote in quotes) if quote),
    )  # fmt: skip


def _linked(found: re.Match[str]) -> str:
    """What Obsidian shows for a [[link]]."""
    page, part, shown = (piece or "" for piece in found.groups())
    return shown.strip() or " > ".join(filter(None, (page.rpartition("/")[2].removesuffix(".md").strip(), part.strip())))


def _without(text: str, parts: Iterable[tuple[re.Pattern[str], str]]) -> str:
    """The text without some parts; beyond the last end of any none is looked for, which would take the square of the time."""
    for part, ends in parts:
        last = text.lower().rfind(ends) + len(ends)
        if last >= len(ends):
            text = part.sub("", text[:last]) + text[last:]
    return text


def _without_html(text: str) -> str:
    text = _HTML_TAG.sub("", _HTML_CELL.sub("\t", _HTML_BREAK.sub("\n", text)))
    return _ENTITY.sub(lambda found: html.unescape(found[0]), text)


def _plain(heading: str) -> str:
    return _EMPHASIS.sub(r"\2", _EMPHASIS.sub(r"\2", heading)).strip()


def _unwrapped(text: str) -> str:
    """A line break within a paragraph is a space to Markdown; where lines were wrapped at a width, it is nothing but that."""
    lines = text.split("\n")
    inner = [
        (line, following)
        for line, following in pairwise(lines)
        if line.strip() and not _BEGINS_A_BLOCK.match(following) and not _unwrapable(line)
    ]
    lengths = sorted(len(line) for line, _ in inner)
    width = lengths[len(lengths) // 2] if lengths else 0
    full = sum(_full(line, following, width) for line, following in inner)
    within = sum(not line.rstrip().endswith(_ENDS) for line, _ in inner)
    if len(inner) >= 4 and 55 <= width <= 110 and full >= 0.85 * len(inner) and 2 * within >= len(inner):
        joined = [lines[0]]
        for line in lines[1:]:
            last = joined[-1]
            if last.strip() and not _BEGINS_A_BLOCK.match(line) and not _unwrapable(last):
                joined[-1] = f"{last.rstrip()} {line.lstrip()}"
            else:
                joined.append(line)
        lines = joined
    return "\n".join(line[:-1] if re.search(r"(?<!\\)\\$", line) else line for line in lines)


def _full(line: str, following: str, width: int) -> bool:
    """Whether a line is as long as a width allows: an address is never broken, and makes it longer, or the line before it shorter."""
    if len(line) > 1.15 * width:
        return max(map(len, line.split())) > 25
    return len(line) >= 0.85 * width or len(line) + len(following.split()[0]) >= 0.9 * width


def _unwrapable(line: str) -> bool:
    """Whether a line ends on purpose, or is none of a paragraph."""
    return (
        line.endswith(("  ", "\\"))
        or re.match(r"[ \t]*(?:#{1,6} |\||\x00\d+\x00$|(?:[-*_][ \t]*){3,}$|=+$|\[[^\]\n]+\]: )|(?: {4}|\t)(?![-*+] |\d)", line) is not None
    )


def _properties(text: str) -> tuple[str, dict[str, object]]:
    """Notion's lines `Property: value` below the title."""
    found = _PROPERTIES.match(text if text.endswith("\n") else f"{text}\n")
    if found is None:
        return text, {}
    said = dict(line.split(":", 1) for line in found[1].strip().split("\n"))
    return text[found.end() :].strip("\n"), {key.strip().lower(): value.strip() for key, value in said.items()}


def _spoken(value: object) -> datetime.datetime | None:
    """Notion's dates: "March 3, 2024 10:05 AM"."""
    for shape in ("%B %d, %Y %I:%M %p", "%B %d, %Y"):
        try:
            return datetime.datetime.strptime(str(value), shape).replace(tzinfo=datetime.UTC)
        except ValueError:
            continue
    return iso_date(value)


READER = Reader("markdown", "Markdown", _recognises, _read, _companion)
