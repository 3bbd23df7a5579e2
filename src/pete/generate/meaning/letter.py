"""What is kept to the letter, or is not: the details of a draft in its rewrite, and of the rewrite in its draft."""

from collections.abc import Iterator

from pete.generate.facts import holds
from pete.generate.meaning.details import Detail, details
from pete.generate.meaning.difference import Difference


def of_details(draft: str, rewrite: str) -> Iterator[Difference]:
    """Figures, dates, names, links and quoted words that one text has and the other has not, and figures of another unit."""
    ours, theirs = details(draft), details(rewrite)
    yield from (
        Difference(d.kind, "lost", f"the rewrite lacks {draft[d.start : d.end]}", (d.start, d.end), None)
        for d in _unmatched(ours, theirs, rewrite)
    )
    yield from (
        Difference(d.kind, "added", f"the draft has no {rewrite[d.start : d.end]}", None, (d.start, d.end))
        for d in _unmatched(theirs, ours, draft)
    )
    for mine in ours:
        same = [d for d in theirs if (d.kind, d.value) == (mine.kind, mine.value)]
        if mine.unit and same and all(d.unit and d.unit != mine.unit for d in same):
            other = same[0]
            said = f'the draft says "{_with_unit(draft, mine)}", the rewrite "{_with_unit(rewrite, other)}"'
            yield Difference("figure", "changed", said, (mine.start, mine.end), (other.start, other.end))


def _unmatched(mine: tuple[Detail, ...], others: tuple[Detail, ...], text: str) -> Iterator[Detail]:
    there = {(d.kind, d.value) for d in others}
    seen = set()
    for detail in mine:
        key = (detail.kind, detail.value)
        if not detail.asked or key in there or key in seen:
            continue
        seen.add(key)
        if detail.kind in ("name", "quotation") and holds(text, detail.value):
            continue
        yield detail


def _with_unit(text: str, detail: Detail) -> str:
    return (
        f"{text[detail.start : detail.end]} {detail.unit}"
        if detail.unit not in text[detail.start : detail.end]
        else text[detail.start : detail.end]
    )
