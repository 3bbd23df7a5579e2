"""Categories: proposed from what kinds of text there are; and each text in one of them, by what says so most plainly."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from pete.data.examples import Example
from pete.data.importer import Kept

Vectors = Callable[[Sequence[str]], np.ndarray]
"""Texts to unit vectors."""

MOST = 6
"""Categories that are proposed."""
FEW = 0.05
"""Share of the texts below which a kind has no category of its own."""
OTHER = "other"
EXAMPLES = 40
"""Rows of a category that a text is held against."""
COMPARED = 2000
"""Texts that are compared one by one; more go with their kind."""
BEGINNING = 700
"""Characters of a text that are compared."""


def key_of(title: str) -> str:
    """A key for a title: small Latin letters and _."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", title.casefold()) if not unicodedata.combining(c))
    return re.sub(r"\W+", "_", plain).strip("_") or OTHER


def kind_of(text: Kept) -> str:
    """What the source says a text is: its category, else its channel."""
    return text.record.category or text.record.channel


def proposed(kept: Sequence[Kept]) -> dict[str, str]:
    """Key -> title: the kinds of text there are; what is rare goes together."""
    kinds = Counter(kind_of(text) or "text" for text in kept)
    large = [kind for kind, count in kinds.most_common(MOST) if count >= FEW * len(kept)]
    titles = {key_of(kind): _plural(kind) for kind in large}
    return titles if len(large) == len(kinds) else titles | {OTHER: "Other texts"}


def by_kind(rows: Sequence[Example]) -> bool:
    """Whether categories are the kinds of text, as they were proposed once: a new kind is then a category of its own."""
    imported = [row for row in rows if row.origin]
    return bool(imported) and all(row.category in (OTHER, key_of(row.format or "text")) for row in imported)


def assign(kept: Sequence[Kept], categories: Mapping[str, str], rows: Sequence[Example], vectors: Vectors) -> list[str]:
    """The category of each text.

    What the source says comes first, then the kind of text where there is such a category, then "other" where there is one, then
    what the text is most like: the titles, and the rows that are in a category already.

    Args:
        kept: the texts.
        categories: key -> title.
        rows: what is there already.
        vectors: tells what texts are like; asked only where nothing else tells.
    """
    names = {name: key for key, title in categories.items() for name in (key, title.casefold())}
    by_kind = {
        kind: next((key for name in (kind.casefold(), key_of(kind), _plural(kind).casefold()) if (key := names.get(name))), "")
        for kind in {kind_of(text) for text in kept}
    }
    otherwise = OTHER if OTHER in categories else next(iter(categories)) if len(categories) == 1 else ""
    found = [by_kind[kind_of(text)] or otherwise for text in kept]
    open_ = [number for number, key in enumerate(found) if not key]
    if open_:
        for number, key in zip(open_, _most_like([kept[number] for number in open_], categories, rows, vectors), strict=True):
            found[number] = key
    return found


def _most_like(kept: Sequence[Kept], categories: Mapping[str, str], rows: Sequence[Example], vectors: Vectors) -> list[str]:
    keys = list(categories)
    centres = []
    for key in keys:
        texts = [f"{row.prompt}\n{row.completion}"[:BEGINNING] for row in rows if row.category == key]
        step = max(1, len(texts) // EXAMPLES)
        centre = vectors([categories[key], *texts[::step][:EXAMPLES]]).mean(axis=0)
        centres.append(centre / np.linalg.norm(centre))
    first = kept[:COMPARED]
    asked = [f"{text.conversation[-1].content if text.conversation else text.record.title}\n{text.pieces[0]}"[:BEGINNING] for text in first]
    found = [keys[at] for at in (vectors(asked) @ np.stack(centres).T).argmax(axis=1)]
    by_kind: dict[str, Counter[str]] = {}
    for text, key in zip(first, found, strict=True):
        by_kind.setdefault(kind_of(text), Counter())[key] += 1
    everywhere = Counter(found)
    return found + [by_kind.get(kind_of(text), everywhere).most_common(1)[0][0] for text in kept[COMPARED:]]


def _plural(kind: str) -> str:
    """A title for a kind of text: "LinkedIn posts"."""
    title = kind[:1].upper() + kind[1:]
    if re.search(r"[^aeiou]y$", title):
        return f"{title[:-1]}ies"
    return title if not title or title.endswith("s") else f"{title}es" if re.search(r"(?:ch|sh|x)$", title) else f"{title}s"
