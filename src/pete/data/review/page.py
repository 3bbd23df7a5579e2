"""The review as one HTML file for a browser on this machine, and the result that comes back."""

import shlex
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pete.data.examples import Example, Task
from pete.data.review.record import ReviewSession, Verdict, face
from pete.errors import DataError
from pete.sealed_page import seal

TEMPLATE = Path(__file__).with_name("page.html")


class Said(BaseModel):
    """One decision, as the page gives it out."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    key: str
    face: str
    verdict: Verdict
    prompt: str = ""
    completion: str = ""


class Result(BaseModel):
    """What the page gives out."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: Literal["review of pairs"]
    version: Literal[1]
    persona: str
    task: Task = "write"
    decisions: list[Said] = Field(min_length=1)


def make_page(session: ReviewSession) -> str:
    """The page with what is left to look at. It shows texts as text, its script runs only unaltered, and it sends nothing."""
    persona = session.persona
    return seal(TEMPLATE.read_text(encoding="utf-8"), {
        "persona": persona.folder.name,
        "seed": session.review.seed,
        "task": session.task,
        "command": f"{command_of(session)} --read {shlex.quote('pete-review.json')}",
        "done": len(session.decided),
        "rows": [
            {
                "key": row.key, "face": face(row), "prompt": row.prompt, "completion": row.completion, "about": about(row),
                "before": [[turn.role, turn.content] for turn in row.turns[:-2]],
            }
            for row in session.left
        ],
    })  # fmt: skip


def command_of(session: ReviewSession) -> str:
    """The command that goes on with it."""
    return f"pete data review --persona {session.persona.cli_argument}" + (" --task rewrite" if session.task == "rewrite" else "")


def about(row: Example) -> str:
    """What there is to know about a row beside its texts."""
    origin = f"{'draft' if row.task == 'rewrite' else 'prompt'}: {row.origin}" if row.origin else ""
    return " \u00b7 ".join(filter(None, (row.draft_kind, row.format or row.category, row.date[:10], origin, Path(row.source).name)))


def read_result(session: ReviewSession, path: Path) -> tuple[int, int]:
    """Put a page's decisions into the review and the rows; how many, and how many were passed over: their rows say something else now.

    Raises:
        DataError: no result, or one of another persona.
    """
    result = _parse(path)
    if result.persona != session.persona.folder.name:
        raise DataError(
            f"{path} is of the persona {result.persona!r}, not of {session.persona.folder.name!r}.",
            f"pete data review --persona {shlex.quote(result.persona)} --read {shlex.quote(str(path))}",
        )
    if result.task != session.task:
        raise DataError(
            f"{path} is of a review of {'drafts' if result.task == 'rewrite' else 'prompts'}.",
            f"the same command {'with' if result.task == 'rewrite' else 'without'} --task rewrite",
        )
    taken = 0
    for said in result.decisions:
        row = session.row(said.key, said.face)
        if row is None:
            continue
        taken += 1
        if said.verdict == "accept":
            session.accept(row)
        elif said.verdict == "reject":
            session.reject(row)
        else:
            session.edit(row, said.prompt, said.completion)
    return taken, len(result.decisions) - taken


def _parse(path: Path) -> Result:
    again = "save it from the last page of the review once more"
    try:
        return Result.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.", "give the file that the page saved: --read FILE") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is not the result of a review: not text.", again) from None
    except ValidationError as error:
        first = error.errors()[0]
        what = ": ".join(filter(None, [".".join(map(str, first["loc"])), first["msg"]]))
        raise DataError(f"{path} is not the result of a review: {what}.", again) from None
