"""Dataset checks: what an editor would question in the rows, one finding a kind, however many rows have it."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from pete.data.artefacts import UNFILLED, blanks_in, broken_in, control_in, entity_in, turns_in, unfilled_in
from pete.data.bulk import in_blocks
from pete.data.checks import machine, shape
from pete.data.checks.answers import assistant_phrase, only_links, quotation, unended
from pete.data.checks.drafts import draft_findings
from pete.data.checks.prompts import held_out, one_prompt, trained_prompts
from pete.data.examples import (
    DataFinding,
    Example,
    Question,
    Read,
    Split,
    as_in,
    phrase_pattern,
    phrases_used,
    read_prompts,
    same_answer,
    written,
)
from pete.data.near import near_to_each_other
from pete.data.private import KINDS, Kind, Private, find, mask
from pete.data.split import left_out
from pete.data.text import same_prompt
from pete.errors import DataError
from pete.persona import EVERYTHING, Persona
from pete.words import counted

ERRORS = ("unfilled template", "prompt is answer")
"""Of what single rows show: a night on such rows is lost."""
SHOWN = 40
"""Characters of what stands in a row that a finding shows."""


def check_data(
    persona: Persona, read: Read[Example], prompts: Read[Question] | None, splits: Mapping[Split, Sequence[Example]] | None = None,
    looked: "Iterable[Looked] | None" = None,
) -> list[DataFinding]:  # fmt: skip
    """Everything there is to question in a persona's files, the plainest losses first; what is held out, where it is known.

    Args:
        persona: whose.
        read: its rows.
        prompts: its held-out prompts.
        splits: its rows as they are cut.
        looked: of `looking`, where that was begun.
    """
    return [
        *_passed_over(persona),
        *read.findings,
        *(prompts.findings if prompts else ()),
        *check_rows(read.rows, persona, splits, looked),
        *trained_prompts(prompts.rows if prompts else (), read.rows),
        *_check_system(persona),
    ]


def check_rows(
    rows: Sequence[Example], persona: Persona | None, splits: Mapping[Split, Sequence[Example]] | None = None,
    looked: "Iterable[Looked] | None" = None,
) -> list[DataFinding]:  # fmt: skip
    """Everything there is to question in rows: each by itself, then all together. Without a persona, on their own terms."""
    if looked is None:
        with looking(rows, persona) as looked:
            return check_rows(rows, persona, splits, looked)
    own = written(rows)
    asked = [row for row in own if row.task == "write"]
    near = near_to_each_other(tuple(row.completion for row in own))
    # all of this while others look at the rows
    shared = [*draft_findings(rows), *one_prompt(asked), *held_out(own, near, splits or {}), *shape.near_duplicates(own, near)]
    shapes = [*(shape.categories(asked, persona.categories if persona else {}) if asked else ()), *(shape.lengths(own) if own else ())]
    rest = [*_machine_written(own), *(left_out(rows, splits) if splits else ())] if own else []
    found = Looked()
    for block in looked:
        found.add(block)
    if not own:
        return _singly(rows, persona, found)
    languages = dict(zip(map(id, rows), found.languages, strict=True))
    return [
        *_singly(rows, persona, found),
        *shared,
        *shape.languages(own, [languages[id(row)] for row in own]),
        *shapes,
        *_private(found),
        *rest,
    ]


def persona_prompts(persona: Persona) -> Read[Question] | None:
    """The persona's held-out prompts, where it has any; raises DataError for what cannot be read."""
    return read_prompts(persona.prompts) if persona.prompts.is_file() else None


def check_examples(rows: Sequence[Example], persona: Persona | None) -> list[DataFinding]:
    """What stands in single rows: marks, broken letters, blanks, repeated or broken-off answers; what the persona does not say or have."""
    return _singly(rows, persona, _look(rows, persona))


Place = tuple[str, str]
"""(file:line, what stands there)."""


@dataclass
class Looked:
    """What single rows show."""

    places: dict[str, list[Place]] = field(default_factory=dict)
    """By kind of finding; what is private by its `Kind`."""
    languages: list[str] = field(default_factory=list)
    """Of each row's answer."""

    def add(self, other: "Looked") -> None:
        """Put what later rows show behind it."""
        for kind, places in other.places.items():
            self.places.setdefault(kind, []).extend(places)
        self.languages += other.languages


def looking(rows: Sequence[Example], persona: Persona | None) -> AbstractContextManager[Iterator[Looked]]:
    """Begin to look at each row by itself; of many, others do while this process goes on."""
    return in_blocks(partial(_look, persona=persona), rows)


def _look(rows: Sequence[Example], persona: Persona | None) -> Looked:
    avoid, stops = (persona.avoid, persona.stop) if persona else ((), ())
    looks: dict[str, Callable[[Example], Iterable[str]]] = {
        "unfilled template": lambda row: _unfilled(row, persona),
        "prompt is answer": _same,
        "control marks": _control_marks,
        "broken characters": _broken,
        "markup": _markup,
        "blanks": lambda row: _blanks(row, persona),
        "no ending": lambda row: map(_shown, unended(_text(row))),
        "only links": _only_links,
        "assistant phrase": _assistant,
        "quotation": lambda row: map(_shown, quotation(_text(row))),
        "avoid": _avoided(avoid),
        "stop": lambda row: [repr(stop) for stop in stops if any(stop in f"\n{text}" for text in _answers(row))],
    }
    found = Looked({kind: [(row.source, shown) for row in rows for shown in look(row)] for kind, look in looks.items()})
    own = [persona.name] if persona else []
    for row in rows:
        first: dict[Kind, Private] = {}
        for text, answer in _texts(row):
            for one in find(text, own, greeted=answer, closed=not answer):
                first.setdefault(one.kind, one)
        for kind, one in first.items():
            found.places.setdefault(kind, []).append((row.source, one.masked))
    found.languages = [shape.language(row) for row in rows]
    return found


def _singly(rows: Sequence[Example], persona: Persona | None, looked: Looked) -> list[DataFinding]:
    """The findings of what single rows show; of those that take a look at other rows too, what they are."""
    given = [row for row in rows if "category" in row.model_fields_set]
    unknown = Counter(row.category for row in given if persona and row.category not in persona.categories)
    names = ", ".join(f"{name!r} {count}" for name, count in unknown.most_common())[:200]
    known = ", ".join(sorted(persona.categories)) if persona else ""
    places = looked.places | {
        "repeated answer": _repeated(rows),
        "unknown category": [(row.source, repr(row.category)) for row in given if row.category in unknown],
        "no category": [(row.source, "") for row in rows if given and "category" not in row.model_fields_set and row.task == "write"],
    }
    said = [
        ("unfilled template", "row", "hold", "a place that a template left to be filled in (fill it; if it is meant so, say "
         "limits.all.placeholders = true in persona.toml)"),
        ("prompt is answer", "row", "have", "a prompt that is its answer: there is nothing to learn"),
        ("control marks", "row", "hold", "control marks of a chat template, and would be put into a second one (write the bare text into "
         "prompt and completion)"),
        ("broken characters", "row", "hold", "broken characters, decoded wrongly once"),
        ("markup", "row", "hold", "the markup of a web page"),
        ("blanks", "row", "leave", "a blank to be filled in"),
        ("repeated answer", "row", "repeat", "the same completion as an earlier one"),
        ("no ending", "answer", "break", "off in the middle of a sentence"),
        ("only links", "answer", "have", "nothing but links, hashtags and mentions"),
        ("assistant phrase", "answer", "talk", "as an assistant does of itself or its draft: a machine's words"),
        ("quotation", "answer", "hold", "a famous quotation: somebody else's words"),
        ("unknown category", "row", "have", f"a category that is not one of {known} ({names})"),
        ("no category", "row", "have", "no category, others do"),  # where no row has one, the persona simply has rows without
        ("avoid", "answer", "use", "what persona.toml says to avoid"),
        ("stop", "answer", "hold", "a stop string of persona.toml, which ends answers there"),
    ]  # fmt: skip
    findings: list[DataFinding] = []
    for kind, noun, verb, rest in said:
        if at := places.get(kind):
            ending = verb if len(at) > 1 else "has" if verb == "have" else f"{verb}s"
            findings.append(DataFinding.of(kind, f"{counted(len(at), noun)} {ending} {rest}", at, "error" if kind in ERRORS else "warning"))
    return findings


def _private(looked: Looked) -> list[DataFinding]:
    return [
        DataFinding.of(f"private: {kind}", f"{counted(len(at), 'row')} hold{'s' * (len(at) == 1)} {what} (pete data check --redact)", at)
        for kind, what in KINDS.items()
        if (at := looked.places.get(kind))
    ]


def _machine_written(rows: Sequence[Example]) -> list[DataFinding]:
    looked = rows[:: -(-len(rows) // machine.MOST)]
    places = [(row.source, ", ".join(machine.habits(row.completion))) for row in looked if machine.machine_written(row.completion)]
    if len(places) < machine.SHARE * len(looked):
        return []
    message = f"{counted(len(places), 'answer')} of {len(looked):,} read{'s' * (len(places) == 1)} like machine prose ({machine.ERROR})"
    return [DataFinding.of("machine style", message, places)] if places else []


def _control_marks(row: Example) -> Iterable[str]:
    for text, answer in _texts(row):
        # a line such as "User:" may be quoted in a prompt; in an answer the model would learn to play both parts
        if mark := control_in(text) or next((turn for turn in turns_in(text) if answer or "#" in turn.group()), None):
            return [_shown(mark.group())]
    return []


def _broken(row: Example) -> Iterable[str]:
    around = (text[max(0, hit.start() - 6) : hit.end() + 6] for text, _ in _texts(row) if (hit := broken_in(text)))
    return map(_shown, islice(around, 1))


def _markup(row: Example) -> Iterable[str]:
    return map(_shown, islice((hit.group() for text, _ in _texts(row) if (hit := entity_in(text))), 1))


def _same(row: Example) -> Iterable[str]:
    if row.task == "rewrite":  # what is to be said of drafts stands in checks/drafts.py
        return []
    return [_shown(row.prompt)] if row.prompt == row.completion or same_prompt(row.prompt) == same_prompt(row.completion) else []


def _unfilled(row: Example, persona: Persona | None) -> Iterable[str]:
    """What a program should have filled in, on one side only: on both it is what was asked for."""
    answers = [row.completion] if _is_draft(row) else _answers(row)
    sides = [{hit.group() for text in texts for hit in unfilled_in(text)} for texts in ([row.prompt], answers)]
    return [] if not sides[0] ^ sides[1] or _allowed(row, persona) else map(_shown, sorted(sides[0] ^ sides[1])[:1])


def _blanks(row: Example, persona: Persona | None) -> Iterable[str]:
    answered = [hit for text in _answers(row) for hit in blanks_in(text) if hit.group() not in row.prompt]
    hits = [hit for hit in [*blanks_in(row.prompt, UNFILLED), *answered] if not unfilled_in(hit.group())]
    return [] if not hits or _allowed(row, persona) else [_shown(hits[0].group())]


def _allowed(row: Example, persona: Persona | None) -> bool:
    """Whether the persona says that placeholders are meant so."""
    limits = [persona.limits.get(EVERYTHING), persona.limits.get(row.category), persona.formats.get(row.format)] if persona else []
    return any(limit is not None and limit.placeholders for limit in limits)


def _only_links(row: Example) -> Iterable[str]:
    return map(_shown, only_links(text)) if (text := _text(row)) else ()


def _assistant(row: Example) -> Iterable[str]:
    return map(_shown, islice((phrase for text in _answers(row) for phrase in assistant_phrase(text)), 1))


def _repeated(rows: Sequence[Example]) -> list[Place]:
    first: dict[str, str] = {}
    places: list[Place] = []
    for row in rows:
        key = same_answer(row)
        earlier = first.setdefault(key, row.source) if not row.augmented_from and row.task == "write" else row.source
        if key and earlier != row.source:
            places.append((row.source, as_in(earlier)))
    return places


def _avoided(avoid: Sequence[str]) -> Callable[[Example], Iterable[str]]:
    banned = phrase_pattern(avoid)
    phrases = [re.findall(r"\w+", phrase.lower()) for phrase in avoid]

    def look(row: Example) -> Iterable[str]:
        for text in _answers(row):
            low = text.lower()  # to look for words costs a hundredth of the pattern
            if any(all(word in low for word in words) for words in phrases) and (hits := phrases_used(banned, text, row.prompt)):
                return [_shown(hits[0].group())]
        return []

    return look


def refuse_errors(findings: Sequence[DataFinding]) -> None:
    """Raise DataError with every finding that is an error, if there is one."""
    if errors := [finding.in_words() for finding in findings if finding.severity == "error"]:
        raise DataError.of_problems(
            "The data cannot be trained on as it is:", errors, "mend these rows; pete data check says when all is well"
        )


def _check_system(persona: Persona) -> list[DataFinding]:
    hits = [hit for hit in (control_in(persona.system), broken_in(persona.system), *blanks_in(persona.system, UNFILLED)) if hit]
    places = [(str(persona.file), _shown(hit.group())) for hit in hits[:1]]
    return [DataFinding.of("system line", "the system line holds a mark or a blank", places)] if places else []


def _passed_over(persona: Persona) -> list[DataFinding]:
    names = persona.passed_over
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    message = f"examples/ also holds {', '.join(names[:10])}{more}: not read, rows come from *.jsonl"
    return [DataFinding("files passed over", message, len(names))] if names else []


def _text(row: Example) -> str:
    """A row's answer; none of a draft of another row, whose answer was looked at there."""
    return "" if _is_draft(row) else row.completion


def _is_draft(row: Example) -> bool:
    return row.task == "rewrite" and bool(row.augmented_from)


def _texts(row: Example) -> list[tuple[str, bool]]:
    """Every text of a row that stands in no other, and whether it is an answer."""
    if _is_draft(row):
        return [(row.prompt, False)]
    if not row.messages:  # most rows: asked for a dozen times each
        return [(row.request, False), (row.completion, True)]
    return [(turn.content, turn.role == "assistant") for turn in row.turns]


def _answers(row: Example) -> list[str]:
    return [text for text, answer in _texts(row) if answer]


def _shown(text: str) -> str:
    text = re.sub(r"\s+", " ", mask(text)).strip()
    return repr(text if len(text) <= SHOWN else text[: SHOWN - 3] + "...")
