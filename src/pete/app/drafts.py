"""Drafts: the author's texts said in nobody's voice, by the base or a model behind an address, so that rewriting can be learned."""

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pete.app.notify import Notify
from pete.app.pairs import TRIES, ask_all, open_writer
from pete.config import Config
from pete.data.check import persona_prompts
from pete.data.edits import read_edits
from pete.data.examples import Draft, Example, Question, load_examples, written
from pete.data.passages import Room, passages
from pete.data.render import Renderer
from pete.data.row_files import append_rows, rewrite_rows
from pete.data.split import split_rows
from pete.data.task_share import FOLLOWING
from pete.data.text import words
from pete.engines.base_models.resolve import look_up_base
from pete.engines.sentence import Embed, Embedder
from pete.errors import DataError, UserError
from pete.generate.pairs.draft_kinds import KINDS, prompt_name
from pete.generate.pairs.drafting import Drafting, Wanted
from pete.generate.pairs.writers import BASE
from pete.persona import Persona, did_you_mean, load_persona

FILE = "rewrite.jsonl"
"""Below examples/."""
PER_TEXT = 2
"""Drafts of a text by one writer, each of another kind."""
MOST = 4
"""Drafts of a text by all writers together: what it says must not be learned by heart."""
PER_DOCUMENT = 12
"""Texts of one topic (a thread, a document) that get drafts; as many a chat as a field report gave best results with."""
FEWEST = 4
"""Words of a text; of fewer there are not two ways of saying them."""
PAIR = 2.4
"""A text must fit so many times into a row: it stands there beside its draft."""


class Passed(StrEnum):
    """Why a text gets no draft this time; the value is what the summary says."""

    SHORT = f"fewer than {FEWEST} words"
    LONG = "a sentence alone is too long for a row with its draft"
    DOCUMENT = f"beyond {PER_DOCUMENT} texts of one topic"
    THERE = "has drafts by this writer"
    FULL = f"has {MOST} drafts"


@dataclass(frozen=True)
class Text:
    """A text, or a passage of one, that drafts are made of."""

    text: str
    row: Example | Question
    split: str
    """Of its row; "evaluation" for the answer to a prompt of the evaluation."""


@dataclass(frozen=True)
class Drafts:
    """What came of it."""

    persona: Persona
    by: str
    texts: int
    """Texts and passages of any split."""
    wanted: int
    made: Counter[tuple[str, str]]
    """(kind, split) -> drafts."""
    refused: Counter[StrEnum]
    passed: Counter[Passed]
    asked: int
    """Questions asked this time; the other answers were on disk."""

    def record(self) -> dict[str, Any]:
        """As one JSON object: counts alone, no text. `wanted` is what was made plus what was refused, by reason."""
        kinds, splits = Counter[str](), Counter[str]()
        for (kind, split), count in self.made.items():
            kinds[kind] += count
            splits[split] += count
        return {
            "persona": str(self.persona.folder), "by": self.by, "texts": self.texts, "wanted": self.wanted, "made": self.made.total(),
            "kinds": dict(kinds), "splits": dict(splits), "refused": {flaw.name.lower(): n for flaw, n in self.refused.most_common()},
            "passed": {why.name.lower(): n for why, n in self.passed.most_common()}, "asked": self.asked,
        }  # fmt: skip


def make_drafts(
    config: Config,
    notify: Notify,
    by: str = BASE,
    model: str | None = None,
    kinds: Sequence[str] = (),
    per_text: int | None = None,
    tries: int = TRIES,
    embed: Embed | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Drafts:
    """Have drafts written of the persona's texts; those that hold become rows of examples/rewrite.jsonl, or `drafts` of its prompts.

    Broken off, what was made by then is kept, and the same call asks only for the rest. Another writer adds its own.

    Args:
        config: names the persona, and the base.
        notify: told what goes where before anything does.
        by: "base", or an address.
        model: its name there.
        kinds: of `KINDS`, in turn from text to text; nothing takes all.
        per_text: drafts of a text by this writer; nothing is two, or one where there is one kind.
        tries: how often one is tried.
        embed: sentence vectors; nothing takes the installed model.
        environ: holds the key.

    Raises:
        DataError: there is no text to make a draft of, or the sentence model is missing. UserError: it cannot be done as asked.
        WorkError: the writer cannot be asked any more.
    """
    persona = load_persona(config.data.persona)
    rows = load_examples(persona.examples)
    chosen = _kinds(kinds, rows)
    if per_text is None:
        per_text = min(PER_TEXT, len(chosen))
    elif per_text > len(chosen):
        raise UserError(f"--per-text {per_text}: each draft of a text is of another kind, and there are {len(chosen)}.", "name more kinds")
    renderer = _renderer(config, persona)
    length = min(config.data.max_length, renderer.context)
    passed: Counter[Passed] = Counter()
    texts = _texts(persona, rows, config, Room(lambda text: len(renderer.encode(text)), max(1, int(length / PAIR))), passed)
    if not texts:
        raise DataError(
            f"{persona.folder.name} has no text that a draft could be made of.", f"pete data check --persona {persona.cli_argument}"
        )
    embed = embed or Embedder()
    writer = open_writer(config, by, model, persona, notify, environ, tokens=length)
    asked = _asked(texts, rows, chosen, per_text, writer.origin, passed)

    def fits(draft: str, text: str) -> bool:
        return len(renderer.example(Example.model_validate({"task": "rewrite", "prompt": draft, "completion": text}))) <= length

    session = Drafting([one for one, _ in asked], embed, fits)
    made: Counter[tuple[str, str]] = Counter()

    def keep() -> int:
        done = session.settle()
        new = [(asked[number][1], session.wanted[number].kind, draft) for number, draft in sorted(done.items())]
        _keep(persona, new, writer.origin)
        made.update((kind, text.split) for text, kind, _ in new)
        return len(done)

    ask_all(session, writer, tries, notify, keep)
    return Drafts(persona, writer.origin, len(texts), len(asked), made, session.counts(), passed, writer.asked)


def origin_of(writer: str, kind: str) -> str:
    """Who wrote a draft, asked in which words: "url:HOST MODEL, plain-3f2a1c"."""
    return f"{writer}, {prompt_name(kind)}"


def _kinds(kinds: Sequence[str], rows: Sequence[Example]) -> list[str]:
    if wrong := [kind for kind in kinds if kind not in KINDS]:
        raise UserError(f"--kind {wrong[0]}: no such kind{did_you_mean(wrong[0], [*KINDS])}", "pete data pairs --help")
    chosen = [kind for kind in KINDS if kind in kinds] or [*KINDS]
    there = {row.draft_kind for row in rows if row.draft_kind}
    if len({*chosen, *there}) < 2:
        raise UserError(f"--kind {chosen[0]} alone: who learns from one kind of draft rewrites no other.", "name a second --kind, or none")
    return chosen


def _texts(persona: Persona, rows: Sequence[Example], config: Config, room: Room, passed: Counter[Passed]) -> list[Text]:
    """What drafts are made of, in an order that follows no file: the author's texts of all splits, and the evaluation's answers."""
    own = [row for row in written(rows) if row.task == "write"]
    splits = {id(row): name for name, part in split_rows([*rows, *read_edits(persona.edits)], config.data).items() for row in part}
    held_out = persona_prompts(persona)
    found: list[Text] = []
    documents: Counter[str] = Counter()
    for row in sorted(own, key=lambda row: hashlib.sha256(row.key.encode()).digest()):
        for piece in _pieces(row.completion, room, passed):
            documents[row.topic] += 1
            if row.topic and documents[row.topic] > PER_DOCUMENT:
                passed[Passed.DOCUMENT] += 1
            else:
                found.append(Text(piece, row, splits.get(id(row), "train")))
    for prompt in held_out.rows if held_out else ():
        pieces = _pieces(prompt.reference, room, passed) if prompt.reference else []
        if len(pieces) > 1:
            passed[Passed.LONG] += 1
        found += [Text(piece, prompt, "evaluation") for piece in pieces if len(pieces) == 1]
    return found


def _pieces(text: str, room: Room, passed: Counter[Passed]) -> list[str]:
    if len(words(text)) < FEWEST:
        passed[Passed.SHORT] += 1
        return []
    pieces = passages(text, room)
    if not pieces:
        passed[Passed.LONG] += 1
    return pieces


def _asked(
    texts: Sequence[Text], rows: Sequence[Example], kinds: Sequence[str], per_text: int, writer: str, passed: Counter[Passed]
) -> list[tuple[Wanted, Text]]:
    """The drafts that are still to be made: of kinds that a text lacks before others, those that follow it first, none twice by one writer.

    What the evaluation asks is what people hand over, and that follows nobody's text: no light or close draft is made there.
    """
    there: dict[tuple[str, str], list[Draft]] = defaultdict(list)
    for row in rows:
        if row.task == "rewrite" and row.augmented_from:
            there[row.augmented_from, row.completion].append(Draft(row.draft_kind, row.prompt, row.origin))
    found: list[tuple[Wanted, Text]] = []
    for number, text in enumerate(texts):
        row = text.row
        before = row.drafts if isinstance(row, Question) else there[row.key, text.text]
        own = {draft.kind for draft in before if draft.origin.startswith(f"{writer}, ")}
        all_kinds = {draft.kind for draft in before}
        turned = [kinds[(number + step) % len(kinds)] for step in range(len(kinds))]
        room = min(per_text - len(own), MOST - len(before))
        if room <= 0:
            passed[Passed.THERE if per_text <= len(own) else Passed.FULL] += 1
            continue
        lacking = [kind for kind in turned if kind not in own and (kind not in FOLLOWING or text.split != "evaluation")]
        wanted = sorted(lacking, key=lambda kind: (kind in all_kinds, kind not in FOLLOWING))[:room]
        drafts = tuple(draft.text for draft in before)
        found += [(Wanted(text.text, kind, row.format, drafts, text.split == "evaluation"), text) for kind in wanted]
    return found


def _keep(persona: Persona, new: Sequence[tuple[Text, str, str]], writer: str) -> None:
    records: list[dict[str, Any]] = []
    drafts: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for text, kind, draft in new:
        row, origin = text.row, origin_of(writer, kind)
        if isinstance(row, Question):
            drafts[row.prompt, row.reference].append({"kind": kind, "text": draft, "origin": origin})
            continue
        name = hashlib.sha256(f"{draft}\0{text.text}".encode()).hexdigest()[:6]
        records.append(
            {"id": f"{row.key}-{kind}-{name}", "category": row.category, "format": row.format, "topic": row.topic, "date": row.date,
             "task": "rewrite", "prompt": draft, "completion": text.text, "draft_kind": kind, "origin": origin,
             "augmented_from": row.key}
        )  # fmt: skip
    append_rows(persona.folder / "examples" / FILE, [{key: value for key, value in one.items() if value} for one in records])

    def change(record: dict[str, Any]) -> dict[str, Any]:
        more = drafts.get((str(record.get("prompt")), str(record.get("reference", ""))))
        return {**record, "drafts": [*record.get("drafts", ()), *more]} if more else record

    if drafts:
        rewrite_rows(persona.prompts, change)


def _renderer(config: Config, persona: Persona) -> Renderer:
    base = look_up_base(config.model)
    return Renderer(base.folder, template=persona.template, system=persona.system, context=base.context)
