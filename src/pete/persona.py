"""A voice: who speaks, how, and with which words never."""

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

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
    folder: Path = Field(exclude=True)

    @property
    def examples(self) -> list[Path]:
        """The example files, in name order."""
        return sorted((self.folder / "examples").glob("*.jsonl"))

    @property
    def prompts(self) -> Path:
        """The held-out evaluation prompts."""
        return self.folder / "prompts.jsonl"


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
        problems = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        raise PersonaError.of_problems(f"{path} does not describe a persona:", problems, "compare personas/pete-connor") from None
    if not persona.examples:
        raise PersonaError(
            f"{folder} has no examples: expected examples/*.jsonl with one prompt and completion a line.",
            "compare personas/pete-connor/examples",
        )
    return persona
