"""What a report is made of. The chapters say what stands in it; html and markdown know how to lay these out, and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pete.evaluate.log import Sample
from pete.report.advice import Suggestion
from pete.report.findings import Finding
from pete.report.marks import Piece

Tone = Literal["good", "bad", "open"]


class Block:
    """A part of a page; the template finds its macro by `kind`."""

    @property
    def kind(self) -> str:
        """The class's own name, small."""
        return type(self).__name__.lower()


@dataclass(frozen=True)
class Text(Block):
    """A paragraph: the lead of the page, a note, or plain."""

    text: str
    style: Literal["", "lead", "note"] = ""


@dataclass(frozen=True)
class Command(Block):
    """Something to type."""

    line: str


@dataclass(frozen=True)
class Verdict(Block):
    """One answer to "can I ship it?", and a sentence that says why."""

    word: str
    tone: Tone
    sentence: str


@dataclass(frozen=True)
class Card:
    """One number that matters, and what it means: the value, then words that go on from it."""

    value: str
    meaning: str


@dataclass(frozen=True)
class Cards(Block):
    """A row of numbers."""

    cards: tuple[Card, ...]


@dataclass(frozen=True)
class Table(Block):
    """Rows of text under a head; the first `names` columns name the row, the others are numbers unless `words`.

    `even` gives every column the same width, for things that stand beside each other.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    names: int = 1
    words: bool = False
    even: bool = False


@dataclass(frozen=True)
class Fact:
    """One thing that is known, and its name."""

    name: str
    value: str


@dataclass(frozen=True)
class FactTable(Block):
    """Facts in a list; `prose` where they are sentences rather than values."""

    facts: tuple[Fact, ...]
    prose: bool = False


@dataclass(frozen=True)
class Chart(Block):
    """A picture, and the sentence that says the same. It is drawn only where it is shown."""

    text: str
    draw: Callable[[int, str], str]
    """(width in CSS pixels, text) -> SVG"""
    caption: str = ""
    """Shown below it in place of the sentence, where that is long and its numbers stand in a table anyway."""


@dataclass(frozen=True)
class Findings(Block):
    """Judgements of one kind, each with its evidence."""

    sort: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Steps(Block):
    """What to try, each with the finding that asks for it."""

    steps: tuple[tuple[Suggestion, Finding], ...]


@dataclass(frozen=True)
class Side:
    """One answer under the name of who gave it, its marks laid out in the text and told in words; None: nothing recorded."""

    name: str
    sample: Sample | None
    pieces: tuple[Piece, ...] = ()
    notes: tuple[str, ...] = ()
    flagged: bool = False

    @property
    def tuned(self) -> bool:
        """Whether a trained model gave it."""
        return self.name != "base"


@dataclass(frozen=True)
class Prompted:
    """One prompt with its answers; those of a row were drawn alike and stand beside each other."""

    prompt_id: str
    prompt: str
    rows: tuple[tuple[Side, ...], ...]


@dataclass(frozen=True)
class Answers(Block):
    """Prompts with their answers."""

    asked: tuple[Prompted, ...]


@dataclass(frozen=True)
class Legend(Block):
    """What the marks in the text mean: (kind, words)."""

    marks: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Passage:
    """What an answer shares word for word with a training row."""

    pieces: tuple[Piece, ...]
    where: str
    source_pieces: tuple[Piece, ...]
    source: str


@dataclass(frozen=True)
class Passages(Block):
    """The longest shared stretches."""

    passages: tuple[Passage, ...]


@dataclass(frozen=True)
class Fold(Block):
    """Blocks one click away; printed and in Markdown they stand open."""

    summary: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Section(Block):
    """A heading with what stands below it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Page:
    """A whole report: what stands at the top, then chapters."""

    title: str
    head: tuple[Block, ...]
    chapters: tuple[Section, ...]
