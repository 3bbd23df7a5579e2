"""Pairs: prompts for texts that have one by rule only, written by the base or by a model behind an address, kept where they hold."""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pete.app.notify import Notify
from pete.config import Config
from pete.data.check import persona_prompts
from pete.data.examples import Example, load_examples, written
from pete.data.import_rows import RULE
from pete.data.row_files import replace_rows
from pete.engines.sentence import Embed, Embedder
from pete.errors import DataError, UserError, WorkError
from pete.generate.pairs.back_translate import BackTranslation, Bare
from pete.generate.pairs.tries import Tries
from pete.generate.pairs.writers import BASE, TOKENS, AddressWriter, BaseWriter, Kept, Writer
from pete.persona import Persona, load_persona, require_own
from pete.words import counted

TRIES = 3


@dataclass(frozen=True)
class Pairs:
    """What came of it: texts that had a prompt by rule, those that got another, why the rest did not."""

    persona: Persona
    by: str
    """Origin of the new prompts."""
    texts: int
    made: int
    refused: Counter[StrEnum]
    asked: int
    """Questions asked this time; the other answers were on disk."""

    def record(self) -> dict[str, Any]:
        """As one JSON object."""
        return {
            "persona": str(self.persona.folder), "by": self.by, "texts": self.texts, "made": self.made, "by_rule": self.texts - self.made,
            "refused": {refusal.name.lower(): count for refusal, count in self.refused.most_common()}, "asked": self.asked,
        }  # fmt: skip


def open_writer(
    config: Config, by: str, model: str | None, persona: Persona, notify: Notify, environ: Mapping[str, str] = os.environ,
    tokens: int = TOKENS,
) -> Kept:  # fmt: skip
    """Whoever `--by` names, its answers kept in the persona's folder. Nothing is sent.

    Args:
        config: names the base.
        by: "base", or an address.
        model: its name there.
        persona: whose folder keeps the answers.
        notify: told what is loaded.
        environ: holds the key.
        tokens: of the base's longest answer.

    Raises:
        UserError: it cannot be asked, or the persona's folder is not one's own.
    """
    require_own(persona)
    writer: Writer
    if by == BASE:
        if model is not None:
            raise UserError("--model names a model behind an address; the base is the configuration's.", "--set model.base=NAME")
        notify.message(f"loading {config.model.base} ...", "working")
        writer = BaseWriter(config, tokens)
    elif "://" not in by:
        raise UserError(f"--by {by!r} is neither base nor an address.", "--by base, or --by http://127.0.0.1:11434/v1 --model NAME")
    else:
        writer = AddressWriter.of(by, model, environ)
    return Kept(writer, persona.folder / "written.jsonl")


def make_pairs(
    config: Config,
    notify: Notify,
    by: str = BASE,
    model: str | None = None,
    tries: int = TRIES,
    embed: Embed | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Pairs:
    """Have prompts written for the persona's bare texts; those that hold go into its files, in one step a file.

    Broken off, what was made by then is kept, and the same call asks only for the rest.

    Args:
        config: names the persona, and the base.
        notify: told what goes where before anything does.
        by: "base", or an address.
        model: its name there.
        tries: how often a text is tried.
        embed: sentence vectors; nothing takes the installed model.
        environ: holds the key.

    Raises:
        DataError: no row has a prompt by rule, or the sentence model is missing. UserError: the writer cannot be asked.
        WorkError: it cannot be asked any more.
    """
    persona = load_persona(config.data.persona)
    rows = load_examples(persona.examples)
    bare = [row for row in rows if _is_bare(row)]
    if not bare:
        texts = sum(row.task == "write" for row in written(rows))
        raise DataError(
            f"No row of {persona.folder.name} has a prompt by rule (origin {RULE!r}, as pete data import makes them): there is nothing to "
            "write for.",
            f"pete data pairs --persona {persona.cli_argument} --task rewrite has drafts made of its {counted(texts, 'text')}, from which "
            "rewriting is learned",
        )
    embed = embed or Embedder()
    held_out = persona_prompts(persona)
    writer = open_writer(config, by, model, persona, notify, environ)
    session = BackTranslation(
        [Bare(row.completion, row.prompt, row.topic, row.format) for row in bare],
        [row.prompt for row in rows if not _is_bare(row) and row.task == "write" and not row.augmented_from],
        [prompt.prompt for prompt in (held_out.rows if held_out else ())],
        embed,
    )
    made = ask_all(session, writer, tries, notify, lambda: _keep(session, bare, persona, writer.origin))
    return Pairs(persona, writer.origin, len(bare), made, session.counts(), writer.asked)


def ask_all(session: Tries, writer: Kept, tries: int, notify: Notify, keep: Callable[[], int]) -> int:
    """Put a session's questions to a writer, said before anything is asked; how many of its answers were kept.

    Args:
        session: what is asked.
        writer: who is asked.
        tries: how often each is tried.
        notify: told what goes where, and how it goes on.
        keep: writes what may be kept into the persona, and counts it; called once, at the end or where it was broken off.

    Raises:
        WorkError: the writer cannot be asked any more; what was made is kept.
    """
    notify.message(writer.announcement(session.questions()))
    try:
        session.run(writer, tries, notify.progress)
    except WorkError as error:
        made = f"{error.message} {keep()} {session.noun} are made and kept."
        raise WorkError(made, f"{error.hint}; the same command asks only for the rest") from None
    except KeyboardInterrupt:
        notify.message(f"{keep()} {session.noun} are made and kept; the same command asks only for the rest", "note")
        raise
    return keep()


def _is_bare(row: Example) -> bool:
    return row.origin == RULE and row.task == "write" and not row.messages and not row.augmented_from


def _keep(session: BackTranslation, bare: Sequence[Example], persona: Persona, origin: str) -> int:
    made = session.settle()
    new = {(bare[number].key, bare[number].completion): {"prompt": prompt, "origin": origin} for number, prompt in made.items()}
    replace_rows(persona.examples, new)
    return len(made)
