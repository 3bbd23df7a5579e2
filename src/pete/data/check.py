"""Dataset checks: what an editor would question in the rows, one finding a kind, however many rows have it."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from pete.data.artefacts import UNFILLED, blanks_in, broken_in, control_in, entity_in, turns_in
from pete.data.examples import DataFinding, Example, Question, Read, phrase_pattern, phrases_used, read_prompts
from pete.data.text import fold
from pete.persona import EVERYTHING, Persona
from pete.words import counted

SHOWN = 40
"""Characters of what stands in a row that a finding shows."""


def check_data(persona: Persona, read: Read[Example], prompts: Read[Question] | None) -> list[DataFinding]:
    """Everything there is to question in a persona's files, the plainest losses first."""
    return [
        *_passed_over(persona),
        *read.findings,
        *(prompts.findings if prompts else ()),
        *check_examples(read.rows, persona),
        *check_prompts(prompts.rows if prompts else (), read.rows),
        *_check_system(persona),
    ]


def persona_prompts(persona: Persona) -> Read[Question] | None:
    """The persona's held-out prompts, where it has any; raises DataError for what cannot be read."""
    return read_prompts(persona.prompts) if persona.prompts.is_file() else None


def check_examples(rows: Sequence[Example], persona: Persona) -> list[DataFinding]:
    """Marks, broken letters and blanks in the texts; repeated answers, categories and words that the persona does not have."""
    given = [row for row in rows if "category" in row.model_fields_set]
    unknown = Counter(row.category for row in given if row.category not in persona.categories)
    names = ", ".join(f"{name!r} {count}" for name, count in unknown.most_common())[:200]
    checks: list[tuple[str, str, str, str, Callable[[Example], Iterable[str]]]] = [
        ("control marks", "row", "hold", "control marks of a chat template, and would be put into a second one (write the bare text into "
         "prompt and completion)", _control_marks),
        ("broken characters", "row", "hold", "broken characters, decoded wrongly once", _broken),
        ("markup", "row", "hold", "the markup of a web page", _markup),
        ("blanks", "row", "leave", "a blank to be filled in", lambda row: _blanks(row, persona)),
        ("repeated answer", "row", "repeat", "the same completion as an earlier one", _repeated()),
        ("unknown category", "row", "have", f"a category that is not one of {', '.join(sorted(persona.categories))} ({names})",
         lambda row: [repr(row.category)] if "category" in row.model_fields_set and row.category in unknown else []),
        ("no category", "row", "have", "no category, others do",  # where no row has one, the persona simply has rows without
         lambda row: [""] if given and "category" not in row.model_fields_set else []),
        ("avoid", "answer", "use", "what persona.toml says to avoid", _avoided(persona)),
        ("stop", "answer", "hold", "a stop string of persona.toml, which ends answers there",
         lambda row: [repr(stop) for stop in persona.stop if any(stop in f"\n{text}" for text in _answers(row))]),
    ]  # fmt: skip
    findings: list[DataFinding] = []
    for kind, noun, verb, rest, look in checks:
        if places := [(row.source, shown) for row in rows for shown in look(row)]:
            ending = verb if len(places) > 1 else "has" if verb == "have" else f"{verb}s"
            findings.append(DataFinding.of(kind, f"{counted(len(places), noun)} {ending} {rest}", places))
    return findings


def check_prompts(prompts: Sequence[Question], rows: Sequence[Example]) -> list[DataFinding]:
    """Prompts of the evaluation that stand in rows which may be trained on."""
    trained = {same_prompt(row.prompt): row.source for row in reversed(rows) if row.split in (None, "train")}
    places = [
        (prompt.source, f"as in {trained[key].rpartition('/')[2]}") for prompt in prompts if (key := same_prompt(prompt.prompt)) in trained
    ]
    also = "of the evaluation also stands" if len(places) == 1 else "of the evaluation also stand"
    message = f"{counted(len(places), 'prompt')} {also} in the examples: what was trained is no test"
    return [DataFinding.of("trained prompt", message, places)] if places else []


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


def _blanks(row: Example, persona: Persona) -> Iterable[str]:
    limits = [persona.limits.get(EVERYTHING), persona.limits.get(row.category), persona.formats.get(row.format)]
    if any(limit is not None and limit.placeholders for limit in limits):
        return []
    answered = [hit for text in _answers(row) for hit in blanks_in(text) if hit.group() not in row.prompt]
    return [_shown(hit.group()) for hit in [*blanks_in(row.prompt, UNFILLED), *answered][:1]]


def _repeated() -> Callable[[Example], Iterable[str]]:
    first: dict[str, str] = {}

    def look(row: Example) -> Iterable[str]:
        key = " ".join(row.completion.lower().split())
        earlier = first.setdefault(key, row.source) if not row.augmented_from else row.source
        return [f"as in {earlier.rpartition('/')[2]}"] if key and earlier != row.source else []

    return look


def _avoided(persona: Persona) -> Callable[[Example], Iterable[str]]:
    banned = phrase_pattern(persona.avoid)
    phrases = [re.findall(r"\w+", phrase.lower()) for phrase in persona.avoid]

    def look(row: Example) -> Iterable[str]:
        for text in _answers(row):
            low = text.lower()  # to look for words costs a hundredth of the pattern
            if any(all(word in low for word in words) for words in phrases) and (hits := phrases_used(banned, text, row.prompt)):
                return [_shown(hits[0].group())]
        return []

    return look


def _check_system(persona: Persona) -> list[DataFinding]:
    hits = [hit for hit in (control_in(persona.system), broken_in(persona.system), *blanks_in(persona.system, UNFILLED)) if hit]
    places = [(str(persona.file), _shown(hit.group())) for hit in hits[:1]]
    return [DataFinding.of("system line", "the system line holds a mark or a blank", places)] if places else []


def _passed_over(persona: Persona) -> list[DataFinding]:
    names = persona.passed_over
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    message = f"examples/ also holds {', '.join(names[:10])}{more}: not read, rows come from *.jsonl"
    return [DataFinding("files passed over", message, len(names))] if names else []


def _texts(row: Example) -> list[tuple[str, bool]]:
    """Every text of a row, and whether it is an answer."""
    return [(turn.content, turn.role == "assistant") for turn in row.turns]


def _answers(row: Example) -> list[str]:
    return [text for text, answer in _texts(row) if answer]


def same_prompt(prompt: str) -> str:
    """A prompt as it is compared with another: blanks, capitals and the kind of quotation marks make no difference."""
    return " ".join(fold(prompt).casefold().split())


def _shown(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    return repr(text if len(text) <= SHOWN else text[: SHOWN - 3] + "...")
