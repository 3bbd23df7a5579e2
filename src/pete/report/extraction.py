"""The section "Extraction and Rules": the answers as the model said them, as a reader got them, and what lies between."""

from collections.abc import Iterator, Mapping, Sequence

from pete.report.attempts import RULE_TITLES, Attempts, Shares
from pete.report.blocks import Block, Fold, Section, Table, Text
from pete.report.comparison import Comparison
from pete.report.numbers import capital, of_unit, percent
from pete.words import counted, duration

STOP_TITLES = {
    "end": "ended by itself", "stop string": "stopped at a marker", "loop": "stopped in a loop", "length": "cut off at the limit",
}  # fmt: skip


def extraction(found: Comparison) -> Iterator[Section]:
    """The section, if the answers were held against the rules."""
    if not found.attempts:
        return
    blocks: list[Block] = [Text(_lead(found))]
    again = any(a.again or a.preferred for a in found.attempts)
    if again or any(a.flagged.seen for a in found.attempts):
        blocks.append(_table(found.attempts, again))
    if any(a.drawn > a.answers for a in found.attempts):
        blocks.append(_cost(found.attempts))
    if any(a.preferred for a in found.attempts):
        blocks.append(Fold("What the measures say of the first attempts alone", (_measures(found),)))
    yield Section("Extraction and Rules", tuple(blocks))


def _lead(found: Comparison) -> str:
    told = []
    for a in found.attempts:
        now = f"{percent(a.flagged.given.share)} of the {a.model} answers break a rule ({a.flagged.given})"
        told.append(f"{now}; at first it was {percent(a.flagged.first.share)} ({a.flagged.first})" if a.preferred or a.again else now)
    return f"Every answer was held against the persona's rules and what its prompt asks for. {'. '.join(told)}."


def _table(both: Sequence[Attempts], again: bool) -> Table:
    def row(title: str, shares: Sequence[Shares | None]) -> tuple[str, ...]:
        cells = [(s.first.share, s.given.share) if s else (0.0, 0.0) for s in shares]
        return (title, *(percent(value) for pair in cells for value in (pair if again else pair[1:])))

    def rows(parts: Sequence[Mapping[str, Shares]], titles: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
        names = [*titles, *(name for part in parts for name in part if name not in titles)]
        for name in dict.fromkeys(names):
            if any(name in part and part[name].seen for part in parts):
                yield row(capital(titles.get(name, name)), [part.get(name) for part in parts])

    head = [f"{a.model.capitalize()}{when}" for a in both for when in ((" at first", " as given") if again else ("",))]
    lines = [row("Breaks a rule", [a.flagged for a in both]), *rows([a.rules for a in both], RULE_TITLES)]
    # the rule counts those that were cut off
    lines += rows([{stop: s for stop, s in a.stops.items() if stop != "length"} for a in both], STOP_TITLES)
    lines.append(row("Control marks in the raw text", [Shares(a.leaks, a.leaks) for a in both]))
    note = "Shares of answers; one that breaks two rules counts in both."
    if again:
        note += " At first: the first attempt, whether it was kept or not. The raw text is always that of the first attempt."
    return Table(("Answers", *head), tuple(lines), note)


def _cost(both: Sequence[Attempts]) -> Table:
    rows = tuple(
        (
            a.model.capitalize(), str(a.answers), str(a.drawn), str(a.again), str(a.preferred), f"{a.tokens_drawn:,}", f"{a.tokens:,}",
            duration(a.seconds), f"{duration(a.seconds_again)} ({percent(a.seconds_again / a.seconds if a.seconds else 0.0)})",
        )
        for a in both
    )  # fmt: skip
    note = (
        "Drawn again: prompts whose first answers all broke a rule. Another preferred: what was given is not the first attempt. Where "
        "several are drawn at once, side by side, the tokens say what they cost."
    )
    head = ("Model", "Answers", "Drawn", "Drawn again", "Another preferred", "Tokens drawn", "Tokens kept", "Time", "For drawing again")
    return Table(head, rows, note)


def _measures(found: Comparison) -> Table:
    def moved(first: float, given: float, unit: str) -> str:
        return f"{of_unit(first, unit)} \u2192 {of_unit(given, unit)}"

    given = {m.name: m for m in found.judgement.measures}
    rows = tuple(
        (capital(m.title), moved(m.base, now.base, m.unit), moved(m.tuned, now.tuned, m.unit), m.verdict, now.verdict)
        for m in found.measures_at_first()
        if (now := given.get(m.name)) is not None
    )
    kept = sum(a.answers - a.preferred for a in found.attempts)
    note = (
        "First attempt \u2192 as given. The verdicts hold tuned against base, before and after; the gates judge what was given. "
        f"{counted(kept, 'answer')} of {sum(a.answers for a in found.attempts)} are the first attempt anyway."
    )
    return Table(("Measure", "Base", "Tuned", "At first", "As given"), rows, note, words=True)
