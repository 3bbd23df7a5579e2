"""What `pete data import` and `pete persona new` both take: whose texts, which of them, and how a table is read."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from pete.errors import UserError

if TYPE_CHECKING:
    import datetime

    from pete.data.importer import Wishes

MEANINGS = ("incoming", "reply", "draft", "author", "date", "public", "thread", "title", "category", "id")
"""What a column may mean, as `foreign_formats.MEANINGS`: told here too, so that --help imports no data."""
_MAPPED = re.compile(rf",\s*(?=(?:{'|'.join(MEANINGS)})\s*=)")
_DAY = "a day, written 2023-11-30"

AuthorOption = Annotated[
    list[str] | None,
    typer.Option("--author", metavar="NAME", help="whose texts: an address, a name or an id; repeat it for several; '*' is everybody"),
]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="MEANING=COLUMN,...", help=f"what a table's columns mean: {', '.join(MEANINGS)}"),
]
MinWordsOption = Annotated[int, typer.Option("--min-words", min=1, help="shorter texts are dropped")]
LanguageOption = Annotated[
    str | None, typer.Option("--language", metavar="CODE", help="keep this language alone: en, de, fr, es, it, nl, pt")
]
SinceOption = Annotated[str | None, typer.Option("--since", metavar="DAY", help=f"the first day that counts; {_DAY}")]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="DAY", help="the last day that counts")]
HumanUntilOption = Annotated[
    str | None, typer.Option("--human-until", metavar="DAY", help="what you wrote later you wrote with a machine: it is not learned from")
]
DayFirstOption = Annotated[
    bool | None, typer.Option("--day-first/--month-first", help="how 1/2/2024 is read, where a file does not show it", show_default=False)
]
ExplainOption = Annotated[int | None, typer.Option("--explain", min=1, metavar="N", help="show N dropped texts of each reason")]


def wishes_of(
    author: list[str] | None,
    map_: list[str] | None,
    min_words: int,
    language: str | None,
    since: str | None,
    until: str | None,
    human_until: str | None,
    day_first: bool | None,
) -> "Wishes":
    """The options as the importer takes them.

    Raises:
        UserError: one of them cannot be understood.
    """
    from pete.data.importer import Wishes
    from pete.data.language import CODES
    from pete.data.sources.record import ImportOptions

    if language and language not in CODES:
        raise UserError(f"--language {language}: that is none that can be told apart.", f"one of {', '.join(CODES)}, or leave it out")
    return Wishes(
        authors=tuple(author or ()), min_words=min_words, language=CODES[language] if language else "",
        since=_day("--since", since), until=_day("--until", until), human_until=_day("--human-until", human_until),
        options=ImportOptions(_columns(map_ or []), day_first),
    )  # fmt: skip


def _day(option: str, text: str | None) -> "datetime.date | None":
    import datetime

    if text is None:
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise UserError(f"{option} {text}: expected {_DAY}.", f"{option} 2023-11-30") from None


def _columns(given: list[str]) -> dict[str, str]:
    columns: dict[str, str] = {}
    for piece in (piece for text in given for piece in _MAPPED.split(text)):
        meaning, is_, column = piece.partition("=")
        meaning = meaning.strip().lower()
        if not is_ or meaning not in MEANINGS or not column.strip():
            raise UserError(
                f"--map {piece}: expected MEANING=COLUMN, a meaning being one of {', '.join(MEANINGS)}.",
                '--map "incoming=Customer message,reply=Our answer,author=Agent"',
            )
        columns[meaning] = column.strip()
    return columns
