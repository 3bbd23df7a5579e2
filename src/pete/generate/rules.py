"""Rule checks on an answer: each rule looks at one text and names its violations, in words and by place."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from pete.data.examples import Example, phrase_pattern, phrases_used
from pete.data.language import language_of
from pete.data.text import BULLET, Corpus, lines_in, list_items, repeats, sentences_in, size, words, words_in
from pete.errors import AdapterError
from pete.generate.extract import StopReason
from pete.generate.facts import holds
from pete.generate.leak_patterns import leaks, placeholders
from pete.generate.repeats import find_loop
from pete.generate.request_parsing import RequestType, facts_asked, format_asked, length_asked
from pete.persona import EVERYTHING, Limit

LEAST_REPEATED_SENTENCE = 4
"""Words: a sentence of so many said twice is a repetition, "No. No." is emphasis."""
_NO_LIMIT = Limit()  # type: ignore[call-arg]
_ANY_REQUEST = RequestType()


@dataclass(frozen=True)
class Violation:
    """One broken rule: its name, what is wrong in words, and text[start:end]."""

    rule: str
    words: str
    start: int
    end: int


@dataclass(frozen=True)
class Case:
    """One answer, with all that the rules need to judge it."""

    text: str
    prompt: str = ""
    limit: Limit = _NO_LIMIT
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Key of the limit -> where it comes from, to be read behind "too long"."""
    stop: StopReason = "end"
    avoid: re.Pattern[str] | None = None
    marks: tuple[str, ...] = ()
    rows: Corpus | None = None
    """The training rows."""

    def wrong(self, rule: str, words: str, start: int = 0, end: int | None = None) -> Violation:
        """A violation in this text; the whole text unless a place is given."""
        return Violation(rule, words, start, len(self.text) if end is None else end)


Rule = Callable[[Case], list[Violation]]


def empty(case: Case) -> list[Violation]:
    """Nothing was said: marks and space are no answer."""
    return [] if words(case.text) else [case.wrong("empty", "empty")]


def unfinished(case: Case) -> list[Violation]:
    """Cut off by generate.max_new_tokens."""
    return [case.wrong("unfinished", "cut off before its end", len(case.text))] if case.stop == "length" else []


def loop(case: Case) -> list[Violation]:
    """It ran in circles, or says a sentence twice."""
    if case.stop == "loop":
        return [case.wrong("loop", "began to repeat itself without end and was stopped", len(case.text))]
    at = find_loop(case.text)
    if at is not None:
        return [case.wrong("loop", "repeats itself without end", at)]
    sentences = [(tuple(words(BULLET.sub("", sentence.text))), sentence) for sentence in sentences_in(case.text)]
    long = [(key, sentence) for key, sentence in sentences if size(key) >= LEAST_REPEATED_SENTENCE]
    twice = repeats([key for key, _ in long])[:1]
    return [case.wrong("loop", "says a sentence twice", long[i][1].start, long[i][1].end) for i in twice]


def leak(case: Case) -> list[Violation]:
    """A special token, a template marker, or the beginning of another turn."""
    return [case.wrong("leak", f"leaks {hit.group().strip()!r}", *hit.span()) for _, hit in leaks(case.text, case.marks)]


def avoided(case: Case) -> list[Violation]:
    """A phrase that the persona would not use, unless the prompt uses it."""
    return [case.wrong("avoid", f"says {hit.group()!r}", *hit.span()) for hit in phrases_used(case.avoid, case.text, case.prompt)]


def blanks(case: Case) -> list[Violation]:
    """[name] and the like: somebody would have to fill it in."""
    hits = [] if case.limit.placeholders else placeholders(case.text, case.prompt)
    return [case.wrong("placeholder", f"leaves {hit.group()} to be filled in", *hit.span()) for hit in hits]


def length(case: Case) -> list[Violation]:
    """Words, characters and lines of the answer; words and characters of each line."""
    lines = lines_in(case.text)
    parts: dict[str, list[tuple[int, int, int]]] = {  # (count, start, end)
        "words": [(len(case.text.split()), 0, len(case.text))],
        "characters": [(len(case.text), 0, len(case.text))],
        "lines": [(len(lines), 0, len(case.text))],
        "line_words": [(len(line.text.split()), line.start, line.end) for line in lines],
        "line_characters": [(len(line.text), line.start, line.end) for line in lines],
    }
    violations = []
    for name, counted in parts.items():
        allowed: tuple[int, int] | None = getattr(case.limit, name)
        unit, a_line = name.removeprefix("line_"), " a line" if name.startswith("line_") else ""
        for count, start, end in counted if allowed else ():
            assert allowed is not None
            bound = "too long" if count > allowed[1] else "too short" if count < allowed[0] else ""
            if bound:
                most = f"at most {allowed[1]}" if bound == "too long" else f"at least {allowed[0]}"
                violations.append(case.wrong("length", f"{bound}{case.reasons.get(name, '')} ({count} {unit}, {most}{a_line})", start, end))
    return violations


def items(case: Case) -> list[Violation]:
    """The number of points, options, subject lines: what has a bullet or a number, or else every line."""
    allowed = case.limit.items
    count = len(list_items(case.text) or lines_in(case.text))
    if not allowed or allowed[0] <= count <= allowed[1]:
        return []
    wanted = str(allowed[0]) if allowed[0] == allowed[1] else f"{allowed[0]} to {allowed[1]}" if allowed[0] else f"at most {allowed[1]}"
    return [case.wrong("items", f"has {count} item{'s' if count != 1 else ''}{case.reasons.get('items', '')}, expected {wanted}")]


def facts(case: Case) -> list[Violation]:
    """Figures, names and quoted words of the prompt that are missing, when fewer are kept than the category asks for."""
    asked = facts_asked(case.prompt) if case.limit.facts else []
    missing = [fact for fact in asked if not holds(case.text, fact)]
    if not case.limit.facts or len(asked) < 2 or len(asked) - len(missing) >= case.limit.facts * len(asked):
        return []
    shown = ", ".join(missing[:4]) + (f" and {len(missing) - 4} more" if len(missing) > 4 else "")
    return [case.wrong("facts", f"leaves out {shown} ({len(asked) - len(missing)} of {len(asked)} facts kept)", len(case.text))]


def language(case: Case) -> list[Violation]:
    """The prompt's language, as far as a few common words can tell."""
    expected, actual = (language_of(case.prompt), language_of(case.text, 5)) if case.limit.language else ("", "")
    return [case.wrong("language", f"is in {actual}, and the prompt in {expected}")] if expected and actual and expected != actual else []


def copies(case: Case) -> list[Violation]:
    """Long runs of words out of one training row; what the prompt says is nobody's."""
    if not case.limit.copied or not case.rows:
        return []
    places = words_in(case.text)
    spans = case.rows.copied(words(case.text), words(case.prompt), case.limit.copied)
    return [
        case.wrong("copied", f"takes {len(span)} words in a row from a training row", places[span.first].start, places[span.last - 1].end)
        for span in spans
    ]


RULES: tuple[Rule, ...] = (empty, unfinished, loop, leak, avoided, blanks, length, items, facts, language, copies)


class Validator:
    """A persona's rules, ready to judge answers."""

    def __init__(
        self,
        limits: Mapping[str, Limit] | None = None,
        formats: Mapping[str, Limit] | None = None,
        avoid: Sequence[str] = (),
        marks: Sequence[str] = (),
        rows: Sequence[Example] = (),
    ) -> None:
        """What a persona says.

        Args:
            limits: "all" or a category -> what an answer keeps to.
            formats: format -> the same; the prompt's own words come over it.
            avoid: phrases the voice would not use.
            marks: special tokens and stop strings, which must never show.
            rows: training rows, which must not be copied.
        """
        self.limits, self.formats = limits or {}, formats or {}
        self._avoid = phrase_pattern(avoid)
        self._marks = tuple(marks)
        self._rows = rows

    def check(self, text: str, prompt: str = "", kind: RequestType = _ANY_REQUEST, stop: StopReason = "end") -> tuple[Violation, ...]:
        """Everything that is wrong with an answer; nothing else is judged when it is empty."""
        case = self._case(text, prompt, kind, stop)
        return tuple(empty(case)) or tuple(violation for rule in RULES for violation in rule(case))

    def typical_words(self, prompt: str, kind: RequestType) -> float | None:
        """Words of a usual answer: the median of the training rows of that format, else of that category; None is unknown."""
        name = kind.format or format_asked(prompt, self.formats)
        for key, wanted in (("format", name), ("category", kind.category)):
            if wanted and (counts := self._lengths.get((key, wanted))):
                return counts[len(counts) // 2]
        return None

    @cached_property
    def _lengths(self) -> dict[tuple[str, str], list[int]]:
        lengths: dict[tuple[str, str], list[int]] = {}
        for row in self._rows:
            for key in (("format", row.format), ("category", row.category)):
                lengths.setdefault(key, []).append(len(row.completion.split()))
        return {key: sorted(counts) for key, counts in lengths.items()}

    def _case(self, text: str, prompt: str, kind: RequestType, stop: StopReason) -> Case:
        limit, reasons = _NO_LIMIT, dict[str, str]()
        name = kind.format or format_asked(prompt, self.formats)
        asked = length_asked(prompt)
        layers = [
            ("", self.limits.get(EVERYTHING)),
            (f" for {kind.category.replace('_', ' ')}", self.limits.get(kind.category)),
            (f" for {_article(name)}", self.formats.get(name)),
            # what a prompt says of the whole answer also replaces what a format says of each line
            ("", Limit.model_validate({f"line_{field}": None for field in ("words", "characters") if field in asked.model_fields_set})),
            (" for what was asked", asked),
        ]
        for why, layer in layers:
            if layer is not None:
                limit = layer.over(limit)
                reasons |= dict.fromkeys(layer.model_fields_set, why)
        return Case(text, prompt, limit, reasons, stop, self._avoid, self._marks, self._corpus if limit.copied else None)

    @cached_property
    def _corpus(self) -> Corpus:
        return Corpus([words(row.completion) for row in self._rows])


def limits_of(plain: Mapping[str, Mapping[str, Any]]) -> dict[str, Limit]:
    """Limits as an adapter keeps them, as objects again; raises AdapterError for what this version does not know."""
    try:
        return {name: Limit.model_validate(limit) for name, limit in plain.items()}
    except (ValidationError, AttributeError) as error:
        raise AdapterError(f"The limits in pete.json are not what this version writes: {error}", "use the version that wrote it") from None


def _article(name: str) -> str:
    return name if name.endswith("s") else f"{'an' if name[:1] in 'aeiou' else 'a'} {name}"
