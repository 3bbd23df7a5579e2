"""Ask on the terminal, without a time limit: one of a few, or some words. Where nobody can answer, the default is taken at once."""

import sys
from collections.abc import Sequence

from pete.cli.console import read_line

TRIES = 3


def choose(question: str, choices: Sequence[str], default: str) -> str:
    """What a person at the terminal chooses, by its number or its name; without choices, what is typed.

    An empty line, an end of input or several answers that are none take the default.
    """
    try:
        if not sys.stdin.isatty():
            return default
    except (OSError, ValueError, AttributeError):  # closed, or none at all
        return default
    print(question, file=sys.stderr)
    for number, choice in enumerate(choices, 1):
        print(f"  {number}  {choice}", file=sys.stderr)
    for _ in range(TRIES):
        print(f"{f'1 to {len(choices)}' if choices else 'Enter keeps it'}: ", end="", file=sys.stderr, flush=True)
        try:
            typed = read_line().strip()
        except EOFError:
            return default
        if not typed or not choices:
            return typed or default
        if typed.isdecimal() and 1 <= int(typed) <= len(choices):
            return choices[int(typed) - 1]
        if typed in choices:
            return typed
    return default
