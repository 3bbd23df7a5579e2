"""The key that clients show: made at the first start, in a file that only its owner reads."""

import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from pete.errors import UserError

PREFIX = "pete-"


@dataclass(frozen=True)
class Key:
    """A server's key."""

    text: str
    path: Path
    new: bool
    """Made just now."""


def read_or_make_key(path: Path) -> Key:
    """The key in a file; a new one where there is no file yet. Two that start at once get the same one.

    Raises:
        UserError: the file is no key of ours, others can read it, or it cannot be written.
    """
    try:
        made = not path.exists() and _make(path)
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(descriptor, encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(1000).strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise UserError(
            f"{path}, the server's key, cannot be read or written: {reason}.", "move it away; the next start makes one"
        ) from None
    if stat.S_IMODE(mode) & 0o077:
        raise UserError(
            f"{path}, the server's key, can be read by others (mode {stat.S_IMODE(mode):o}).",
            f"rm '{path}', and the next start makes a new one; or, if nobody has seen it: chmod 600 '{path}'",
        )
    if not text.startswith(PREFIX) or len(text) < 30 or not text.isascii() or not text.isprintable():
        raise UserError(f"{path} holds no key that Pete made.", "move it away; the next start makes one")
    return Key(text, path, made)


def _make(path: Path) -> bool:
    """Put a new key there, unless another start was quicker."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(PREFIX + secrets.token_urlsafe(32) + "\n")
        os.link(aside, path)  # whole, and only where there is none
    except FileExistsError:
        return False
    finally:
        aside.unlink()
    return True
