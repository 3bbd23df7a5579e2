"""The blind test as one HTML file for somebody else's browser, and the result that comes back."""

import base64
import hashlib
import json
import secrets
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pete.errors import DataError
from pete.evaluate.blind.record import BlindTest, Choice, Pair, blind_tests, hash_of, new_file, pairs_of, wins_needed
from pete.evaluate.log import EvaluationLog, read_log
from pete.run import RunDir

TEMPLATE = Path(__file__).with_name("page.html")


class Result(BaseModel):
    """What the page gives out: the choices in the page's order, and of which test they are."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: Literal["pete blind test"]
    version: Literal[1]
    run: str
    answers: str
    seed: str
    sitting: str = Field(min_length=1)
    choices: str
    check: str

    def holds(self) -> bool:
        """Whether the check belongs to the rest. It finds slips, not somebody who means to cheat: the page has no secrets."""
        return self.check == f"{_fnv(f'{self.answers}:{self.seed}:{self.sitting}:{self.choices}'):08x}"


def make_page(run: RunDir, log: EvaluationLog, seed: str, pairs: Sequence[Pair]) -> str:
    """The page. Texts and sides stand in it only as numbers that its script turns into text, so that nobody reads them by chance."""
    content = {
        "run": run.name,
        "command": f"pete blind {shlex.quote(run.name)} --read blind-result.json",
        "answers": hash_of(log),
        "seed": seed,
        "pairs": [[pair.prompt, pair.a, pair.b, "a" if pair.a_is == "tuned" else "b"] for pair in pairs],
        "needed": wins_needed(len(pairs)),
    }
    key = secrets.randbits(32) | 1  # xorshift stands still at 0
    veiled = base64.b64encode(_veil(json.dumps(content).encode(), key)).decode()
    page = TEMPLATE.read_text(encoding="utf-8")
    script = page.partition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    for name, value in (("SCRIPT_HASH", f"sha256-{digest}"), ("KEY", str(key)), ("CONTENT", veiled)):
        page = page.replace("{{ " + name + " }}", value)
    return page


def read_result(run: RunDir, path: Path) -> tuple[Path, BlindTest]:
    """Score a page's result and keep it in the run; a sitting that went on after it was read before goes on in its record.

    Raises:
        DataError: no result, an edited one, one of other answers, or one that was read before.
    """
    result = _parse(path)
    evaluation, log = _evaluation_of(run, result, path)
    pairs = pairs_of(log, result.seed, evaluation.name)
    if len(result.choices) > len(pairs):
        raise DataError(f"{path} has {len(result.choices)} choices; the test has {len(pairs)} pairs.", "ask for the file again, unedited")
    test = BlindTest(run=run.name, evaluation=evaluation.name, answers=result.answers, seed=result.seed, how="page", sitting=result.sitting)
    for pair, choice in zip(pairs, result.choices, strict=False):
        test = test.judge(pair, _choice(choice))
    file = new_file(run)
    for known, before in blind_tests(run).items():
        if before.how == "page" and (before.sitting, before.seed) == (result.sitting, result.seed):
            if before.pairs == test.pairs or before.pairs != test.pairs[: len(before.pairs)]:
                raise DataError(f"This sitting is saved already, as {known}.", f"see it: pete report {run.cli_argument}")
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
        what = "not text" if isinstance(error, UnicodeDecodeError) else _first(error)
        raise DataError(f"{path} is not the result of a blind test: {what}.", again) from None
    if not result.holds():
        raise DataError(f"{path} was changed after the page saved it: its check does not fit its choices.", again)
    if not result.choices or set(result.choices) - set(get_args(Choice)):
        raise DataError(f"{path} needs choices made of a, b, = and s; found {result.choices[:40]!r}.", again)
    return result


def _first(error: ValidationError) -> str:
    one = error.errors()[0]
    return ": ".join(filter(None, [".".join(map(str, one["loc"])), one["msg"]]))


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


def _choice(letter: str) -> Choice:
    return next(choice for choice in get_args(Choice) if choice == letter)


def _veil(data: bytes, key: int) -> bytes:
    # xorshift32 (Marsaglia 2003); page.html does the same
    out, state = bytearray(data), key
    for place in range(len(out)):
        state = (state ^ state << 13) & 0xFFFFFFFF
        state ^= state >> 17
        state = (state ^ state << 5) & 0xFFFFFFFF
        out[place] ^= state & 0xFF
    return bytes(out)


def _fnv(text: str) -> int:
    """32-bit FNV-1a of UTF-8 text; all that goes in is ASCII."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value
