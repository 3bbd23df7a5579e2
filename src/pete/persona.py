"""A persona: persona.toml (name, system line, categories, limits, prompt format), examples and held-out prompts."""

import difflib
import os
import re
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

import tomlkit
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from pete.config import in_toml
from pete.errors import PersonaError, UserError
from pete.places import expand, own_personas
from pete.resources import INSTALLED, PERSONAS
from pete.run import RunDir, write_atomic

PLAIN_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message.role == 'system' %}{{ message.content }}\n\n"
    "{% elif message.role == 'user' %}### Instruction:\n{{ message.content }}\n\n"
    "{% else %}### Response:\n{{ message.content }}{{ eos_token }}\n\n{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}### Response:\n{% endif %}"
)


_NO_ROWS = re.compile(r"(?:readme|licen[cs]e|copying|notice)\b.*|thumbs\.db|desktop\.ini|icon\r?|__macosx", re.IGNORECASE)

EVERYTHING = "all"
"""The key of [limits] that holds for every answer."""


def _at_most(value: object) -> object:
    return (0, value) if isinstance(value, int) and not isinstance(value, bool) else value


Least = Annotated[int, Field(ge=0)]
Range = Annotated[tuple[Least, Least], BeforeValidator(_at_most)]
"""[least, most]; a single number is the most."""


RANGES = ("words", "characters", "lines", "line_words", "line_characters", "items")


def _not_blank(text: str) -> str:
    if not any(c.isprintable() and not c.isspace() for c in text):
        raise ValueError(f"{text!r} is blank")
    return text


def _stopping(text: str) -> str:
    # one newline, too, would end every answer before it begins: an answer begins at the beginning of a line
    if not text.strip() and text.count("\n") < 2:
        raise ValueError(f"{text!r} would end every answer before it begins")
    return text


def _avoided(phrase: str) -> str:
    if not phrase.replace("*", "").strip():
        raise ValueError(f"{phrase!r} is blank, and would mark every word")
    if "*" in phrase[:-1]:
        raise ValueError(f"{phrase!r}: a * stands for any ending, and only at the end")
    return phrase


Visible = Annotated[str, AfterValidator(_not_blank)]


class Limit(BaseModel):
    """What an answer has to keep to; a key that is left out limits nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: Range | None = None
    characters: Range | None = None
    lines: Range | None = Field(None, description="lines that are not empty")
    line_words: Range | None = Field(None, description="of each line")
    line_characters: Range | None = Field(None, description="of each line")
    items: Range | None = Field(None, description="lines of a list: numbered, with bullets, or simply one below the other")
    facts: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="least share of the prompt's figures, names and quoted words that the answer repeats"
    )
    copied: Annotated[int, Field(ge=3)] | None = Field(None, description="this many words in a row out of one training row are a copy")
    language: bool | None = Field(None, description="the answer is in the prompt's language")
    placeholders: bool | None = Field(None, description="true allows [name] and the like")
    asked: tuple[Visible, ...] = Field((), description="other words that ask for this format")

    @model_validator(mode="after")
    def _ranges_are_ranges(self) -> Self:
        for name in RANGES:
            given = getattr(self, name)
            if given and given[0] > given[1]:
                raise ValueError(f"{name} = [{given[0]}, {given[1]}]: the least comes first")
        return self

    def over(self, below: "Limit") -> "Limit":
        """This limit where it says something, the one below where it does not."""
        return below.model_copy(update={name: getattr(self, name) for name in self.model_fields_set})


class PromptFormat(BaseModel):
    """How a request is put before the model once it is trained; training knows nothing of it. Nothing set: as in training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system: str | None = Field(None, description="system line in place of the persona's; empty for none")
    shots: Annotated[int, Field(ge=0, le=3)] = Field(0, description="training examples shown before the request, as earlier turns")
    length: bool = Field(False, description="say how long an answer usually is, where the request does not")
    form: bool = Field(False, description="name the format that is wanted, where it can be told")
    template: str | None = Field(None, description="jinja in place of the persona's; unused where the base has its own")


class Persona(BaseModel):
    """persona.toml, checked. A persona is one folder: persona.toml, examples/*.jsonl, prompts.jsonl."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Visible
    description: Visible
    system: str = Field("", description="the system line, in training and after")
    template: str = Field(PLAIN_TEMPLATE, description="jinja; used where the base has no chat template of its own")
    categories: dict[Visible, Visible] = Field(min_length=1, description="key in the data -> title for people")
    rules: tuple[str, ...] = ()
    avoid: tuple[Annotated[str, AfterValidator(_avoided)], ...] = Field((), description="words and phrases this voice would not use")
    stop: tuple[Annotated[str, AfterValidator(_stopping)], ...] = Field((), description="strings that end an answer")
    limits: Mapping[str, Limit] = Field({}, description="what answers keep to: for all, or by category")
    formats: Mapping[Visible, Limit] = Field({}, description="the same by what is asked for: tagline, subject lines, ...")
    prompt_format: PromptFormat = Field(PromptFormat(), description="how requests are put; written by pete prompts try")  # type: ignore[call-arg]
    folder: Path = Field(exclude=True)

    @model_validator(mode="after")
    def _limits_have_a_category(self) -> Self:
        known = [EVERYTHING, *self.categories]
        wrong = [key for key in self.limits if key not in known]
        if wrong:
            raise ValueError("; ".join(f"limits.{key}: no such category{did_you_mean(key, known)}" for key in wrong))
        return self

    @property
    def file(self) -> Path:
        """persona.toml."""
        return self.folder / "persona.toml"

    @property
    def cli_argument(self) -> str:
        """The persona as one word of a command line: its name where that is enough, else its quoted folder."""
        return shlex.quote(self.folder.name if self.folder.parent in persona_folders() else str(self.folder))

    @property
    def examples(self) -> list[Path]:
        """The example files, in name order: *.jsonl in any case, and none whose name begins with a dot."""
        return [path for path in self._beside if path.suffix.lower() == ".jsonl"]

    @property
    def passed_over(self) -> list[str]:
        """What else stands in examples/, by name; read-me files and what file managers leave are nobody's rows."""
        others = [path for path in self._beside if path.suffix.lower() != ".jsonl" and not _NO_ROWS.match(path.name)]
        return [f"{path.name}/" if path.is_dir() else path.name for path in others]

    @property
    def _beside(self) -> list[Path]:
        folder = self.folder / "examples"
        return sorted(path for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []

    @property
    def prompts(self) -> Path:
        """The held-out evaluation prompts."""
        return self.folder / "prompts.jsonl"

    @property
    def edits(self) -> Path:
        """Drafts, and what their author made of them."""
        return self.folder / "edits.jsonl"


def persona_folders() -> list[Path]:
    """Where personas are looked for by name: one's own first, then those that come with Pete."""
    try:
        return list(dict.fromkeys([own_personas(), PERSONAS]))
    except UserError:  # no home folder, so nobody's own
        return [PERSONAS]


def all_personas() -> list[Path]:
    """Folders of the personas that have a name; of two with one name, the one that is found."""
    found = {path.parent.name: path.parent for place in reversed(persona_folders()) for path in place.glob("*/persona.toml")}
    return [found[name] for name in sorted(found)]


def did_you_mean(word: str, known: list[str]) -> str:
    """Where something is close, ", did you mean" it; else what there is."""
    close = difflib.get_close_matches(word, known, 1)
    return f", did you mean {close[0]}?" if close else f"; there is {', '.join(known)}"


def plain_limits(limits: Mapping[str, Limit]) -> dict[str, dict[str, Any]]:
    """Limits as JSON: only what the persona says, so that later defaults hold for older adapters."""
    return {name: limit.model_dump(mode="json", exclude_unset=True) for name, limit in limits.items()}


def plain_prompt_format(prompt_format: PromptFormat, *, own_template: bool = True) -> dict[str, Any]:
    """PromptFormat as JSON: only what it sets; without its template for a base that has a chat template of its own."""
    return prompt_format.model_dump(exclude_defaults=True, exclude=set() if own_template else {"template"})


def load_persona(name: str, *, empty: bool = False) -> Persona:
    """Find a persona by folder, or by name below personas/.

    Args:
        name: of its folder, or the folder.
        empty: it may have no examples yet.

    Raises:
        PersonaError: no such persona, or what is wrong in its persona.toml.
    """
    places = [expand(name), *(place / name for place in persona_folders())]
    folder = next((folder for folder in places if (folder / "persona.toml").is_file()), None)
    if folder is None:
        known = sorted(folder.name for folder in all_personas())
        raise PersonaError(
            f"There is no persona {name!r}: no {Path(name) / 'persona.toml'}, and none of that name in "
            f"{' or '.join(map(str, persona_folders()))}.",
            f"known: {', '.join(known) or 'none'}; or --persona FOLDER; one of your own: pete persona new NAME --from YOUR-WRITING",
        )
    path = folder / "persona.toml"
    persona = _read(path)
    if not persona.examples and not empty:
        others = f"; it holds {', '.join(persona.passed_over[:5])}" if persona.passed_over else ""
        raise PersonaError(
            f"{folder} has no examples: expected examples/*.jsonl with one prompt and completion a line{others}.",
            "compare personas/pete-connor/examples",
        )
    return persona


def require_own(persona: Persona) -> None:
    """See that a persona's folder is one's own to write into: not part of an installed Pete, which the next one replaces.

    Raises:
        PersonaError: it is not; with the command that makes a copy which is.
    """
    folder = persona.folder.resolve()
    theirs = INSTALLED and folder.is_relative_to(PERSONAS.resolve())
    if theirs or not os.access(folder, os.W_OK):
        why = "came with Pete, and the next version replaces it" if theirs else "cannot be written"
        own = own_personas() / folder.name
        raise PersonaError(
            f"{folder} {why}: nothing of yours is kept there.",
            f"work in a copy, which is found first by its name: mkdir -p {shlex.quote(str(own.parent))} && "
            f"cp -R {shlex.quote(str(folder))} {shlex.quote(str(own))}",
        )


def line_of(text: str, where: Sequence[str | int]) -> str:
    """`line 7: ` where the key of a TOML text stands in a table of its own; nothing where that cannot be told."""
    names = [name for name in where if isinstance(name, str) and name != "[key]"]
    for depth in range(len(names), 0, -1):
        table: list[str] = []
        for number, line in enumerate(text.split("\n"), 1):
            if header := _HEADER.match(line):
                table = [part.strip("\"' ") for part in _PARTS.findall(header.group(1))]
                if table == names[:depth]:
                    return f"line {number}: "
            elif (key := _KEY.match(line)) and [*table, *(part.strip("\"' ") for part in _PARTS.findall(key.group(1)))] == names[:depth]:
                return f"line {number}: "
    return ""


def run_persona(run: RunDir) -> Persona:
    """The persona a run was started with, from the run itself; a run of an earlier version kept none, and names its folder.

    Raises:
        PersonaError: it is damaged, or not there any more.
    """
    return _read(run.persona_file) if run.persona_file.is_file() else load_persona(run.read_config().config.data.persona)


def _read(path: Path) -> Persona:
    try:
        text = path.read_text(encoding="utf-8-sig")
        return Persona(**tomllib.loads(text), folder=path.parent)
    except UnicodeDecodeError:
        raise PersonaError(f"{path} is not UTF-8 text.", "save it as UTF-8 (most editors: Save As, Encoding: UTF-8)") from None
    except tomllib.TOMLDecodeError as error:
        raise PersonaError(f"{path} cannot be read as TOML: {error}", "mend that line, then run the same command") from None
    except ValidationError as error:
        problems = [
            line_of(text, item["loc"]) + _explain(tuple(map(str, item["loc"])), item["type"], item["msg"])  # type: ignore[possibly-unbound]
            for item in error.errors()
        ]
        raise PersonaError.of_problems(f"{path} does not describe a persona:", problems, "compare personas/pete-connor") from None


def write_prompt_format(persona: Persona, prompt_format: PromptFormat) -> Path:
    """Put [prompt_format] into persona.toml, in place of the one that is there; everything else, comments too, stays as it is.

    Raises:
        PersonaError: [prompt_format] is there in another spelling than a table of its own, or the file cannot be written.
    """
    path = (persona.folder / "persona.toml").resolve()
    try:
        text = path.read_bytes().decode("utf-8")
        mark = text[: text.startswith("\ufeff")]
        changed = set_prompt_format(text.removeprefix(mark), prompt_format)
        Persona(**tomllib.loads(changed), folder=persona.folder)
        write_atomic(path, mark + changed)
    except (ValueError, OSError) as error:
        table = prompt_format_table(prompt_format).strip() or "no [prompt_format]"
        raise PersonaError(f"{path} cannot be given its [prompt_format]: {error}", f"write it there by hand:\n{table}") from None
    return path


def set_prompt_format(text: str, prompt_format: PromptFormat) -> str:
    """The text of a persona.toml with this [prompt_format].

    Raises:
        ValueError: the text is no TOML, or says `prompt_format` otherwise than in a table of its own.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    table = prompt_format_table(prompt_format).replace("\n", newline)
    there = tomlkit.parse(text).get("prompt_format")
    if there is None:
        return f"{text.rstrip()}{newline * 2}{table}" if table else text
    body = there.as_string()
    for header in _TABLE.finditer(text):
        if text.startswith(body, header.end()):
            rest = _TRAILING.search(body)[0] + text[header.end() + len(body) :]  # type: ignore[index]  (it may be empty)
            before = text[: header.start()]
            return before + table + (rest if table or before.strip() else rest.lstrip())
    raise ValueError("it says `prompt_format` otherwise than in a table [prompt_format]")


def with_categories(persona: Persona, categories: Mapping[str, str]) -> bytes:
    """persona.toml with further categories; everything else, comments too, as it is.

    Raises:
        PersonaError: it has no table [categories] of its own, or cannot be read.
    """
    lines = "".join(f"{key} = {in_toml(title)}\n" for key, title in categories.items())
    try:
        text = persona.file.read_bytes().decode("utf-8")
        newline = "\r\n" if "\r\n" in text else "\n"
        changed = _CATEGORIES.sub(lambda header: header[0].rstrip("\r\n") + newline + lines.replace("\n", newline), text, count=1)
        found = Persona(**tomllib.loads(changed.removeprefix("\ufeff")), folder=persona.folder)
        if dict(found.categories) != {**persona.categories, **categories}:
            raise ValueError("it says `categories` otherwise than in a table [categories]")
    except (ValueError, OSError) as error:
        raise PersonaError(f"{persona.file} cannot be given its new categories: {error}", f"write below [categories]:\n{lines}") from None
    return changed.encode()


def prompt_format_table(prompt_format: PromptFormat) -> str:
    """[prompt_format] as TOML; nothing where nothing is set."""
    given = plain_prompt_format(prompt_format)
    lines = [f"{key} = {in_toml(value)}" for key, value in given.items()]
    head = ["[prompt_format]", "# how a request is put before the model; written by pete prompts try"]
    return "\n".join([*head, *lines, ""]) if lines else ""


_HEADER = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([\w.\"' -]+?)\s*=")
_PARTS = re.compile(r"\"[^\"]*\"|'[^']*'|[^.\s]+")
_TABLE = re.compile(r"^[ \t]*\[[ \t]*([\"']?)prompt_format\1[ \t]*\][ \t]*(?:#[^\n]*)?(?:\r?\n|\Z)", re.MULTILINE)
_CATEGORIES = re.compile(r"^[ \t]*\[[ \t]*categories[ \t]*\][ \t]*(?:#[^\n]*)?(?:\r?\n|\Z)", re.MULTILINE)
_TRAILING = re.compile(r"(?:^[ \t]*(?:#[^\n]*)?(?:\r?\n|\Z))*\Z", re.MULTILINE)
"""Empty lines and comments at the end of a table: they are about what follows it."""


def _explain(where: tuple[str, ...], kind: str, message: str) -> str:
    name = ".".join(where)
    if where[:1] == ("asking",):
        return "asking: this table is called [prompt_format] now; rename it"
    if kind == "extra_forbidden":
        below = {"limits": Limit, "formats": Limit, "prompt_format": PromptFormat}
        fields = below.get(where[0], Persona).model_fields
        return f"{name}: unknown{did_you_mean(where[-1], [field for field in fields if field != 'folder'])}"
    message = message.removeprefix("Value error, ")
    return f"{name}: {message}" if name else message
