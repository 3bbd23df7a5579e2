"""What a person decided about a random sample of a persona's pairs: which are right as they are, which were edited, which are out."""

import hashlib
import json
import secrets
import time
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pete.data.edits import keep_edit
from pete.data.examples import Example, Task, written
from pete.data.row_files import append_rows, find_row, replace_rows
from pete.data.text import visible
from pete.errors import DataError
from pete.persona import Persona
from pete.run import write_atomic

VERSION = 1
ROWS = 20
"""About five minutes."""
EDITED = "edited"
"""Origin of a row that a person changed."""
Verdict = Literal["accept", "edit", "reject"]


class Decision(BaseModel):
    """What was decided about one row."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    key: str
    verdict: Verdict
    face: str
    """Hash of the pair as it was left; one that says something else since has to be looked at again."""
    before: dict[str, str] = Field(default_factory=dict, description="prompt and completion of a row that was edited, as they were")


class Review(BaseModel):
    """One random sample, as far as it was looked at: the last of review.json."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    task: Task = "write"
    seed: str = Field(default_factory=lambda: secrets.token_hex(8))
    created: str = Field(default_factory=lambda: time.strftime("%Y-%m-%dT%H:%M:%S%z"))
    decisions: tuple[Decision, ...] = ()


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore")

    version: Literal[1] = VERSION
    reviews: list[Review] = []


class ReviewSession:
    """The newest review of a persona, going on. Every decision is on disk, and in the rows, once it is made."""

    def __init__(self, persona: Persona, rows: Iterable[Example], *, most: int = ROWS, again: bool = False, task: Task = "write") -> None:
        """Open it.

        Args:
            persona: whose pairs.
            rows: all of its rows.
            most: how many to look at in all.
            again: begin with another sample; the earlier ones stay in the file.
            task: which are looked at: prompts and their texts, or drafts and what they were made from.

        Raises:
            DataError: review.json is damaged, or there is nothing to look at.
        """
        self.persona = persona
        self.file, self.rejected = persona.folder / "review.json", persona.folder / "rejected.jsonl"
        self.task: Task = task
        rows = list(rows)
        looked_at = [row for row in (written(rows) if task == "write" else rows) if row.task == task]
        self._rows = {(row.key, row.completion): row for row in looked_at}
        if not self._rows and task == "rewrite":
            hint = f"pete data pairs --persona {persona.cli_argument} --task rewrite makes them"
            raise DataError(f"{persona.folder.name} has no drafts to look at.", hint)
        if not self._rows:
            raise DataError(f"{persona.folder.name} has no rows to look at.", "pete data check --persona NAME")
        self._most = most
        self._reviews = self._read()
        own = [number for number, review in enumerate(self._reviews) if review.task == task]
        if again or not own:
            self._reviews.append(Review(task=task))
        self._at = len(self._reviews) - 1 if again or not own else own[-1]

    @property
    def review(self) -> Review:
        """The one that goes on."""
        return self._reviews[self._at]

    @property
    def decided(self) -> list[Decision]:
        """The decisions that still hold: rows that were rejected, and rows that say what they said then."""
        faces = {(row.key, face(row)) for row in self._rows.values()}
        return [d for d in self.review.decisions if d.verdict == "reject" or (d.key, d.face) in faces]

    @property
    def left(self) -> list[Example]:
        """What is still to be looked at, in the sample's order."""
        known = {(decision.key, decision.face) for decision in self.decided}
        rest = [row for row in self._rows.values() if (row.key, face(row)) not in known]
        rest.sort(key=lambda row: hashlib.sha256(f"{self.review.seed}\0{row.key}\0{row.completion}".encode()).digest())
        return rest[: max(0, self._most - len(self.decided))]

    @property
    def total(self) -> int:
        """Rows there are, and were."""
        return len(self._rows) + sum(decision.verdict == "reject" for decision in self.decided)

    def row(self, key: str, shown: str) -> Example | None:
        """The row of that key which says what was shown; None where it says something else by now."""
        return next((row for row in self._rows.values() if row.key == key and face(row) == shown), None)

    def accept(self, row: Example) -> None:
        """It is right as it is."""
        self._decide(Decision(key=row.key, verdict="accept", face=face(row)))

    def edit(self, row: Example, prompt: str, completion: str) -> None:
        """It is right like this; the row says so from now on. A text that was changed is an edit pair, too.

        Raises:
            DataError: nothing can be seen of one of the two, or a draft's text was changed. PersonaError: the pair cannot be kept.
        """
        if not visible(prompt) or not visible(completion):
            raise DataError("A prompt and a text are needed; one of them is empty.", "reject the pair where there is nothing to save")
        if (prompt, completion) == (row.prompt, row.completion):
            return self.accept(row)
        if row.task == "rewrite" and completion != row.completion:
            raise DataError(
                "The text is that of the row it stands in; of a draft's pair only the draft can be changed.", "pete data review"
            )
        over: dict[str, Any] = {"prompt": prompt, "completion": completion, "origin": EDITED}
        if row.task == "rewrite":
            over["origin"] = f"{row.origin}, {EDITED}".removeprefix(", ")
        if row.messages:
            asked = max(number for number, turn in enumerate(row.messages) if turn.role == "user")
            texts = [prompt if n == asked else turn.content for n, turn in enumerate(row.messages[:-1])] + [completion]
            turns = [{"role": turn.role, "content": text} for turn, text in zip(row.messages, texts, strict=True)]
            over = {"messages": turns, "prompt": None, "completion": None, "origin": EDITED}
        replace_rows(self.persona.examples, {(row.key, row.completion): over})
        # a row without an id is named by its answer, and has another name now
        changed = Example.model_validate({**row.record(), "source": row.source, **{key: v for key, v in over.items() if v is not None}})
        del self._rows[row.key, row.completion]
        self._rows[changed.key, changed.completion] = changed
        if completion != row.completion:
            keep_edit(self.persona, row.completion, completion, "review", prompt=prompt, row=row)
        before = {"prompt": row.prompt, "completion": row.completion}
        self._decide(Decision(key=changed.key, verdict="edit", face=face(changed), before=before))

    def reject(self, row: Example) -> None:
        """It is not to be learned from: out of the examples, into rejected.jsonl."""
        name = (row.key, row.completion)
        record = find_row(self.persona.examples, name)
        if record is not None and find_row([self.rejected], name) is None:
            append_rows(self.rejected, [record])
        replace_rows(self.persona.examples, {name: None})
        del self._rows[name]
        self._decide(Decision(key=row.key, verdict="reject", face=face(row)))

    def _decide(self, decision: Decision) -> None:
        others = [other for other in self.decided if (other.key, other.face) != (decision.key, decision.face)]
        self._reviews[self._at] = self.review.model_copy(update={"decisions": (*others, decision)})
        write_atomic(self.file, _File(reviews=self._reviews).model_dump_json(indent=1) + "\n")

    def _read(self) -> list[Review]:
        try:
            return _File.model_validate_json(self.file.read_text(encoding="utf-8")).reviews
        except FileNotFoundError:
            return []
        except (OSError, ValidationError, UnicodeDecodeError) as error:
            reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            raise DataError(f"{self.file} cannot be read: {reason}.", "put a good copy back, or move it away to begin anew") from None


def face(row: Example) -> str:
    """A hash of what a person sees of a pair."""
    return hashlib.sha256(json.dumps([[turn.role, turn.content] for turn in row.turns]).encode()).hexdigest()[:16]
