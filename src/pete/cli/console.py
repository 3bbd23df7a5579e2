"""What is printed, and where: results on stdout, everything about them on stderr when stdout carries JSON."""

import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pete.errors import PeteError

if TYPE_CHECKING:
    from rich.console import Console

RunArgument = Annotated[str | None, typer.Argument(metavar="[RUN]", help="run folder, or a name below runs/; nothing means the newest")]
SetOption = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="change one value, e.g. --set lora.rank=8")]
JsonOption = Annotated[bool, typer.Option("--json", help="print one JSON document on stdout and nothing else there")]


def console(quiet: bool = False) -> "Console":
    """A console for people; on stderr when stdout is promised to a program."""
    from rich.console import Console

    return Console(stderr=quiet, highlight=False)


def as_typed(text: str) -> str:
    """Text with its `pete VERB` commands the way this Pete was started, so that they can be pasted."""
    command = os.environ.get("PETE_COMMAND", "pete")
    verbs = "quickstart|data|train|resume|monitor|test|chat|evaluate|report|doctor|launchers|prompts|blind|install"
    return re.sub(rf"(?<![\w/.])pete (?=(?:{verbs})\b)", lambda _: f"{shlex.quote(command)} ", text)


def complain(error: PeteError) -> None:
    """A failure on stderr: what is wrong, then what to do."""
    bold, dim, off = ("\033[1;31m", "\033[2m", "\033[0m") if sys.stderr.isatty() else ("", "", "")
    print(f"{bold}pete:{off} {error.message}", file=sys.stderr)
    if error.hint:
        print(f"{dim}  try:{off} {as_typed(error.hint)}", file=sys.stderr)


def print_json(document: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(document, ensure_ascii=False, indent=2))


def persona_override(persona: str | None) -> list[str]:
    """--persona as a configuration override; a folder is kept absolute so that the run can be resumed from anywhere."""
    if persona is None:
        return []
    folder = Path(persona).expanduser()
    return [f"data.persona={json.dumps(str(folder.resolve()) if folder.is_dir() else persona)}"]
