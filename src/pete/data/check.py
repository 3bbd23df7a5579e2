"""What an editor would question in a dataset: one finding a kind of thing, however many rows have it."""

import re
from collections import Counter
from collections.abc import Callable, Sequence

from pete.data.examples import Example, Finding, Question, Read, phrase_pattern, phrases_used, read_prompts
from pete.data.marks import UNFILLED, blanks_in, broken_in, control_in, entity_in, turns_in
from pete.data.text import fold
from pete.persona import EVERYTHING, Persona
from pete.words import counted

SHOWN = 40
"""Characters of what stands in a row that a finding shows."""


def check_data(persona: Persona, read: Read[Example], prompts: Read[Question] | None) -> list[Finding]:
    """Everything there is to question in a persona's files, the plainest losses first."""
    found = [*_passed_over(persona), *read.findings, *(prompts.findings if prompts else ())]
    return [
        *found,
        *check_examples(read.rows, persona),
        *check_prompts(prompts.rows if prompts else (), read.rows),
        *_check_system(persona),
    ]


def persona_prompts(persona: Persona) -> Read[Question] | None:
    """The persona's held-out prompts, where it has any; raises DataError for what cannot be read."""
    return read_prompts(persona.prompts) if persona.prompts.is_file() else None


def check_examples(rows: Sequence[Example], persona: Persona) -> list[Finding]:
    """Marks, wrecks and blanks in the texts; repeated answers, categories and words that the persona does not have."""
    return [*_check_texts(rows), *_blanks(rows, persona), *_repeated(rows), *_categories(rows, persona), *_words(rows, persona)]


def check_prompts(prompts: Sequence[Question], rows: Sequence[Example]) -> list[Finding]:
    """Prompts of the evaluation that stand in rows which may be trained on."""
    trained = {same_prompt(row.prompt): row.source for row in reversed(rows) if row.split in (None, "train")}
    places = [
        (prompt.source, f"as in {trained[key].rpartition('/')[2]}") for prompt in prompts if (key := same_prompt(prompt.prompt)) in trained
    ]
    return _finding(
        "trained prompt",
        places,
        lambda n: f"{counted(n, 'prompt')} of the evaluation also {_s('stand', n)} in the examples: what was trained is no test",
    )


def _check_texts(rows: Sequence[Example]) -> list[Finding]:
    marks: list[tuple[str, str]] = []
    wrecks: list[tuple[str, str]] = []
    pages: list[tuple[str, str]] = []
    for row in rows:
        for text, answer in _texts(row):
            if (mark := _mark(text, answer)) and not _last(marks, row):
                marks.append((row.source, _shown(mark.group())))
            if (wreck := broken_in(text)) and not _last(wrecks, row):
                wrecks.append((row.source, _shown(text[max(0, wreck.start() - 6) : wreck.end() + 6])))
            if (entity := entity_in(text)) and not _last(pages, row):
                pages.append((row.source, _shown(entity.group())))
    return [
        *_finding(
            "control marks",
            marks,
            lambda n: (
                f"{counted(n, 'row')} {_s('hold', n)} control marks of a chat template, and would be put into a second one "
                "(write the bare text into prompt and completion)"
            ),
        ),
        *_finding("broken characters", wrecks, lambda n: f"{counted(n, 'row')} {_s('hold', n)} broken characters, decoded wrongly once"),
        *_finding("markup", pages, lambda n: f"{counted(n, 'row')} {_s('hold', n)} the markup of a web page"),
    ]


def _blanks(rows: Sequence[Example], persona: Persona) -> list[Finding]:
    places = []
    for row in rows:
        limits = [persona.limits.get(EVERYTHING), persona.limits.get(row.category), persona.formats.get(row.format)]
        if any(limit is not None and limit.placeholders for limit in limits):
            continue
        said = [hit for text in _answers(row) for hit in blanks_in(text) if hit.group() not in row.prompt]
        blank = next(iter([*blanks_in(row.prompt, UNFILLED), *said]), None)
        if blank:
            places.append((row.source, _shown(blank.group())))
    return _finding("blanks", places, lambda n: f"{counted(n, 'row')} {_s('leave', n)} a blank to be filled in")


def _repeated(rows: Sequence[Example]) -> list[Finding]:
    first: dict[str, str] = {}
    places = []
    for row in rows:
        key = " ".join(row.completion.lower().split())
        if key and first.setdefault(key, row.source) != row.source:
            places.append((row.source, f"as in {first[key].rpartition('/')[2]}"))
    return _finding("repeated answer", places, lambda n: f"{counted(n, 'row')} {_s('repeat', n)} the same completion as an earlier one")


def _categories(rows: Sequence[Example], persona: Persona) -> list[Finding]:
    known = ", ".join(sorted(persona.categories))
    given = [row for row in rows if "category" in row.model_fields_set]
    without = [(row.source, "") for row in rows if "category" not in row.model_fields_set]
    unknown = [(row.source, repr(row.category)) for row in given if row.category not in persona.categories]
    names = ", ".join(
        f"{name!r} {count}" for name, count in Counter(row.category for row in given).most_common() if name not in persona.categories
    )
    found = _finding(
        "unknown category", unknown, lambda n: f"{counted(n, 'row')} {_s('have', n)} a category that is not one of {known} ({names[:200]})"
    )
    # where no row has one, the persona simply has rows without
    return found + (
        _finding("no category", without, lambda n: f"{counted(n, 'row')} {_s('have', n)} no category, others do") if given else []
    )


def _words(rows: Sequence[Example], persona: Persona) -> list[Finding]:
    banned = phrase_pattern(persona.avoid)
    phrases = [re.findall(r"\w+", phrase.lower()) for phrase in persona.avoid]
    used = []
    for row in rows:
        for text in _answers(row):
            low = text.lower()  # to look for words costs a hundredth of the pattern
            if any(all(word in low for word in words) for words in phrases) and (hits := phrases_used(banned, text, row.prompt)):
                used.append((row.source, _shown(hits[0].group())))
                break
    stopped = [(row.source, repr(stop)) for row in rows for stop in persona.stop if any(stop in f"\n{text}" for text in _answers(row))]
    return [
        *_finding("avoid", used, lambda n: f"{counted(n, 'answer')} {_s('use', n)} what persona.toml says to avoid"),
        *_finding(
            "stop", stopped, lambda n: f"{counted(n, 'answer')} {_s('hold', n)} a stop string of persona.toml, which ends answers there"
        ),
    ]


def _check_system(persona: Persona) -> list[Finding]:
    hits = [hit for hit in (control_in(persona.system), broken_in(persona.system), *blanks_in(persona.system, UNFILLED)) if hit]
    place = str(persona.folder / "persona.toml")
    return _finding("system line", [(place, _shown(hits[0].group()))] if hits else [], lambda _: "the system line holds a mark or a blank")


def _passed_over(persona: Persona) -> list[Finding]:
    names = persona.passed_over
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    message = f"examples/ also holds {', '.join(names[:10])}{more}: not read, rows come from *.jsonl"
    return [Finding("files passed over", message, len(names))] if names else []


def _texts(row: Example) -> list[tuple[str, bool]]:
    """Every text of a row, and whether it is an answer."""
    turns = [(message.content, message.role == "assistant") for message in row.messages]
    return turns or [(row.prompt, False), (row.completion, True)]


def _answers(row: Example) -> list[str]:
    return [text for text, answer in _texts(row) if answer]


def _mark(text: str, answer: bool) -> re.Match[str] | None:
    # a line such as "User:" may be quoted in a prompt; in an answer the model would learn to play both parts
    return control_in(text) or next((turn for turn in turns_in(text) if answer or "#" in turn.group()), None)


def _finding(kind: str, places: Sequence[tuple[str, str]], words: Callable[[int], str]) -> list[Finding]:
    return [Finding.of(kind, words(len(places)), places)] if places else []


def _last(places: Sequence[tuple[str, str]], row: Example) -> bool:
    return bool(places) and places[-1][0] == row.source


def same_prompt(prompt: str) -> str:
    """A prompt as it is compared with another: blanks, capitals and the kind of quotation marks make no difference."""
    return " ".join(fold(prompt).casefold().split())


def _shown(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    return repr(text if len(text) <= SHOWN else text[: SHOWN - 3] + "...")


def _s(verb: str, count: int) -> str:
    return verb if count != 1 else "has" if verb == "have" else f"{verb}s"
