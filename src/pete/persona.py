"""A voice: who speaks, how, and with which words never."""

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from pete.config import PROJECT
from pete.errors import PersonaError

PERSONAS = PROJECT / "personas"

PLAIN_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message.role == 'system' %}{{ message.content }}\n\n"
    "{% elif message.role == 'user' %}### Instruction:\n{{ message.content }}\n\n"
    "{% else %}### Response:\n{{ message.content }}{{ eos_token }}\n\n{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}### Response:\n{% endif %}"
)


EVERYTHING = "all"
"""The key of [limits] that holds for every answer."""


def _at_most(value: object) -> object:
    return (0, value) if isinstance(value, int) and not isinstance(value, bool) else value


Least = Annotated[int, Field(ge=0)]
Range = Annotated[tuple[Least, Least], BeforeValidator(_at_most)]
"""[least, most]; a single number is the most."""


RANGES = ("words", "characters", "lines", "line_words", "line_characters", "items")


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
    asked: tuple[str, ...] = Field((), description="other words that ask for this format")

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


class Persona(BaseModel):
    """persona.toml, checked. A persona is one folder: persona.toml, examples/*.jsonl, prompts.jsonl."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    description: str = Field(min_length=1)
    system: str = Field("", description="the system line, in training and after")
    template: str = Field(PLAIN_TEMPLATE, description="jinja; used where the base has no chat template of its own")
    categories: dict[str, str] = Field(min_length=1, description="key in the data -> title for people")
    rules: tuple[str, ...] = ()
    avoid: tuple[str, ...] = Field((), description="words and phrases this voice would not use")
    stop: tuple[str, ...] = Field((), description="strings that end an answer")
    limits: Mapping[str, Limit] = Field({}, description="what answers keep to: for all, or by category")
    formats: Mapping[str, Limit] = Field({}, description="the same by what is asked for: tagline, subject lines, ...")
    folder: Path = Field(exclude=True)

    @model_validator(mode="after")
    def _limits_have_a_category(self) -> Self:
        known = [EVERYTHING, *self.categories]
        wrong = [key for key in self.limits if key not in known]
        if wrong:
            raise ValueError("; ".join(f"limits.{key}: no such category{did_you_mean(key, known)}" for key in wrong))
        return self

    @property
    def examples(self) -> list[Path]:
        """The example files, in name order."""
        return sorted((self.folder / "examples").glob("*.jsonl"))

    @property
    def prompts(self) -> Path:
        """The held-out evaluation prompts."""
        return self.folder / "prompts.jsonl"


def did_you_mean(word: str, known: list[str]) -> str:
    """Where something is close, ", did you mean" it; else what there is."""
    close = difflib.get_close_matches(word, known, 1)
    return f", did you mean {close[0]}?" if close else f"; there is {', '.join(known)}"


def plain_limits(limits: Mapping[str, Limit]) -> dict[str, dict[str, Any]]:
    """Limits as JSON: only what the persona says, so that later defaults hold for older adapters."""
    return {name: limit.model_dump(mode="json", exclude_unset=True) for name, limit in limits.items()}


def load_persona(name: str) -> Persona:
    """Find a persona by folder, or by name below personas/.

    Raises:
        PersonaError: no such persona, or what is wrong in its persona.toml.
    """
    folder = Path(name).expanduser()
    if not (folder / "persona.toml").is_file():
        folder = PERSONAS / name
    path = folder / "persona.toml"
    if not path.is_file():
        known = sorted(p.parent.name for p in PERSONAS.glob("*/persona.toml"))
        raise PersonaError(
            f"There is no persona {name!r}: no {Path(name) / 'persona.toml'}, and none of that name in {PERSONAS}.",
            f"known: {', '.join(known) or 'none'}; or --persona FOLDER (copy personas/pete-connor to start your own)",
        )
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        persona = Persona(**table, folder=folder)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PersonaError(f"{path} cannot be read as TOML: {error}", "mend that line, then run the same command") from None
    except ValidationError as error:
        problems = [_explain(tuple(map(str, item["loc"])), item["type"], item["msg"]) for item in error.errors()]
        raise PersonaError.of_problems(f"{path} does not describe a persona:", problems, "compare personas/pete-connor") from None
    if not persona.examples:
        raise PersonaError(
            f"{folder} has no examples: expected examples/*.jsonl with one prompt and completion a line.",
            "compare personas/pete-connor/examples",
        )
    return persona


def _explain(where: tuple[str, ...], kind: str, message: str) -> str:
    name = ".".join(where)
    if kind == "extra_forbidden":
        fields = Limit.model_fields if where[0] in ("limits", "formats") else Persona.model_fields
        return f"{name}: unknown{did_you_mean(where[-1], [field for field in fields if field != 'folder'])}"
    message = message.removeprefix("Value error, ")
    return f"{name}: {message}" if name else message
