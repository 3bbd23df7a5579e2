"""WordPress's export (WXR), and Squarespace's, which has the same shape: posts, pages and the author's own comments.

Real files are broken XML: raw & in titles, HTML's entities, control characters. They are put right before the parser sees them.
"""

import codecs
import contextlib
import html
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO

from pete.data.examples import Message
from pete.data.sources.article import article
from pete.data.sources.dates import iso_date
from pete.data.sources.decode import beginning, encoding_of
from pete.data.sources.files import SourceFile
from pete.data.sources.html_text import html_text
from pete.data.sources.record import ImportOptions, Reader, Reason, Record, Unreadable

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_DROP = (
    ".wp-block-button", ".wp-block-buttons", ".wp-block-file", ".wp-block-embed", ".wp-block-latest-posts", ".wp-block-rss",
    ".wp-block-social-links", ".wp-block-footnotes", ".wp-caption-text", ".gallery-caption", ".sharedaddy", ".jp-relatedposts",
    ".more-link", ".sqs-block-button",
)  # fmt: skip
_THEIRS = (".wp-block-pullquote", ".twitter-tweet", ".instagram-media")
_NO_WRITING = re.compile(
    r"attachment|nav_menu_item|custom_css|customize_changeset|oembed_cache|user_request|wp_.+|acf-.+|elementor_.+|wpcf7_.+|et_.+_layout"
    r"|shop_.+|product_variation|amp_.+|mc4wp-form|wpforms|jp_.+|_pods_.+"
)
"""Types of what WordPress and its plug-ins keep among the posts; pages of other types that plug-ins made up hold writing."""
_PUBLISHED = {"publish", "future", ""}
_BLOCK = (
    r"p|div|h[1-6]|ul|ol|li|dl|dt|dd|blockquote|pre|table|thead|tbody|tfoot|tr|td|th|figure|figcaption|hr|section|article|aside|header|footer"
    r"|form|address|details|summary|iframe|video|audio|script|style|noscript"
)
_AFTER_BLOCK = re.compile(rf"(</?(?:{_BLOCK})\b[^<>]*>)[ \t]*\n\s*", re.IGNORECASE)
_BEFORE_BLOCK = re.compile(rf"\s*\n[ \t]*(?=</?(?:{_BLOCK})\b)", re.IGNORECASE)
_PRE = re.compile(r"(<(?:pre|script|style)\b(?:(?!<(?:pre|script|style)\b).)*?</(?:pre|script|style)>)", re.IGNORECASE | re.DOTALL)
_SHORTCODE = re.compile(r"\[(\[?)(/?)([A-Za-z][\w-]*)((?:\s+[^\[\]]*)?)(/?)\](\]?)")
_GONE = ("caption", "wp_caption", "embed", "audio", "video", "gallery", "playlist", "youtube", "vimeo", "contact-form", "contact-form-7")
"""Shortcodes whose content is no writing either."""
_KNOWN = {*_GONE, "more", "toc", "wpforms", "gravityform", "embedyt", "tweet", "instagram", "facebook", "soundcloud", "googlemaps", "code"}
_NAMED = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)(?:([A-Za-z][A-Za-z0-9]{1,31});)?")
_NUMERIC = re.compile(r"&#(?:(\d{1,7})|x([0-9a-fA-F]{1,6}));")
_NO_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_DECLARED = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([\w.-]+)", re.IGNORECASE)


@dataclass
class _Blog:
    """What stands before the posts: who writes here."""

    authors: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Login -> display name, login, address."""
    ids: dict[str, str] = field(default_factory=dict)
    """Number of a user -> login."""

    def names(self, login: str) -> tuple[str, ...]:
        return self.authors.get(login, (login,) if login else ())

    def own(self, login: str) -> bool | None:
        """True where the export names one author, and it is theirs: then nobody has to be asked."""
        return True if len(self.authors) == 1 and (not login or login in self.authors) else None


def _recognises(file: SourceFile) -> bool:
    if file.suffix not in (".xml", ".wxr", ".rss", ".txt", ""):
        return False
    return "<rss" in beginning(file) and ("wordpress.org/export" in beginning(file) or "<wp:" in beginning(file))


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    import lxml.etree as etree

    blog, place = _Blog(), 0
    with file.open() as raw:
        stream = _MendedXml(raw, _codec(file), file.label)
        parsed = etree.iterparse(
            stream, events=("end",), encoding="utf-8", recover=True, huge_tree=True, resolve_entities=False, load_dtd=False, no_network=True
        )
        waiting: list[Record] = []
        try:
            for _, element in parsed:
                name = _name(element)
                if name == "author":
                    _author(element, blog)
                elif name == "item":
                    yield from waiting
                    place += 1
                    waiting = list(_item(element, blog, f"{file.label}: item {place}"))
                    element.clear()
                    while element.getprevious() is not None and _name(element.getprevious()) == "item":
                        del element.getparent()[0]
        except etree.XMLSyntaxError as error:
            yield from waiting
            raise Unreadable(f"{file.label}: no XML after item {place}: {error.msg}; export it again") from None
        if stream.broken_off and stream.items_closed < place:  # the parser closed it, not the file
            yield from (replace(record, dropped=Reason.DAMAGED) for record in waiting[:1])
        else:
            yield from waiting
        if stream.broken_off:
            raise Unreadable(f"{file.label} breaks off after item {place}: it has no </rss> at its end; download it again")


def _codec(file: SourceFile) -> str:
    """By the bytes; by what the file says of itself where they leave a choice."""
    codec, declared = encoding_of(file.head, file.label), _DECLARED.search(file.head[:200])
    if declared is not None and (codec == "cp1252" or (codec == "utf-8" and file.head.isascii())):
        with contextlib.suppress(LookupError):
            return codecs.lookup(declared[1].decode()).name
    return codec


class _MendedXml:
    """The file as UTF-8 that a parser of XML takes; and whether it ended as it should."""

    _CHUNK = 1 << 18
    _MARKER = re.compile(r"<!\[CDATA\[|\]\]>")

    def __init__(self, raw: BinaryIO, codec: str, label: str) -> None:
        self._text = io.TextIOWrapper(raw, encoding=codec, errors="replace", newline="")
        self._label = label
        self._rest, self._ready, self._in_cdata, self._ended = "", b"", False, False
        self._tail = ""
        self.items_closed = 0
        self._begun = False

    @property
    def broken_off(self) -> bool:
        """Whether the end of the file is missing."""
        return "</rss>" not in self._tail

    def read(self, size: int = -1) -> bytes:
        """Some bytes, or none at the end."""
        while not self._ready and not self._ended:
            new = self._text.read(self._CHUNK)
            self._ended = not new
            self._ready = self._mended(self._rest + new, last=self._ended).encode()
        given, self._ready = self._ready[:size], self._ready[size:]
        return given

    def _mended(self, text: str, *, last: bool) -> str:
        cut = len(text) if last else self._cut(text)
        text, self._rest = text[:cut], text[cut:]
        if not self._begun and text:
            self._begun = True
            text = re.sub(r"^\s*<\?xml.*?\?>", "", text.lstrip("\ufeff \t\r\n"), count=1, flags=re.DOTALL)
            if "<!ENTITY" in text or "<!DOCTYPE" in text.partition("<rss")[0]:
                raise Unreadable(f"{self._label} defines entities of its own, which no export does; it is not read")
        pieces, at = [], 0
        for marker in self._MARKER.finditer(text):
            opens = marker[0].startswith("<")
            pieces += [self._piece(text[at : marker.start()]), marker[0] if opens or self._in_cdata else "]]&gt;"]
            self._in_cdata, at = opens, marker.end()
        pieces.append(self._piece(text[at:]))
        return "".join(pieces)

    @staticmethod
    def _cut(text: str) -> int:
        """Where the text can be cut, near its end: not within an entity or a marker."""
        near = max(0, len(text) - 64)
        sign = re.search(r"[&<\]]", text[max(0, near - 40) : near])
        cut = max(0, near - 40) + sign.start() if sign else near
        while cut and text[cut - 1] == "]":
            cut -= 1
        return cut

    def _piece(self, text: str) -> str:
        text = _NO_CHARACTER.sub("", text)
        if not self._in_cdata:
            self.items_closed += text.count("</item>")
            if text:
                self._tail = (self._tail + text)[-40:]
            text = _NUMERIC.sub(_numeric, _NAMED.sub(_named, text))
        return text


def _named(found: re.Match[str]) -> str:
    """HTML's own entities become letters; an & that begins none is one."""
    if found[1]:
        letter = html.unescape(f"&{found[1]};")
        return html.escape(letter, quote=False) if letter != f"&{found[1]};" else f"&amp;{found[1]};"
    return "&amp;"


def _numeric(found: re.Match[str]) -> str:
    return html.escape(_NO_CHARACTER.sub("", html.unescape(found[0])), quote=False)


def _name(element: "Element") -> str:
    """The name without its namespace, also where the file forgot to declare that."""
    return element.tag.rpartition("}")[2].rpartition(":")[2] if isinstance(element.tag, str) else ""


def _texts(element: "Element") -> dict[str, str]:
    """What stands in an element's children, by name; the two `encoded` as content and excerpt."""
    found: dict[str, str] = {}
    for child in element:
        name = _name(child)
        if name == "encoded":
            name = "excerpt" if "excerpt" in child.tag else "content"
        if name and name not in found:
            found[name] = "".join(child.itertext()).strip() if name != "content" else "".join(child.itertext())
    return found


def _author(element: "Element", blog: _Blog) -> None:
    said = _texts(element)
    login = said.get("author_login", "")
    if login:
        blog.authors[login] = tuple(dict.fromkeys(filter(None, (said.get("author_display_name"), login, said.get("author_email")))))
        blog.ids[said.get("author_id", "")] = login


def _item(element: "Element", blog: _Blog, where: str) -> Iterator[Record]:
    said = _texts(element)
    kind, status, login = said.get("post_type", "post"), said.get("status", "").lower(), said.get("creator", "")
    number = said.get("post_id") or said.get("guid") or said.get("link", "")
    guests = (" ".join("".join(c.itertext()).split()) for c in element if _name(c) == "category" and c.get("domain") == "author")
    written_by = list(dict.fromkeys(guests))
    names, own = blog.names(login), blog.own(login)
    if len(written_by) == 1 and written_by[0] not in names:  # the plug-in for guest authors says who wrote it
        names, own = (written_by[0],), None
    known = Record(
        text="", where=where, id=number, own=own, author=names, thread=f"post {number}" if number else "", channel="blog post",
        date=iso_date(said.get("post_date_gmt")) or iso_date(said.get("post_date")), title=html.unescape(said.get("title", "")),
    )  # fmt: skip
    if kind == "page":
        known = replace(known, channel="web page")
    if _NO_WRITING.fullmatch(kind):
        yield replace(known, text=said.get("title", ""), dropped=Reason.NO_WRITING)
        return
    reason = None
    if status == "trash":
        reason = Reason.REMOVED
    elif status not in _PUBLISHED or kind == "revision":
        reason = Reason.UNPUBLISHED
    elif kind == "feedback" or len(written_by) > 1:  # what visitors sent; what two wrote together
        reason = Reason.OTHER_AUTHOR
    yield from article(paragraphs(shortcodes(said.get("content", ""))), replace(known, dropped=reason), _DROP, _THEIRS)
    yield from _comments(element, blog, known)


def _comments(item: "Element", blog: _Blog, post: Record) -> Iterator[Record]:
    """Comments: other people's, but for those that an author of the blog wrote while logged in, which answer them."""
    found = [_texts(child) for child in item if _name(child) == "comment"]
    texts = {said.get("comment_id", ""): html_text(paragraphs(said.get("comment_content", ""))) for said in found}
    for said in found:
        number, login = said.get("comment_id", ""), blog.ids.get(said.get("comment_user_id", "") or "0", "")
        approved, kind = said.get("comment_approved", "1"), said.get("comment_type", "")
        reason = Reason.EMPTY if not texts[number] else None
        if kind in ("pingback", "trackback"):
            reason = Reason.AUTOMATIC
        elif approved in ("spam", "trash"):
            reason = Reason.REMOVED
        elif not login:
            reason = Reason.OTHER_AUTHOR
        asked = texts.get(said.get("comment_parent", ""), "")
        yield Record(
            text=texts[number], where=f"{post.where}, comment {number}", id=f"comment {number}", thread=post.thread, channel="comment",
            own=blog.own(login) if login else False, date=iso_date(said.get("comment_date_gmt")) or iso_date(said.get("comment_date")),
            author=blog.names(login) if login else tuple(filter(None, (said.get("comment_author"), said.get("comment_author_email")))),
            before=(Message("user", asked),) if asked and reason is None else (), dropped=reason,
        )  # fmt: skip


def shortcodes(text: str) -> str:
    """Without [shortcodes]: those with attributes, those that are closed again, and a few that everybody has. [sic] stays."""
    closed = {found[3] for found in _SHORTCODE.finditer(text) if found[2]}
    for name in _GONE:
        if name in closed:
            text = re.sub(rf"\[{name}(?:\s[^\[\]]*)?\].*?\[/{name}\]", "", text, flags=re.DOTALL)

    def spoken(found: re.Match[str]) -> str:
        opened, _, name, attributes, ended, shut = found.groups()
        if opened and shut:
            return found[0][1:-1]
        if ended or "=" in attributes or name in closed or name.lower() in _KNOWN or attributes.rstrip().endswith("/"):
            return opened + shut
        return found[0]

    return _SHORTCODE.sub(spoken, text)


def paragraphs(text: str) -> str:
    """A post of the classic editor has blank lines for paragraphs and line breaks for lines; blocks of the new one have tags."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "<!-- wp:" in text:
        return text
    pieces = _PRE.split(text)
    for at in range(0, len(pieces), 2):
        piece = re.sub(r"\n\s*\n", "\n<p>\n", pieces[at])
        piece = _BEFORE_BLOCK.sub("", _AFTER_BLOCK.sub(r"\1", piece))
        pieces[at] = piece if re.search(r"<p[\s>]", pieces[at], re.IGNORECASE) else piece.replace("\n", "<br>")
    return "".join(pieces)


READER = Reader("wordpress", "WordPress export", _recognises, _read)
