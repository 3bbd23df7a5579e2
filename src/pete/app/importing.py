"""Import: sources of writing -> rows of a persona. Everything is read and decided first, then written at once."""

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from pete.app.notify import Notify
from pete.config import Config
from pete.data.authors import EVERYBODY, Author, listed
from pete.data.bulk import many_rows
from pete.data.categories import assign, by_kind, key_of, proposed
from pete.data.checks.prompts import asked_again
from pete.data.examples import Example, load_prompts
from pete.data.import_rows import INCOMING, edits_of, rows_of
from pete.data.import_store import ImportStore, bare_rows, source_record
from pete.data.importer import Imported, Importer, Kept, Wishes
from pete.data.ledger import Ledger
from pete.data.passages import Fullness, Room
from pete.data.render import Renderer
from pete.data.sources.files import Source
from pete.data.sources.record import Reason
from pete.data.split import split_new
from pete.engines.base_models.resolve import look_up_base
from pete.engines.sentence import find_embedder
from pete.errors import DataError, PersonaError
from pete.persona import Persona, did_you_mean, load_persona
from pete.words import counted

ROOM_FOR_PROMPT = 80
"""Tokens of a row that a prompt by rule may have."""
ASKED = 9
"""Authors that a question offers."""


@dataclass
class ImportResult:
    """What an import did, or would do."""

    persona: Persona
    ledger: Ledger
    rows: list[Example]
    edits: int
    written: bool
    notes: list[str] = field(default_factory=list)

    @property
    def answering(self) -> int:
        """Rows whose prompt is what somebody really wrote."""
        return sum(row.origin == INCOMING for row in self.rows)

    def counts(self, key: str) -> dict[str, int]:
        """Rows by one of their fields."""
        return dict(Counter(str(getattr(row, key)) for row in self.rows).most_common())

    def record(self) -> dict[str, Any]:
        """As one JSON object: figures and names of files, no text."""
        return {
            "ledger": self.ledger.record(),
            "rows": len(self.rows),
            "answering": self.answering,
            "edits": self.edits,
            "splits": self.counts("split"),
            "categories": self.counts("category"),
            "written": self.written,
            "notes": self.notes,
        }


@many_rows()
def import_into(
    config: Config, paths: Sequence[Path], wishes: Wishes, notify: Notify, *, category: str = "", dry_run: bool = False
) -> ImportResult:
    """Bring sources into a persona.

    Args:
        config: names the persona, the base whose tokens are counted, and the shares of the split.
        paths: files, folders, zips.
        wishes: whose texts, and which of them.
        notify: told how far it is, and asked who the author is.
        category: of every text, a new one as KEY=TITLE; nothing lets sources, kinds of text or likeness say.
        dry_run: write nothing.

    Raises:
        DataError: nothing is kept, several authors are to choose from, or a source cannot be read; the persona is as it was.
        UserError: persona or base cannot be used.
    """
    persona = load_persona(config.data.persona, empty=True)
    category, is_, title = (part.strip() for part in category.partition("="))
    if category and category not in persona.categories and not (is_ and title):
        raise PersonaError(
            f"{persona.file} has no category {category!r}{did_you_mean(category, list(persona.categories))}",
            f'a new one, with its title: --category "{key_of(category)}=TITLE"',
        )
    store = ImportStore(persona)
    with ExitStack() as stack:
        stack.enter_context(store.lock())
        old = store.rows()
        sources = [stack.enter_context(Source(path)) for path in paths]
        imported = read_sources(sources, wishes, store.known(old), fullness_of(config, persona), notify)
        if category:
            new = {} if category in persona.categories else {key_of(category): title}
            category = next(iter(new), category)
        else:
            new = proposed(imported.kept) if by_kind(old) else {}
            new = {key: title for key, title in new.items() if key not in persona.categories}
        questions = load_prompts(persona.prompts) if persona.prompts.is_file() else []
        asked = [question.prompt for question in questions]
        rows = new_rows(imported.kept, {**persona.categories, **new}, category, old, config, asked)
        new = {key: title for key, title in new.items() if any(row.category == key for row in rows)}
        edits = list(edits_of(imported.kept))
        if not dry_run and rows:
            store.add(imported.kept, rows, edits, entry_of(sources, imported), old, new)
    persona = persona.model_copy(update={"categories": {**persona.categories, **new}})
    return ImportResult(persona, imported.ledger, rows, len(edits), bool(rows) and not dry_run, notes_of(imported, wishes))


def new_rows(
    kept: Sequence[Kept], categories: Mapping[str, str], category: str, old: Sequence[Example], config: Config, asked: Sequence[str] = ()
) -> list[Example]:
    """Rows of texts beside those that are there: each with its category, prompt and split.

    Args:
        kept: the texts.
        categories: key -> title.
        category: of every text; nothing lets them be told apart.
        old: the rows that are there.
        config: has the shares of the split.
        asked: prompts of the evaluation. A row that has one ("Thanks!" asks for many answers) is held out too, unless old rows of
            its topic are trained on: then the check names it.

    Raises:
        PersonaError: nothing tells the category of a text.
    """
    found = [category] * len(kept) if category else assign(kept, categories, old, _vectors)
    rows = rows_of(kept, found, bare_rows(old))
    topics = {row.topic for row in old if row.split != "test"}
    for number in asked_again(asked, rows):
        if rows[number].topic not in topics:
            rows[number] = rows[number].model_copy(update={"split": "test"})
    for number, split in enumerate(split_new(rows, old, config.data)):
        rows[number] = rows[number].model_copy(update={"split": split})
    return rows


def _vectors(texts: Sequence[str]) -> np.ndarray:
    """Vectors of texts by the sentence model, which needs no torch.

    Raises:
        PersonaError: it is not installed.
    """
    embedder = find_embedder()
    if embedder is None:
        raise PersonaError("Nothing tells which category these texts belong to.", "--category KEY puts all of them in one")
    return embedder(texts)


def read_sources(sources: Sequence[Source], wishes: Wishes, known: set[str], fullness: Fullness, notify: Notify) -> Imported:
    """Read sources; who the author is is asked where they do not say.

    Raises:
        DataError: nobody answers that, somebody named wrote nothing, or nothing is kept.
    """
    imported = Importer(wishes, known, fullness).read(sources, notify)
    if undecided := imported.authors.undecided:
        names = [author.names[0] for author in undecided[:ASKED]]
        question = "\n".join(["Several people wrote in these sources. Whose voice is it?", *listed(undecided)])
        if not (chosen := notify.ask(question, [*names, EVERYBODY], "")):
            raise _who(question, undecided)
        imported = Importer(replace(wishes, authors=(chosen,)), known, fullness).read(sources, notify)
    _require_authors(imported)
    _require_something(imported)
    return imported


def fullness_of(config: Config, persona: Persona) -> Fullness:
    """How full a text makes a row of the base that would be trained, beside template, system line and a prompt by rule."""
    base = look_up_base(config.model)
    renderer = Renderer(base.folder, template=persona.template, system=persona.system, context=base.context)
    around = len(renderer.example(Example.model_validate({"prompt": "a", "completion": "a"})))
    room = min(config.data.max_length, base.context) - around - ROOM_FOR_PROMPT
    if room < ROOM_FOR_PROMPT:
        raise DataError(
            f"data.max_length = {config.data.max_length} leaves {max(0, room)} tokens for a text: "
            f"{around} go to the template and the system line.",
            f"--set data.max_length={around + 5 * ROOM_FOR_PROMPT}",
        )
    return Room(lambda text: len(renderer.tokenizer.encode(text, add_special_tokens=False).ids), room)


def entry_of(sources: Sequence[Source], imported: Imported) -> dict[str, Any]:
    """One import, as imports.json keeps it: no text, no path of this machine."""
    return {
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "sources": [source_record(source) for source in sources],
        "authors": imported.authors.wanted,
        "ledger": imported.ledger.record(),
    }


def notes_of(imported: Imported, wishes: Wishes) -> list[str]:
    """What the ledger's figures alone do not say."""
    notes = []
    if imported.undated:
        notes.append(
            f"{counted(imported.undated, 'text')} without a date stayed: whether they are older than {wishes.human_until} nobody can tell"
        )
    if imported.with_system:
        notes.append(f"{counted(imported.with_system, 'text')} had a system line of their own, left out: the persona's stands in its place")
    if mended := sum(file.mended for file in imported.ledger.files):
        notes.append(
            f"{counted(mended, 'text')} had letters that were decoded wrongly once, and now have the right ones; nothing else was changed"
        )
    return notes


def _who(question: str, undecided: Sequence[Author]) -> DataError:
    name = undecided[0].names[0]
    return DataError(question, f'the same command with --author "{name}"; several: repeat it; all of them: --author "{EVERYBODY}"')


def _require_authors(imported: Imported) -> None:
    if not (missing := imported.authors.missing):
        return
    found = imported.authors.all
    names = [name for author in found for name in author.names]
    who = "\n".join(listed(found)) if found else "         nobody: these sources name no author"
    guess = did_you_mean(missing[0], names) if names else ""
    raise DataError(
        f"Nothing in these sources is by {', '.join(missing)}{guess if guess.startswith(', did') else ''}. Who wrote there:\n{who}",
        "--author takes an address, a name or an id as it stands there; leave it out where the sources name nobody",
    )


def _require_something(imported: Imported) -> None:
    ledger = imported.ledger
    if ledger.kept or ledger.dropped[Reason.KNOWN]:
        return
    problems = [f"{count:,} {reason}" for reason, count in ledger.dropped.most_common()]
    problems += [f"{file.label}: {file.problem}" for file in ledger.files if file.problem]
    problems += [f"{file.label}: no text stands in it" for file in ledger.files if not (file.read or file.problem)]
    problems += [f"{name}: {why}" for name, why in ledger.passed_over]
    raise NothingKept(ledger, problems or ["there is no file in it"])


class NothingKept(DataError):
    """An import that keeps nothing is no success."""

    def __init__(self, ledger: Ledger, problems: Sequence[str]) -> None:
        error = DataError.of_problems(f"Nothing was kept of {counted(ledger.read, 'text')} read:", problems)
        shown = "--explain 20 shows what was dropped; " if ledger.dropped else ""
        super().__init__(error.message, f"{shown}docs/data.md has each format, and what is kept of it")
        self.ledger = ledger
