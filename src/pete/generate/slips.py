"""What slips into an answer and belongs into none, known by its shape: marks of the machinery, another turn, blanks to fill in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

# by shape, not by one tokenizer's list: a model can also spell out another model's markers
_TOKEN = re.compile(r"<\|[A-Za-z_]{2,30}\|>|<\|(?=\w)|</?s>|\[/?INST\]|<(?:start|end)_of_turn>|<<SYS>>")
_TURN = re.compile(
    r"^[ \t]*(?P<mark>#{2,3}[ \t]*(?:Instruction|Response|Input|Human|Assistant|User)\b"
    r"|(?:User|Human|Assistant|System|Instruction)[ \t]*:).*$",
    re.MULTILINE | re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"\[[A-Za-z][^\]\n]{1,40}\](?!\()|\{\{?\s*[A-Za-z_][\w ]{1,40}\}?\}|<[A-Za-z]+(?: [A-Za-z]+){1,4}>")


@dataclass(frozen=True)
class Slip:
    """A mark, and the text[start:end] that it spoils: itself, or the line that begins another turn."""

    kind: Literal["special token", "second turn", "stop string"]
    mark: str
    start: int
    end: int


def leaks(text: str, marks: Sequence[str] = ()) -> list[Slip]:
    """Special tokens, lines that begin another turn, and the marks of a list, from left to right."""
    found = listed(text, marks)
    found += [Slip("second turn", m["mark"], *m.span()) for m in _TURN.finditer(text)]
    found += [Slip("special token", m.group(), *m.span()) for m in _TOKEN.finditer(text)]
    return sorted({slip.start: slip for slip in found}.values(), key=lambda slip: slip.start)


def listed(text: str, marks: Sequence[str]) -> list[Slip]:
    """Those of the marks that stand in a text, each where it comes first; its beginning is the beginning of a line."""
    found = {mark: f"\n{text}".find(mark) - 1 + len(mark) - len(mark.lstrip()) for mark in marks if mark in f"\n{text}"}
    return [Slip("stop string", mark.strip(), at, at + len(mark.strip())) for mark, at in found.items()]


def placeholders(text: str, prompt: str = "") -> list[re.Match[str]]:
    """[name], {name}, <your name>: somebody would have to fill it in. What the prompt has is wanted."""
    return [hit for hit in _PLACEHOLDER.finditer(text) if hit.group() not in prompt]
