"""Whose words they are: authors counted by the names a source gives them, and the one that is asked for found among them."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pete.data.sources.record import Record

EVERYBODY = "*"
"""Asked for, it takes every author: a team that writes with one voice."""


@dataclass
class Author:
    """Somebody who wrote in a source."""

    names: tuple[str, ...]
    texts: int = 0

    @property
    def shown(self) -> str:
        """The name to choose by, and another by which the source knows the same person."""
        first, *others = self.names
        return f"{first} ({others[0]})" if others else first


class Authors:
    """Everybody who wrote in the sources, where these do not say who their owner is."""

    def __init__(self, wanted: Sequence[str] = ()) -> None:
        """Begin to count.

        Args:
            wanted: addresses, names or ids, as the person typed them; nothing takes every text that may be theirs.
        """
        self._wanted = {same_name(name): name for name in wanted}
        self._everybody = EVERYBODY in wanted
        self._met: set[str] = set()
        self._seen: dict[str, Author] = {}

    def wrote(self, record: Record) -> bool:
        """Whether a text is one of those asked for; it is counted."""
        names = [same_name(name) for name in record.author]
        found = [name for name in names if name in self._wanted]
        self._met.update(found)
        if record.own is not True and names:
            self._seen.setdefault(names[0], Author(record.author)).texts += record.own is None
        if record.own is True or found or (self._everybody and record.own is None):
            return True
        return record.own is None and not (names and self._wanted)

    @property
    def wanted(self) -> list[str]:
        """Who was asked for."""
        return list(self._wanted.values())

    @property
    def undecided(self) -> list[Author]:
        """Several who may be meant, the busiest first; nobody where there is no question."""
        others = sorted((author for author in self._seen.values() if author.texts), key=lambda author: -author.texts)
        return others if len(others) > 1 and not self._wanted else []

    @property
    def all(self) -> list[Author]:
        """Everybody who was met, the busiest first."""
        return sorted(self._seen.values(), key=lambda author: -author.texts)

    @property
    def missing(self) -> list[str]:
        """Who was asked for and wrote nothing."""
        return [name for key, name in self._wanted.items() if key not in self._met and name != EVERYBODY]


def same_name(name: str) -> str:
    """A name as it is compared: capitals, spaces, an @ in front and <angle brackets> make no difference."""
    text = " ".join(unicodedata.normalize("NFC", name).casefold().split())
    return text.removeprefix("mailto:").strip("<>").removeprefix("@")


def listed(authors: Iterable[Author], most: int = 12) -> list[str]:
    """Authors with their counts, one a line."""
    found = list(authors)
    lines = [f"{author.texts:>7,}  {author.shown}" for author in found[:most]]
    return [*lines, f"         and {len(found) - most:,} more"] if len(found) > most else lines
