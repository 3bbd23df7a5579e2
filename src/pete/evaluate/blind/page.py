"""The blind test as one HTML file for somebody else's browser, and the result that comes back."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast, get_args

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from pete.errors import DataError
from pete.evaluate.blind.record import BlindTest, Choice, Pair, blind_tests, hash_of, new_file, pairs_of, wins_needed
from pete.evaluate.log import EvaluationLog, read_log
from pete.run import RunDir
from pete.sealed_page import seal

TEMPLATE = Path(__file__).with_name("page.html")


class Result(BaseModel):
    """What the page gives out: the choices in the page's order, and of which test they are."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: Literal["pete blind test"]
    version: Literal[1]
    run: str
    answers: str
    seed: str
    session: str = Field(min_length=1, validation_alias=AliasChoices("session", "sitting"))
    choices: str


def make_page(run: RunDir, log: EvaluationLog, seed: str, pairs: Sequence[Pair]) -> str:
    """The page. Which answer is whose stands in its source, as JSON; its script shows texts as text and runs only unaltered."""
    content = {
        "run": run.name,
        "command": f"pete blind {shlex.quote(run.name)} --read blind-result.json",
        "answers": hash_of(log),
        "seed": seed,
        "pairs": [[pair.prompt, pair.a, pair.b, "a" if pair.a_is == "tuned" else "b"] for pair in pairs],
        "needed": wins_needed(len(pairs)),
    }
    return seal(TEMPLATE.read_text(encoding="utf-8"), content)


def read_result(run: RunDir, path: Path) -> tuple[Path, BlindTest]:
    """Score a page's result and keep it in the run; a session that went on after it was read before goes on in its record.

    Raises:
        DataError: no result, one of other answers, or one that was read before.
    """
    result = _parse(path)
    evaluation, log = _evaluation_of(run, result, path)
    pairs = pairs_of(log, result.seed, evaluation.name)
    if len(result.choices) > len(pairs):
        raise DataError(f"{path} has {len(result.choices)} choices; the test has {len(pairs)} pairs.", "ask for the file again, unedited")
    test = BlindTest(run=run.name, evaluation=evaluation.name, answers=result.answers, seed=result.seed, how="page", session=result.session)
    for pair, choice in zip(pairs, result.choices, strict=False):
        test = test.judge(pair, cast("Choice", choice))
    file = new_file(run)
    for known, before in blind_tests(run).items():
        if before.how == "page" and (before.session, before.seed) == (result.session, result.seed):
            if before.pairs == test.pairs or before.pairs != test.pairs[: len(before.pairs)]:
                raise DataError(f"This session is saved already, as {known}.", f"see it: pete report {run.cli_argument}")
            file, test = known, test.model_copy(update={"created": before.created})
    test.write(file)
    return file, test


def _parse(path: Path) -> Result:
    again = "save it from the last page of the blind test once more"
    try:
        result = Result.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.", "give the file that the page saved: --read FILE") from None
    except (ValidationError, UnicodeDecodeError) as error:
        what = "not text"
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            what = ": ".join(filter(None, [".".join(map(str, first["loc"])), first["msg"]]))
        raise DataError(f"{path} is not the result of a blind test: {what}.", again) from None
    if not result.choices or set(result.choices) - set(get_args(Choice)):
        raise DataError(f"{path} needs choices made of a, b, = and s; found {result.choices[:40]!r}.", again)
    return result


def _evaluation_of(run: RunDir, result: Result, path: Path) -> tuple[Path, EvaluationLog]:
    for evaluation in reversed(run.all_evaluations()):
        try:
            log = read_log(evaluation)
        except DataError:  # one damaged evaluation does not hide the others
            continue
        if hash_of(log) == result.answers:
            return evaluation, log
    if result.run != run.name:
        raise DataError(f"{path} is of the run {result.run!r}, not of {run.name!r}.", f"pete blind RUN --read {path}, with RUN that run")
    raise DataError(
        f"{path} is of answers that no evaluation in {run.evaluations} holds: evaluated again since?",
        f"make a new page: pete blind {run.cli_argument} --html blind.html",
    )
