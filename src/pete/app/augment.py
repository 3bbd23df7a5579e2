"""Augment: more rows out of the training rows, in a file of their own, and out of it again."""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pete.app.notify import Notify
from pete.app.pairs import open_writer
from pete.config import Config
from pete.data.augment.rows import FILE, KINDS, Kind, Making, Other, Passed, by_rule, kind_of, make, records, unfit
from pete.data.check import persona_prompts
from pete.data.edits import persona_rows
from pete.data.examples import Example, load_examples, written
from pete.data.row_files import append_rows, rewrite_rows
from pete.data.split import split_rows
from pete.errors import UserError
from pete.generate.pairs.paraphrase import by_writer
from pete.generate.pairs.question import ask_for_paraphrase
from pete.persona import Persona, did_you_mean, load_persona

RULE = "rule"
"""What `--by` calls paraphrases without a model."""


@dataclass(frozen=True)
class Request:
    """What is asked for; see the options of `pete data augment`."""

    kinds: Sequence[str]
    """Of `KINDS`."""
    by: str = RULE
    model: str | None = None
    per_row: int = 1
    most: int | None = None
    """Rows of each kind in all; None is half as many as there are training rows."""
    categories: Sequence[str] = ()


@dataclass(frozen=True)
class Augmented:
    """What was made."""

    persona: Persona
    file: Path
    training: int
    """The author's rows that are trained on."""
    made: list[Example]
    there: Counter[str]
    """Rows of each kind that were there before."""
    passed: Counter[tuple[Kind, Passed]]

    def record(self) -> dict[str, Any]:
        """As one JSON object: counts alone, no text."""
        passed: dict[str, dict[str, int]] = {}
        for (kind, why), count in self.passed.most_common():
            passed.setdefault(kind, {})[why.name.lower()] = count
        return {
            "file": str(self.file), "training": self.training, "made": dict(Counter(map(kind_of, self.made))), "there": dict(self.there),
            "passed": passed,
        }  # fmt: skip


def augment(config: Config, request: Request, notify: Notify, environ: Mapping[str, str] = os.environ) -> Augmented:
    """Make rows of the persona's training rows and put them into examples/augmented.jsonl.

    What is held out is never touched, and `split_rows` trains on such a row only beside the one it was made from.

    Raises:
        UserError: it cannot be done as asked. WorkError: a model behind an address cannot be asked any more.
    """
    persona = load_persona(config.data.persona)
    _refuse_contradictions(request, persona)
    rows = persona_rows(persona).rows
    training = [
        row
        for row in written(split_rows(rows, config.data)["train"])
        if row.task == "write" and (not request.categories or row.category in request.categories)
    ]
    held_out = persona_prompts(persona)
    banned = [prompt.prompt for prompt in (held_out.rows if held_out else ())]
    most = request.most if request.most is not None else max(1, len(training) // 2)
    made: list[Example] = []
    passed: Counter[tuple[Kind, Passed]] = Counter()
    named = bool(request.categories)
    for kind in kinds_of(request.kinds):
        others = by_rule(kind)
        if kind == "paraphrase" and request.by != RULE:
            others = _asked(config, request, persona, [row for row in training if unfit(kind, row, named) is None][:most], notify, environ)
        making: Making = make(kind, training, [*rows, *made], banned, request.per_row, most, named, others)
        if kind == "paraphrase" and request.by != RULE:  # none of what came back could be used
            making.passed[kind, Passed.REFUSED] += making.passed.pop((kind, Passed.NO_REQUEST), 0)
        made += making.rows
        passed += making.passed
    file = persona.folder / "examples" / FILE
    append_rows(file, list(records(made)))
    return Augmented(persona, file, len(training), made, Counter(kind for row in rows if (kind := kind_of(row))), passed)


def kinds_of(words: Sequence[str]) -> list[Kind]:
    """Kinds as they were typed, each once; raises UserError for what is none."""
    if wrong := [word for word in words if word not in KINDS]:
        raise UserError(f"--kind {wrong[0]}: no such kind{did_you_mean(wrong[0], [*KINDS])}", "pete data augment --help")
    return [kind for kind in KINDS if kind in words]


def remove(config: Config, kinds: Sequence[str] = ()) -> Counter[str]:
    """Take augmented rows out again, of some kinds or all; how many of each. The author's rows are never touched.

    Raises:
        UserError: the rows cannot be read.
    """
    persona = load_persona(config.data.persona)
    kinds = kinds_of(kinds)
    gone: Counter[str] = Counter()
    made = [row for row in load_examples(persona.examples) if row.augmented_from and row.task == "write"]
    names = {row.id: kind_of(row) for row in made if not kinds or kind_of(row) in kinds}

    def change(record: dict[str, Any]) -> dict[str, Any] | None:
        if not record.get("augmented_from") or record.get("task") == "rewrite" or str(record.get("id")) not in names:
            return record
        gone[names[str(record["id"])]] += 1
        return None

    for path in persona.examples:
        rewrite_rows(path, change)
    return gone


def _asked(
    config: Config, request: Request, persona: Persona, rows: Sequence[Example], notify: Notify, environ: Mapping[str, str]
) -> Callable[[Example], list[Other] | None]:
    writer = open_writer(config, request.by, request.model, persona, notify, environ)
    notify.message(writer.announcement([ask_for_paraphrase(row.prompt) for row in rows], request.per_row))
    return by_writer(writer, rows, request.per_row, notify.progress)


def _refuse_contradictions(request: Request, persona: Persona) -> None:
    if not kinds_of(request.kinds):
        raise UserError("Nothing says what to make.", "--kind paraphrase, --kind windows or --kind noise; several may be given")
    if request.by != RULE and "paraphrase" not in request.kinds:
        raise UserError("--by says who writes paraphrases; windows and noise need no model.", "add --kind paraphrase, or leave out --by")
    if request.model is not None and request.by == RULE:
        raise UserError("--model names a model behind an address.", "--by URL --model NAME")
    if wrong := [name for name in request.categories if name not in persona.categories]:
        raise UserError(f"--category {wrong[0]}: the persona has {', '.join(persona.categories)}.", "write it as persona.toml does")
