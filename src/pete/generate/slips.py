"""What slips into an answer and belongs into none, known by its shape: marks of the machinery, another turn, blanks to fill in."""

import re
from collections.abc import Sequence

# by shape, not by one tokenizer's list: a model can also spell out another model's markers
_TOKEN = re.compile(r"<\|[A-Za-z_]{2,30}\|>|<\|(?=\w)|</?s>|\[/?INST\]|<(?:start|end)_of_turn>|<<SYS>>")
_TURN = re.compile(
    r"^[ \t]*(?:#{2,3}[ \t]*(?:Instruction|Response|Input|Human|Assistant|User)\b|(?:User|Human|Assistant|System|Instruction)[ \t]*:)",
    re.MULTILINE | re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"\[[A-Za-z][^\]\n]{1,40}\](?!\()|\{\{?\s*[A-Za-z_][\w ]{1,40}\}?\}|<[A-Za-z]+(?: [A-Za-z]+){1,4}>")


def leaks(text: str, marks: Sequence[str] = ()) -> list[tuple[str, re.Match[str]]]:
    """Stop strings of a list, lines that begin another turn, special tokens: (which of them, where), from left to right, one a place."""
    found = {hit.start(): ("stop string", hit) for hit in listed(text, marks)}
    found |= {hit.start(): ("second turn", hit) for hit in _TURN.finditer(text)}
    found |= {hit.start(): ("special token", hit) for hit in _TOKEN.finditer(text)}
    return [found[at] for at in sorted(found)]


def listed(text: str, marks: Sequence[str]) -> list[re.Match[str]]:
    """The marks of a list that stand in a text; its beginning is the beginning of a line."""
    parts = [f"^{re.escape(mark[1:])}" if mark.startswith("\n") else re.escape(mark) for mark in marks]
    return list(re.finditer("|".join(parts), text, re.MULTILINE)) if parts else []


def placeholders(text: str, prompt: str = "") -> list[re.Match[str]]:
    """[name], {name}, <your name>: somebody would have to fill it in. What the prompt has is wanted."""
    return [hit for hit in _PLACEHOLDER.finditer(text) if hit.group() not in prompt]
