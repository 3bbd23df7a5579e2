"""LinkedIn's export: posts (Shares*.csv), comments, messages and articles; its files are told by their header, not by their names.

LinkedIn writes CSV in its own ways: lines of a post are wrapped in quotes once more, quotes in comments stand behind a backslash.
"""

import csv
import datetime
import io
import re
import sys
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass

from pete.data.sources.chat import Said, in_time, turns
from pete.data.sources.decode import beginning, decode, encoding_of, text_lines
from pete.data.sources.files import SourceFile
from pete.data.sources.html_text import select, take_out, text_of, tree_of
from pete.data.sources.record import ImportOptions, Reader, Reason, Record, Unreadable

_MISSING = {"NULL", "N/A", "#N/A", "#N/A N/A", "<NA>", "NA", "1.#QNAN", "-1.#QNAN", "1.#IND", "-1.#IND"}
"""What LinkedIn writes into a cell that has nothing."""
_KINDS = {
    "shares": {"date", "sharecommentary"},
    "comments": {"date", "link", "message"},
    "messages": {"conversationid", "from", "content"},
    "profile": {"firstname", "lastname", "headline"},
}
"""Columns by which a file is known, without spaces and capitals."""
_WITHOUT_WORDS = ("Profile.csv", "Connections.csv", "Registration.csv", "Reactions.csv")
"""Files that every export has, and nobody learns from."""
_BEGINS = re.compile(r'"?\d{4}-\d\d?-\d\d?[^,;"\n]{0,20}"?[,;]"?https?://')
"""How a row of posts or comments begins: a date and a link."""
_MOST_LINES = 5000
"""Lines in which the end of a quoted cell is looked for; LinkedIn's longest post has 3,000 letters."""
_ANSWERED = datetime.timedelta(days=3)


@dataclass(frozen=True)
class _Header:
    kind: str
    columns: tuple[str, ...]
    delimiter: str


@dataclass(frozen=True)
class _Row:
    line: int
    raw: str
    cells: dict[str, str] | None
    """None where quotes are broken, so that nobody can say which cell is which."""


def _header(text: str) -> _Header | None:
    delimiter = ";" if text.count(";") > text.count(",") else ","
    columns = tuple(re.sub(r"[\s_\"\ufeff]", "", name).lower() for name in text.split(delimiter))
    kind = next((kind for kind, needed in _KINDS.items() if needed <= set(columns)), None)
    return _Header(kind, columns, delimiter) if kind else None


def _header_of(file: SourceFile) -> _Header | None:
    if file.suffix not in (".csv", ".txt", ""):
        return None
    return _header(beginning(file).split("\n", 1)[0].strip("\r\ufeff"))


def _article(file: SourceFile) -> bool:
    return file.suffix in (".html", ".htm") and "articles" in file.folder.lower().split("/") and b"linkedin" in file.head.lower()


def _recognises(file: SourceFile) -> bool:
    header = _header_of(file)
    return (header is not None and header.kind != "profile") or _article(file)


def _companion(file: SourceFile) -> bool:
    return file.suffix == ".csv" and file.beside(*_WITHOUT_WORDS) is not None


def _rows(file: SourceFile) -> Iterator[_Row]:
    """The rows of a file. A row whose quotes are broken ends where the next one begins, so that it takes no other with it."""
    csv.field_size_limit(sys.maxsize)
    with file.open() as stream:
        lines = text_lines(stream, file.label, encoding_of(file.head, file.label, whole=file.size <= len(file.head)))
        first = next(lines, (0, ""))[1]
        header = _header(first.strip("\ufeff"))
        assert header is not None, "recognised by its header"
        again: deque[tuple[int, str]] = deque()

        def take() -> tuple[int, str] | None:
            return again.popleft() if again else next(lines, None)

        while found := take():
            number, text = found
            if not text.strip():
                continue
            taken = [found]
            ended = False
            while not (ended := _closed(text, header)) and len(taken) < _MOST_LINES and (more := take()):
                if header.kind != "messages" and _BEGINS.match(more[1]):
                    again.appendleft(more)
                    ended = True
                    break
                taken.append(more)
                text += f"\n{more[1]}"
            row = _cells(text, header)
            if row is None and len(taken) > 1 and (not ended or header.kind == "messages"):
                again.extendleft(reversed(taken[1:]))  # the quote had no end: only its own line is lost
                text = taken[0][1]
                row = _cells(text, header)
            yield _Row(number, text, row)


def _unescaped(text: str, header: _Header) -> str:
    return text.replace('\\"', '""') if header.kind == "comments" else text


def _closed(text: str, header: _Header) -> bool:
    return _unescaped(text, header).count('"') % 2 == 0


def _cells(text: str, header: _Header) -> dict[str, str] | None:
    for tried in dict.fromkeys((_unescaped(text, header), text)):  # "C:\" ends with a backslash of its own
        if tried.count('"') % 2 and tried.count(f'{header.delimiter}"'):
            continue
        try:
            read = list(csv.reader(io.StringIO(tried), delimiter=header.delimiter))
        except csv.Error:
            continue
        if len(read) == 1 and len(_KINDS[header.kind]) <= len(read[0]) <= len(header.columns):
            return dict(zip(header.columns, read[0], strict=False))
    return None


def _cell(row: dict[str, str], name: str) -> str:
    value = row.get(name, "")
    return "" if value.strip() in _MISSING else value


def _date(text: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.strptime(text.strip().removesuffix("UTC").strip(), "%Y-%m-%d %H:%M:%S").replace(tzinfo=datetime.UTC)
    except ValueError:
        return None


def _wrapped(text: str) -> bool:
    """Whether every line of a post is in quotes of its own, which is not the author's doing when all posts of a file are so."""
    return "\n" in text and len(re.findall(r'(?<=")\n(?=")', text)) == text.count("\n")


def _unwrapped(text: str, around: bool) -> str:
    text = re.sub(r'"\n"', "\n", text)
    return (text[1:-1] if around else text).replace('""', '"')


def _shares(file: SourceFile) -> Iterator[Record]:
    posts = [_cell(row.cells, "sharecommentary") for row in _rows(file) if row.cells]
    several = [post for post in posts if "\n" in post]
    wrapped = [post for post in several if _wrapped(post)]
    lines = 2 * len(wrapped) > len(several)
    me = _owner(file)
    around = lines and all(post.startswith('"') and post.endswith('"') for post in wrapped)
    for row in _rows(file):
        where = f"{file.label}:{row.line}"
        if row.cells is None:
            yield _damaged(row, where, "LinkedIn post")
            continue
        text = _cell(row.cells, "sharecommentary")
        if lines and _wrapped(text):
            text = _unwrapped(text, around)
        reason = None
        if not text.strip():
            reason = Reason.RESHARE if _cell(row.cells, "sharedurl") or not _cell(row.cells, "mediaurl") else Reason.EMPTY
        yield Record(
            text=text, where=where, id=_cell(row.cells, "sharelink"), author=me, own=True, date=_date(row.cells.get("date", "")),
            thread=_cell(row.cells, "sharelink"), channel="LinkedIn post", dropped=reason,
        )  # fmt: skip


def _comments(file: SourceFile) -> Iterator[Record]:
    me = _owner(file)
    for row in _rows(file):
        where = f"{file.label}:{row.line}"
        if row.cells is None:
            yield _damaged(row, where, "LinkedIn comment")
            continue
        text = _cell(row.cells, "message").replace('""', '"')
        link, date = _cell(row.cells, "link"), row.cells.get("date", "")
        yield Record(
            text=text, where=where, id=f"{link} {date}".strip(), author=me, own=True, date=_date(date), thread=link,
            channel="LinkedIn comment", dropped=None if text.strip() else Reason.EMPTY,
        )  # fmt: skip


def _messages(file: SourceFile) -> Iterator[Record]:
    me = "".join(_owner(file)).casefold()
    chats: dict[str, list[Said]] = defaultdict(list)
    titles: dict[str, str] = {}
    for row in _rows(file):
        where = f"{file.label}:{row.line}"
        if row.cells is None:
            yield _damaged(row, where, "LinkedIn message")
            continue
        name, chat = _cell(row.cells, "from").strip(), _cell(row.cells, "conversationid")
        drafted = "DRAFT" in _cell(row.cells, "folder").upper()
        titles[chat] = titles.get(chat) or _cell(row.cells, "conversationtitle") or _cell(row.cells, "subject")
        chats[chat].append(
            Said(
                text=_cell(row.cells, "content"), where=where, date=_date(row.cells.get("date", "")),
                author=tuple(filter(None, (name, _cell(row.cells, "senderprofileurl")))),
                own=name.casefold() == me if me and name else None, dropped=Reason.UNPUBLISHED if drafted else None,
            )
        )  # fmt: skip
    for chat, said in chats.items():
        in_order = in_time(reversed(said))  # the newest stands first
        yield from turns(in_order, chat=chat, channel="LinkedIn message", title=titles[chat], window=_ANSWERED, silence=None)


def _damaged(row: _Row, where: str, channel: str) -> Record:
    return Record(text=row.raw, where=where, channel=channel, dropped=Reason.DAMAGED)


def _owner(file: SourceFile) -> tuple[str, ...]:
    """The name in Profile.csv; nothing where the export has none."""
    profiles = (other for other in file.source.files if other.basename.lower().startswith("profile"))
    for profile in profiles:
        if (header := _header_of(profile)) and header.kind == "profile":
            for row in _rows(profile):
                if row.cells and (name := f"{_cell(row.cells, 'firstname').strip()} {_cell(row.cells, 'lastname').strip()}".strip()):
                    return (name,)
    return ()


def _read_article(file: SourceFile) -> Iterator[Record]:
    tree = tree_of(decode(file.read(), file.label))
    link = next((one.get("href") or "" for one in select(tree, ["h1", "a"]) if one.tag == "a" and one.getparent().tag == "h1"), "")
    title, created, published = (" ".join(take_out(tree, [selector])) for selector in ("h1", ".created", ".published"))
    day = re.search(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d)", published or created)
    text = text_of(tree)
    yield Record(
        text=text, where=file.label, id=link or file.basename, own=True, date=_date(f"{day[1]} {day[2]}:00") if day else None,
        thread=link or file.basename, title=title, headings=tuple(map(text_of, select(tree, ["h2", "h3"]))), channel="LinkedIn article",
        dropped=Reason.EMPTY if not text.strip() else Reason.UNPUBLISHED if created and not published else None,
    )  # fmt: skip


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    if _article(file):
        yield from _read_article(file)
        return
    header = _header_of(file)
    if header is None:
        raise Unreadable(f"{file.label}: its first line is no header of a LinkedIn file any more")
    yield from {"shares": _shares, "comments": _comments, "messages": _messages}[header.kind](file)


READER = Reader("linkedin", "LinkedIn export", _recognises, _read, _companion)
"""Posts, comments, messages and articles of a LinkedIn export."""
