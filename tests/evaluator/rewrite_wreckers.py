"""Ways to wreck a rewrite, and how many of them the comparison with the draft sees.

`python -m tests.evaluator.rewrite_wreckers` prints the table of docs/log.md, from every pair of the bundled persona.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pete.data.examples import load_examples
from pete.engines.sentence import Embed
from pete.generate.meaning import Meaning, compare
from pete.generate.meaning.alignment import is_telling
from pete.generate.meaning.details import DAYS, Detail, details
from pete.generate.meaning.parts import content, parts_of
from pete.generate.meaning.wording import strays
from pete.persona import load_persona


@dataclass(frozen=True)
class Pair:
    """A draft and what the author made of it."""

    key: str
    category: str
    draft: str
    text: str


Wreck = Callable[[str, Pair, Sequence[Pair], random.Random], "str | None"]
"""(rewrite, its pair, others, dice) -> the rewrite, damaged; None where there is nothing to damage."""
_NOT = re.compile(r"\b(?:not|never) |(?<=\b(?:is|do|as))n'?t(?= )|(?<=\b(?:are|did|was|has))n't(?= )")
_AUXILIARY = re.compile(r"\b(?:is|are|was|were|will|can|could|should|would|must|may)\b(?! not|n't)")
_UNITS = {"minutes": "hours", "hours": "minutes", "days": "weeks", "weeks": "days",
          "months": "years", "years": "months", "euros": "dollars",
          "dollars": "euros", "pounds": "euros", "km": "miles", "g": "kg", "kg": "g", "mm": "cm", "cm": "mm", "metres": "feet",
          "litres": "gallons", "percent": "euros"}  # fmt: skip
_CLAIMS = ("best", "cheapest", "most efficient", "official", "guaranteed", "broken")
_NAMES = ("Marit", "Oskar", "Leona", "Fergus", "Petra")


def negation_flipped(text: str, pair: Pair, others: Sequence[Pair], dice: random.Random) -> str | None:
    """A denial taken out, or one put in."""
    if match := _NOT.search(text):
        return text[: match.start()] + text[match.end() :]
    found = list(_AUXILIARY.finditer(text))
    if not found:
        return None
    match = dice.choice(found)
    return f"{text[: match.end()]} not{text[match.end() :]}"


def weekday_moved(text: str, pair: Pair, others: Sequence[Pair], dice: random.Random) -> str | None:
    """Tuesday becomes Wednesday."""
    there = [d for d in details(text) if d.value in DAYS and d.value in _values(pair.draft, "date")]
    if not there:
        return None
    day = dice.choice(there)
    return text[: day.start] + DAYS[(DAYS.index(day.value) + 1) % 7].title() + text[day.end :]


def figures_swapped(text: str, pair: Pair, others: Sequence[Pair], dice: random.Random) -> str | None:
    """Two figures change places."""
    found = _once(text, pair.draft, "figure")
    if len(found) < 2:
        return None
    one, other = sorted(dice.sample(found, 2), key=lambda d: d.start)
    a, b = text[one.start : one.end], text[other.start : other.end]
    return text[: one.start] + b + text[one.end : other.start] + a + text[other.end :]


def sentence_added(text: str, pair: Pair, others: Sequence[Pair], dice: random.Random) -> str | None:
    """A sentence of another text of the same category."""
    found = [s for other in dice.sample(others, min(8, len(others))) for s in parts_of(other.text)[0] if is_telling(s)]
    return f"{text} {dice.choice(found).text}" if found else None


def sentence_dropped(text: str, pair: Pair, others: Sequence[Pair], dice: random.Random) -> str | None:
    """A sentence is left out; of several."""
    found = [s for s in parts_of(text)[0] if is_telling(s)]
    if len(found) < 2:
        return None
    gone = dice.choice(found)
    return text[: gone.start] + text[gone.end :]


def another_customer(text: str, pair: Pair, others: Sequence[Pair], dice: random.Random) -> str | None:
    """The right facts about somebody else."""
    return dice.choice(others).text


def name_swapped(text: str, pair: Pair, others: Sequence[Pair], dice: random.Random) -> str | None:
    """A name becomes another."""
    found = [d for d in details(text) if d.kind == "name" and d.asked and d.value in _values(pair.draft, "name") and d.end - d.start > 3]
    if not found:
        return None
    name = dice.choice(found).value
    return re.sub(rf"\b{re.escape(name)}\b", dice.choice(_NAMES), text, flags=re.IGNORECASE)


def unit_changed(text: str, pair: Pair, others: Sequence[Pair], dice: random.Random) -> str | None:
    """Minutes become hours."""
    found = [
        (match, _UNITS[match[1]])
        for d in _once(text, pair.draft, "figure")
        if d.unit and any(m.kind == "figure" and m.value == d.value and m.unit == d.unit for m in details(pair.draft))
        if (match := re.compile(r"[ -]?(\w+)").match(text, d.end)) and match[1] in _UNITS
    ]
    if not found:
        return None
    match, unit = dice.choice(found)
    return text[: match.start(1)] + unit + text[match.end(1) :]


def roles_swapped(text: str, pair: Pair, others: Sequence[Pair], dice: random.Random) -> str | None:
    """We send you: you send us."""
    match = re.search(r"\b(We|we|I) ((?:will |can |have |had )?\w+) you\b", text)
    if not match:
        return None
    return (
        f"{text[: match.start()]}{'You' if match[1] == 'We' else 'you'} {match[2]} {'me' if match[1] == 'I' else 'us'}{text[match.end() :]}"
    )


def word_added(text: str, pair: Pair, others: Sequence[Pair], dice: random.Random) -> str | None:
    """The kettle becomes the cheapest kettle."""
    found = list(re.finditer(r"\b(?:the|a|our|your) (?=[a-z])", text))
    if not found:
        return None
    match = dice.choice(found)
    return f"{text[: match.end()]}{dice.choice(_CLAIMS)} {text[match.end() :]}"


def word_exchanged(text: str, pair: Pair, others: Sequence[Pair], dice: random.Random) -> str | None:
    """A word that says something becomes another of the same category's texts."""
    found = [s for s in parts_of(text)[0] if is_telling(s)]
    new = sorted({w for other in dice.sample(others, min(5, len(others))) for w in _long_words(other.text)} - set(_long_words(text)))
    if not found or not new or not (old := _long_words((sentence := dice.choice(found)).text)):
        return None
    said = re.sub(rf"\b{dice.choice(old)}\b", dice.choice(new), sentence.text, count=1)
    return text[: sentence.start] + said + text[sentence.end :]


WRECKS: tuple[Wreck, ...] = (
    negation_flipped, weekday_moved, figures_swapped, sentence_added, sentence_dropped, another_customer, name_swapped, unit_changed,
    roles_swapped,
)  # fmt: skip


WORD_WRECKS: tuple[Wreck, ...] = (word_added, word_exchanged, weekday_moved, name_swapped, unit_changed, negation_flipped, roles_swapped)
"""Damage within a sentence, where a copied draft has as many sentences as before."""


def refused_by_words(pairs: Sequence[Pair], seed: int = 0) -> dict[str, tuple[int, int]]:
    """(refused, wrecked) of each wreck of a copied draft: by single words alone, before any vector is asked."""
    found: dict[str, tuple[int, int]] = {}
    for wreck in WORD_WRECKS:
        outcomes = []
        for number, pair in enumerate(pairs):
            others = [p for p in pairs if p.category == pair.category and p.text != pair.text]
            wrecked = wreck(pair.draft, pair, others, random.Random(f"{seed} {number} {wreck.__name__}"))
            before, after = ([s.text for s in parts_of(one)[0]] for one in (pair.draft, wrecked or ""))
            if len(before) == len(after) and before != after:
                outcomes.append(any(strays(a, b) for a, b in zip(before, after, strict=True) if a != b))
        found[wreck.__name__] = (sum(outcomes), len(outcomes))
    return found


def bundled_pairs(kinds: Sequence[str] = ()) -> list[Pair]:
    """Every draft of the bundled persona, or those of some kinds, with its text."""
    rows = load_examples(load_persona("pete-connor").examples)
    return [
        Pair(row.id, row.category, row.prompt, row.completion)
        for row in rows
        if row.task == "rewrite" and (not kinds or row.draft_kind in kinds)
    ]


def seen(pair: Pair, wrecked: str, before: Meaning, embed: Embed) -> bool:
    """Whether a comparison finds something in the wreck that was not there before."""
    return bool({_what(d) for d in compare(pair.draft, wrecked, embed).differences} - {_what(d) for d in before.differences})


def rates(pairs: Sequence[Pair], embed: Embed, own: bool, seed: int = 0) -> dict[str, tuple[int, int]]:
    """(seen, wrecked) of each wreck, done to the author's text, or to a draft that was left as it is."""
    found: Counter[str] = Counter()
    done: Counter[str] = Counter()
    by_category = {c: [p for p in pairs if p.category == c] for c in {p.category for p in pairs}}
    for number, pair in enumerate(pairs):
        text = pair.text if own else pair.draft
        before = compare(pair.draft, text, embed)
        others = [p for p in by_category[pair.category] if p.text != pair.text]
        for wreck in WRECKS:
            wrecked = wreck(text, pair, others, random.Random(f"{seed} {number} {wreck.__name__}"))
            if wrecked is not None and wrecked != text:
                done[wreck.__name__] += 1
                found[wreck.__name__] += seen(pair, wrecked, before, embed)
    return {name: (found[name], count) for name, count in done.items()}


def _what(difference) -> tuple[str, str, str]:  # type: ignore[no-untyped-def]
    return difference.kind, difference.way, difference.words


def _long_words(text: str) -> list[str]:
    return [word for word in re.findall(r"\b[a-z]{4,}\b", text) if content(word) and word not in DAYS]


def _values(text: str, kind: str) -> set[str]:
    return {d.value for d in details(text) if d.kind == kind}


def _once(text: str, draft: str, kind: str) -> list[Detail]:
    found = [d for d in details(text) if d.kind == kind and d.asked]
    often = Counter(d.value for d in found)
    return [d for d in found if often[d.value] == 1 and d.value in _values(draft, kind)]


def main() -> None:
    """The calibration over every pair."""
    from pete.engines.sentence import Embedder

    embed, pairs = Embedder(), bundled_pairs(("plain", "polished", "notes"))
    flagged: Counter[tuple[str, str]] = Counter()
    sentences = stand = same = 0
    for pair in pairs:
        meaning = compare(pair.draft, pair.text, embed)
        sentences += len(meaning.sentences)
        stand += sum(s.may_stand for s in meaning.sentences)
        same += meaning.same
        flagged.update({(d.kind, d.way) for d in meaning.differences})
    print(f"{len(pairs)} true pairs: {same} without a difference; {stand} of {sentences} sentences may stand ({stand / sentences:.1%})")
    print("\n".join(f"| {kind} | {way} | {count} | {count / len(pairs):.1%} |" for (kind, way), count in sorted(flagged.items())))
    for name, (refused, wrecked) in refused_by_words(pairs).items():
        print(f"| {name.replace('_', ' ')} | by words alone {refused} of {wrecked} ({refused / wrecked:.1%}) |")
    every = [rates(pairs, embed, own) for own in (False, True)]
    for name in every[0]:
        cells = [f"{a} of {b} ({a / b:.1%})" for a, b in (one.get(name, (0, 1)) for one in every)]
        print(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
