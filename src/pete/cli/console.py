"""What is printed, and where: results on stdout, everything about them on stderr when stdout carries JSON."""

import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pete.errors import PeteError, UserError
from pete.terminal import HOSTILE, Output

if TYPE_CHECKING:
    from pete.cli.screen import Screen

RunArgument = Annotated[str | None, typer.Argument(metavar="[RUN]", help="run folder, or a name below runs/; nothing means the newest")]
SetOption = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="change one value, e.g. --set lora.rank=8")]
JsonOption = Annotated[bool, typer.Option("--json", help="print one JSON document on stdout and nothing else there")]


def console(quiet: bool = False, work: bool = False) -> "Screen":
    """A screen for people; on stderr when stdout is promised to a program.

    `work` says that the verb does more than print: a full disk behind stdout, or a reader that went away or does not read, does not
    end it or hold it up.
    """
    from pete.cli.screen import Screen

    stream = sys.stderr if quiet else sys.stdout
    if work and isinstance(sys.stdout, Output):
        sys.stdout.courtesy = True
    return Screen(getattr(stream, "trusted", None), stderr=quiet)


def as_typed(text: str) -> str:
    """Text with its `pete VERB` commands the way this Pete was started, so that they can be pasted."""
    from pete.cli import app

    command = os.environ.get("PETE_COMMAND", "pete")
    verbs = "|".join(str(verb.name) for verb in (*app.registered_commands, *app.registered_groups))
    return re.sub(rf"(?<![\w/.])pete (?=(?:{verbs})\b)", lambda _: f"{shlex.quote(command)} ", text)


def complain(error: PeteError) -> None:
    """A failure on stderr: what is wrong, then what to do."""
    from rich.text import Text

    screen = console(quiet=True)
    screen.print(Text.assemble(("pete:", "bold red"), f" {error.message}"), soft_wrap=True)
    if error.hint:
        screen.print(Text.assemble(("  try:", "dim"), f" {as_typed(error.hint)}"), soft_wrap=True)


def print_json(document: Any) -> None:
    """One JSON document on stdout. What a terminal obeys, or its encoding lacks, is escaped as JSON does it: nothing is lost."""
    if isinstance(sys.stdout, Output):
        sys.stdout.courtesy = False  # it was promised
    text = json.dumps(document, ensure_ascii=False, indent=2)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(document, indent=2)
    print(HOSTILE.sub(lambda match: f"\\u{ord(match[0]):04x}", text))


def print_exactly(text: str) -> None:
    """A text that goes into a file or to a program, to the letter, as UTF-8; on a terminal as everything else there."""
    if sys.stdout.isatty() or not isinstance(sys.stdout, Output):
        print(text, end="" if text.endswith("\n") or not sys.stdout.isatty() else "\n")
        return
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write_trusted(text)
    sys.stdout.flush()


def read_line(prompt: str = "") -> str:
    """A line from stdin.

    Raises:
        EOFError: there is none any more.
        UserError: it is not UTF-8.
    """
    try:
        line = input(prompt)
    except OSError:  # open for writing only, or a terminal that went away
        raise EOFError from None
    try:
        line.encode()
    except UnicodeEncodeError:  # read with surrogateescape: these bytes are not what the locale promised
        try:
            return line.encode(sys.stdin.encoding, "surrogateescape").decode("utf-8")
        except UnicodeError:
            hint = "type it again; a file: iconv -f latin1 -t utf-8 FILE"
            raise UserError("That line is not UTF-8, so it was not taken.", hint) from None
    return line


def as_path(text: str) -> Path:
    """A file or folder as it was typed, the home folder in place of ~; the parser of every option that takes one."""
    from pete.places import expand

    return expand(text)


def persona_override(persona: str | None) -> list[str]:
    """--persona as a configuration override; a folder is kept absolute so that the run can be resumed from anywhere."""
    from pete.config import in_toml

    if persona is None:
        return []
    folder = as_path(persona)
    return [f"data.persona={in_toml(str(folder.resolve()) if folder.is_dir() else persona)}"]
