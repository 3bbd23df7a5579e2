"""Medium's export: a page of HTML for each story, draft and comment; the other pages of it hold no writing."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pete.data.sources.article import article, bare, same_words
from pete.data.sources.dates import iso_date
from pete.data.sources.decode import beginning, decode
from pete.data.sources.files import SourceFile
from pete.data.sources.html_text import breaks_off, select, text_of, tree_of
from pete.data.sources.record import ImportOptions, Reader, Reason, Record, Unreadable

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_DROP = (".graf--subtitle", ".section-divider", "figure", ".js-mixtapeImage")
_THEIRS = (".graf--mixtapeEmbed", ".graf--blockquote", ".graf--pullquote")
_OTHER_FOLDERS = ("/profile/", "/bookmarks/", "/claps/", "/highlights/", "/blocks/", "/lists/", "/sessions/", "/interests/", "/ips/")


def _recognises(file: SourceFile) -> bool:
    return file.suffix in (".html", ".htm") and "h-entry" in beginning(file) and "e-content" in beginning(file)


def _companion(file: SourceFile) -> bool:
    """The pages of an export about the account: followers, claps, bookmarks. A story stands beside their folder."""
    if file.suffix not in (".html", ".htm") or "h-entry" in beginning(file):
        return False
    if not any(part in f"/{file.name}" for part in (*_OTHER_FOLDERS, "-following/", "-followed/")) and file.basename != "README.html":
        return False
    above = file.folder.rpartition("/")[0]
    return any(_recognises(other) for other in file.source.below(above))


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    markup = decode(file.read(), file.label)
    page = tree_of(markup)
    title, subtitle = (_said(page, selector) for selector in (".p-name", ".p-summary"))
    body = next(iter(select(page, [".e-content"])), page)
    # a date or an address of its own is what a story has that was published; drafts have neither, and say "draft_" in their name
    published = bool(select(page, ["time.dt-published", "a.p-canonical"])) and not file.basename.startswith("draft_")
    stands_first = next(iter(select(body, [".graf--title", ".graf--leading"])), None)
    own_title = stands_first is not None and stands_first.tag in ("h1", "h2", "h3", "h4") and same_words(text_of(stands_first), title)
    text = bare(text_of(body))
    comment = not subtitle and not own_title and bool(bare(title)) and text.startswith(bare(title.rstrip("\u2026")))
    for repeated in select(body, ["p.graf--leading", "h4.graf--leading"]) if subtitle else []:
        if same_words(text_of(repeated), subtitle):
            repeated.drop_tree()
    number = _address(page) or file.basename.rpartition("-")[2].partition(".")[0]
    yield from article(
        body,
        Record(
            text="", where=file.label, id=number, own=True, thread=number,
            author=tuple(filter(None, [_said(page, ".p-author")])),
            date=next((iso_date(time.get("datetime")) for time in select(page, ["time.dt-published"])), None),
            title="" if comment else title, channel="comment" if comment else "blog post",
            dropped=None if published else Reason.UNPUBLISHED,
        ),
        _DROP, _THEIRS,
    )  # fmt: skip
    if breaks_off(markup):
        raise Unreadable(f"{file.label} breaks off: it has no </html> at its end; export it again")


def _said(page: "HtmlElement", selector: str) -> str:
    return next((" ".join(text_of(element).split()) for element in select(page, [selector])), "")


def _address(page: "HtmlElement") -> str:
    """Medium's own id: the end of a story's address."""
    link = next((address for a in select(page, ["a.p-canonical"]) if (address := a.get("href"))), "")
    return link.rstrip("/").rpartition("/")[2].rpartition("-")[2]


READER = Reader("medium", "Medium export", _recognises, _read, _companion)
