"""A JSON document that a reader needs whole: a chat, a day, an archive."""

import json
import re
from typing import Any

from pete.data.jsonl import DECODER
from pete.data.sources.decode import beginning, decode
from pete.data.sources.files import SourceFile
from pete.data.sources.record import Unreadable


def head_of(file: SourceFile, *suffixes: str) -> str:
    """The beginning of a text file of such an ending; empty for others."""
    return beginning(file).lstrip("\ufeff \t\r\n") if file.suffix in suffixes else ""


def json_of(file: SourceFile, before: re.Pattern[str] | None = None) -> Any:
    """A file's value.

    Args:
        file: the file.
        before: what stands in front of the JSON and is left out.

    Raises:
        Unreadable: it breaks off, or is no JSON.
    """
    text = decode(file.read(), file.label).strip("\ufeff \t\r\n")
    if before and (found := before.match(text)):
        text = text[found.end() :]
    try:
        return DECODER.decode(text.rstrip("; \n\r\t"))
    except json.JSONDecodeError as error:
        off = error.pos >= len(text) - 1 or error.msg.startswith("Unterminated")
        what = "it breaks off" if off else f"no JSON: {error.msg}"
        raise Unreadable(f"{file.label}: {what}, at line {error.lineno}: export it again") from None
    except ValueError as error:  # a name that stands twice in one object; whole numbers of thousands of digits
        raise Unreadable(f"{file.label}: no JSON: {str(error).partition(';')[0]}") from None
    except RecursionError:
        raise Unreadable(f"{file.label}: no JSON that can be read: lists within lists without end, deeper than any export") from None


def dicts(value: object) -> list[dict[str, Any]]:
    """The objects of a list; nothing where it is none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def string(value: object) -> str:
    """A text or a number as text; nothing for anything else."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
