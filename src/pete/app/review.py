"""Review: some pairs at random before a person, on a page or at the terminal, and what that says about all of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pete.config import Config
from pete.data.examples import Task, load_examples
from pete.data.review.page import make_page, read_result
from pete.data.review.record import ROWS, ReviewSession
from pete.errors import UserError
from pete.evaluate.stats import Rate
from pete.persona import load_persona
from pete.run import write_atomic


@dataclass(frozen=True)
class Reviewed:
    """How a review stands."""

    accepted: int
    edited: int
    rejected: int
    left: int
    total: int
    """Rows of the persona that could be looked at."""

    @property
    def looked_at(self) -> int:
        """Rows that were decided about."""
        return self.accepted + self.edited + self.rejected

    @property
    def right(self) -> Rate:
        """Those that were right as they were."""
        return Rate(self.accepted, self.looked_at)

    def in_words(self) -> str:
        """What it says about all rows: "18 of 20 right: 95% interval 70 to 97% of all rows"."""
        said = f"{self.accepted} of {self.looked_at} right"
        if self.looked_at >= self.total:
            return f"{said}: these are all rows there are"
        return f"{said}: 95% interval {self.right.low:.0%} to {self.right.high:.0%} of all rows".replace("% to", " to")

    def record(self) -> dict[str, Any]:
        """As one JSON object."""
        counts = {"accepted": self.accepted, "edited": self.edited, "rejected": self.rejected, "left": self.left, "rows": self.total}
        return counts | {"right": {"share": self.right.share, "low": self.right.low, "high": self.right.high}}


def open_review(config: Config, most: int = ROWS, *, again: bool = False, task: Task = "write") -> ReviewSession:
    """The persona's review of prompts or of drafts, going on; or a new one of another sample.

    Raises:
        UserError: the persona or its rows cannot be read, or its folder cannot be written.
    """
    persona = load_persona(config.data.persona)
    return ReviewSession(persona, load_examples(persona.examples), most=most, again=again, task=task)


def write_page(session: ReviewSession) -> Path:
    """Write what is left to look at as review.html into the persona's folder.

    Raises:
        UserError: it cannot be written.
    """
    path = session.persona.folder / "review.html"
    try:
        write_atomic(path, make_page(session))
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.", "at the terminal instead: pete data review --terminal") from None
    return path


def take_result(session: ReviewSession, path: Path) -> tuple[int, int]:
    """Put what a page saved into review and rows; raises as `read_result` does."""
    return read_result(session, path)


def standing(session: ReviewSession) -> Reviewed:
    """How it stands."""
    verdicts = [decision.verdict for decision in session.decided]
    return Reviewed(*(verdicts.count(v) for v in ("accept", "edit", "reject")), left=len(session.left), total=session.total)
