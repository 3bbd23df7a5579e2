"""A text in the person's own editor; where there is no terminal, line by line."""

import os
import shlex
import sys
from pathlib import Path

from pete.cli.console import read_line
from pete.errors import UserError

END = "."
"""The line that ends a text where there is no terminal, as in mail(1)."""


def edited(text: str) -> str:
    """What a person makes of a text: in the editor, or typed anew, up to a line with a full stop alone.

    Raises:
        UserError: the editor cannot be used, or what was typed is not UTF-8.
    """
    if sys.stdin.isatty() and sys.stdout.isatty():
        return typed(in_editor(text), text)
    lines: list[str] = []
    try:
        while (line := read_line()) != END:
            lines.append(line)
    except EOFError:
        pass
    return typed("\n".join(lines), text)


def in_editor(text: str) -> str:
    """A text as it comes out of $VISUAL, $EDITOR, nano or vi; raises UserError where there is none, or it gives up."""
    import shutil
    import subprocess
    import tempfile

    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or shutil.which("nano") or "vi")
    with tempfile.TemporaryDirectory(prefix="pete-") as folder:
        path = Path(folder, "text.txt")
        path.write_text(text, encoding="utf-8")
        try:
            ended = subprocess.run([*command, str(path)], check=False).returncode
            if ended:  # as git takes it: vi's :cq gives up
                raise UserError(f"The editor {command[0]!r} ended with {ended}: nothing is kept.", "/edit opens it again")
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"The editor {command[0]!r} cannot be used: {error}.", "set EDITOR to another, as in EDITOR=nano") from None


def typed(text: str, before: str) -> str:
    """A text from an editor, which ends a file with a line end and may change those inside: what nobody touched stays as it was."""
    same = text.rstrip("\n") == before.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    return before if same else text.removesuffix("\n")
