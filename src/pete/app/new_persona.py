"""A new persona from somebody's writing: read and understood first, then made whole, in one step."""

import os
import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pete.app import train
from pete.app.importing import ImportResult, entry_of, fullness_of, new_rows, notes_of, read_sources
from pete.app.notify import Notify
from pete.app.unattended import FALLBACK, PRESETS
from pete.config import BUILT_IN_BASES, Config, in_toml, resolve
from pete.data.categories import key_of, proposed
from pete.data.import_rows import edits_of, questions_of
from pete.data.import_store import ImportStore
from pete.data.importer import Imported, Wishes
from pete.data.persona_files import IGNORE, data_card, persona_toml, system_line
from pete.data.profile import Profile, profile_of
from pete.data.sources.files import Source
from pete.errors import PersonaError, UserError
from pete.persona import Persona, load_persona
from pete.places import expand, own_personas
from pete.resources import PRESETS as CONFIGS

UNKNOWN_BASE_RATE = 4e-4
"""Learning rate for a base that no preset has: most are larger than quickstart's, and take smaller steps."""
_PERSON = re.compile(r"[^\W\d_][^@\d_/:]+")
_NAME = re.compile(r"\w[\w .'-]*")


@dataclass(frozen=True)
class Understood:
    """What the sources are, and what is proposed to be made of them; nothing is written yet."""

    folder: Path
    config: Config
    wishes: Wishes
    imported: Imported
    entry: Mapping[str, Any]
    name: str
    """Of the voice."""
    categories: Mapping[str, str]
    """Key -> title."""
    profile: Profile

    @property
    def kinds(self) -> list[str]:
        """Kinds of text, the commonest first, as several are called."""
        return [title for title in proposed(self.imported.kept).values() if title != "Other texts"]


@dataclass(frozen=True)
class Created:
    """A persona that is there now."""

    result: ImportResult
    prompts: int


def persona_config(preset: str | None, base: str | None, overrides: Sequence[str]) -> tuple[str, list[str]]:
    """The preset that trains a base, and overrides: the one that is named or has the base, else quickstart with smaller steps."""
    if base in (None, *BUILT_IN_BASES) or preset:
        return preset or FALLBACK, [*([f"model.base={in_toml(base)}"] if base else []), *overrides]
    for name in (base.rpartition("/")[2].lower(), *(name for _, name in PRESETS)):
        if (CONFIGS / f"{name}.toml").is_file() and resolve(name).config.model.base == base:
            return name, list(overrides)
    return FALLBACK, [f"model.base={in_toml(base)}", f"optim.learning_rate={UNKNOWN_BASE_RATE}", *overrides]


def target(name: str) -> Path:
    """The folder of a new persona: below personas/, or the path itself where a / is in it.

    Raises:
        PersonaError: it is there, or cannot be a name.
    """
    folder = expand(name) if os.sep in name else own_personas() / name
    if not _NAME.fullmatch(name.rstrip(os.sep).rpartition(os.sep)[2]):
        raise PersonaError(f"{name!r} cannot be the name of a persona.", "letters, digits and - make one: pete persona new ada --from ...")
    if folder.exists():
        raise PersonaError(
            f"{folder} is there already.", f"more texts for it: pete data import SRC --persona {name}; or choose another name"
        )
    return folder


def understand(
    folder: Path, paths: Sequence[Path], wishes: Wishes, config: Config, notify: Notify, *, name: str = "", categories: Sequence[str] = ()
) -> Understood:
    """Read the sources and see what they are.

    Args:
        folder: of the new persona.
        paths: files, folders, zips.
        wishes: whose texts, and which of them.
        config: the base whose tokens are counted, and the shares of the split.
        notify: told how far it is, and asked who the author is.
        name: of the voice; nothing takes the author's.
        categories: "key", "Title" or "key=Title" each; nothing proposes them.

    Raises:
        DataError: nothing is kept, several authors are to choose from, or a source cannot be read. UserError: the base cannot be used.
    """
    named = categories_of(categories)
    line = system_line("n" * 40, ["LinkedIn posts", "Chat messages", "Blog posts"])
    draft = Persona.model_validate({"name": folder.name, "description": "-", "system": line, "categories": {"-": "-"}, "folder": folder})
    with ExitStack() as stack:
        sources = [stack.enter_context(Source(path)) for path in paths]
        imported = read_sources(sources, wishes, set(), fullness_of(config, draft), notify)
        entry = entry_of(sources, imported)
    profile = profile_of([(text.record.channel, text.record.text) for text in imported.kept])
    voice = name or _author(imported) or re.sub(r"[-_]+", " ", folder.name).title()
    return Understood(folder, config, wishes, imported, entry, " ".join(voice.split()), named or proposed(imported.kept), profile)


def make_persona(understood: Understood) -> Created:
    """Write the persona's folder, whole or not at all.

    Raises:
        PersonaError: the folder is there, or cannot be written, or nothing tells a text's category.
    """
    kept = understood.imported.kept
    categories = understood.categories
    rows = new_rows(kept, categories, next(iter(categories)) if len(categories) == 1 else "", (), understood.config)
    edits = list(edits_of(kept))
    questions = questions_of(rows)
    aside = understood.folder.with_name(f".{understood.folder.name}.new-{os.getpid()}")
    try:
        aside.mkdir(parents=True)
        used = {key: title for key, title in categories.items() if any(row.category == key for row in rows)}
        (aside / "persona.toml").write_text(persona_toml(understood.name, understood.kinds, used, understood.profile), encoding="utf-8")
        (aside / ".gitignore").write_text(IGNORE, encoding="utf-8")
        store = ImportStore(load_persona(str(aside), empty=True))
        (aside / "README.md").write_text(data_card(understood.name), encoding="utf-8")
        store.add(kept, rows, edits, understood.entry)
        if questions:
            store.write_prompts(questions)
        if understood.folder.exists():
            raise PersonaError(f"{understood.folder} was made meanwhile.", "choose another name")
        aside.rename(understood.folder)
    except OSError as error:
        raise PersonaError(f"{understood.folder} cannot be written: {error.strerror}.", "PETE_PERSONAS names another place") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    notes = notes_of(understood.imported, understood.wishes)
    if not questions:
        notes.append("no prompts are held out: that takes ten texts of a category; pete evaluate needs some, by hand if need be")
    persona = load_persona(str(understood.folder))
    return Created(ImportResult(persona, understood.imported.ledger, rows, len(edits), True, notes), len(questions))


def plan(created: Created, preset: str, overrides: Sequence[str], notify: Notify) -> None:
    """Say what a night on it takes, as `pete train --plan` does, without what the check of it has said.

    A machine that cannot is said too, and the persona stays.
    """
    try:
        training = train.new_training(preset, None, overrides)
        train.plan(replace(training, prepared=replace(training.prepared, findings=[])), notify)
    except UserError as error:
        notify.message(f"{error.message} {error.hint}", "note")


def _author(imported: Imported) -> str:
    """The author's name as most texts have it, else as it was asked for: no address, no number."""
    names = Counter(name.strip() for text in imported.kept for name in text.record.author if _PERSON.fullmatch(name.strip()))
    asked = [name for name in imported.authors.wanted if _PERSON.fullmatch(name.strip())]
    whole = [name for name, _ in names.most_common() if " " in name]
    return next(iter([*whole, *asked, *names]), "")


def categories_of(given: Sequence[str]) -> dict[str, str]:
    """Key -> title of categories as a person names them.

    Raises:
        UserError: one has no name.
    """
    found: dict[str, str] = {}
    for text in given:
        key, _, title = text.partition("=")
        title = title.strip() or key.strip()
        if not key.strip():
            raise UserError(
                f"--category {text}: expected a name, or KEY=TITLE.", '--category marketing --category "support=Customer service"'
            )
        found[key_of(key)] = title if "=" in text or " " in title or title[:1].isupper() else title.replace("_", " ").capitalize()
    return found


def categories_typed(text: str) -> list[str]:
    """Categories as somebody types them in one line: names with commas between."""
    return [part.strip() for part in text.split(",") if part.strip()]
