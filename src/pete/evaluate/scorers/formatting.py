"""Format checks, strict and loose, as in IFEval: each prompt of the suite may name predicates.

They are data in prompts.jsonl:

    "checks": {"max_words": 80, "lines": 3, "subject_line": true}

Strict takes the answer as it is. Loose (Zhou et al. 2023) also accepts it without its first line, without its last line,
or without bold marks, and counts a tenth too many or too few words as close enough.
"""

import difflib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pete.data.text import lines_in, list_items
from pete.errors import DataError
from pete.evaluate.advice import DRAW_AGAIN
from pete.evaluate.log import Asked, Sample
from pete.evaluate.scorers.cliche import EMOJI, HASHTAG
from pete.evaluate.scorers.spec import Gate, Metric, Spec, scored
from pete.evaluate.stats import MARGIN
from pete.generate.leak_patterns import placeholders

_SUBJECT = re.compile(r"^\W*subject(?: line)?\W*:", re.IGNORECASE)
_FENCE = re.compile(r"^```\w*\n|\n```$")
TOLERANCE = 0.1

Check = Callable[[str, Any, float], bool]
"""(answer, wanted, tolerance) -> kept"""


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _holds_all(text: str, wanted: str | Sequence[str]) -> bool:
    return all(one.lower() in text.lower() for one in ([wanted] if isinstance(wanted, str) else wanted))


CHECKS: dict[str, tuple[Check, type | tuple[type, ...], str]] = {
    "max_words": (lambda text, n, slack: len(text.split()) <= n * (1 + slack), int, "at most this many words"),
    "min_words": (lambda text, n, slack: len(text.split()) >= n * (1 - slack), int, "at least this many words"),
    "lines": (lambda text, n, _: len(lines_in(text)) == n, int, "exactly this many lines that are not empty"),
    "max_lines": (lambda text, n, _: len(lines_in(text)) <= n, int, "at most this many lines"),
    "min_lines": (lambda text, n, _: len(lines_in(text)) >= n, int, "at least this many lines"),
    "bullets": (lambda text, n, _: len(list_items(text)) == n, int, "exactly this many bulleted or numbered lines"),
    "max_bullets": (lambda text, n, _: len(list_items(text)) <= n, int, "at most this many bulleted or numbered lines"),
    "subject_line": (lambda text, on, _: bool(_SUBJECT.match(text.strip())) == on, bool, "begins with Subject:"),
    "no_placeholder": (lambda text, on, _: not (on and placeholders(text)), bool, "no [Customer Name] or {name}"),
    "no_hashtags": (lambda text, on, _: not (on and HASHTAG.search(text)), bool, "no hashtags"),
    "no_emoji": (lambda text, on, _: not (on and EMOJI.search(text)), bool, "no emoji"),
    "json": (lambda text, on, _: _is_json(text) == on, bool, "parses as JSON"),
    "starts_with": (lambda text, start, _: text.lower().startswith(start.lower()), str, "begins so"),
    "ends_with": (lambda text, end, _: text.lower().rstrip().endswith(end.lower()), str, "ends so"),
    "contains": (lambda text, wanted, _: _holds_all(text, wanted), (str, list, tuple), "these words stand in it"),
}


class Formatting:
    """`strict` and `loose`: 1 when every predicate of the prompt is kept; `any` is a strict failure."""

    def __init__(self, prompts: Sequence[Asked]) -> None:
        """Take the predicates of the prompts.

        Raises:
            DataError: a predicate that does not exist, or with a value of the wrong kind.
        """
        refuse_unknown({f"prompt {p.id}": p.checks for p in prompts})
        self._checks = {p.id: p.checks for p in prompts if p.checks}

    def score(self, sample: Sample) -> dict[str, float]:
        """Nothing for a prompt without predicates; `strict_<name>` for each one, so that one sees which failed."""
        wanted = self._checks.get(sample.prompt_id)
        if not wanted:
            return {}
        each = {f"strict_{name}": float(CHECKS[name][0](sample.text, value, 0.0)) for name, value in wanted.items()}
        strict = min(each.values())
        loose = any(all(CHECKS[name][0](text, value, TOLERANCE) for name, value in wanted.items()) for text in variants(sample.text))
        return {"any": 1 - strict, "strict": strict, "loose": float(loose), **each}


def variants(text: str) -> list[str]:
    """The answer, and the same without what a chatty model puts around it."""
    lines = text.strip().split("\n")
    cuts = [lines, lines[1:], lines[:-1], lines[1:-1]]
    plain = ["\n".join(cut).strip() for cut in cuts]
    plain = [one for one in plain if one or not text.strip()]
    plain += [_FENCE.sub("", one) for one in plain]
    return list(dict.fromkeys([*plain, *(re.sub(r"\*+|__", "", one) for one in plain)]))


def refuse_unknown(checks: Mapping[str, Mapping[str, Any]]) -> None:
    """Look at predicates before anything is generated; the key says where they stand.

    Raises:
        DataError: listing every predicate that does not exist or has a value of the wrong kind.
    """
    problems = []
    for where, wanted in checks.items():
        for name, value in wanted.items():
            if name not in CHECKS:
                near = difflib.get_close_matches(name, CHECKS, 1)
                problems.append(f"{where}: there is no check {name!r}" + (f"; did you mean {near[0]}?" if near else ""))
                continue
            kind = CHECKS[name][1]
            if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
                said = {int: "a whole number", bool: "true or false", str: "text"}.get(kind, "text, or a list of texts")  # type: ignore[arg-type]
                problems.append(f"{where}: {name}: expected {said}, found {value!r}")
    if problems:
        known = ", ".join(CHECKS)
        raise DataError.of_problems("The checks of these prompts cannot be run:", problems, f"known checks: {known}")


def _broken(sample: Sample) -> str:
    strict = "formatting.strict_"
    return "not kept: " + ", ".join(key.removeprefix(strict) for key, v in sample.scores.items() if key.startswith(strict) and not v)


SPEC = Spec(
    "formatting", 50,
    make=lambda context: Formatting(context.prompts),
    metrics=(
        Metric("formatting.strict", "format checks, strict", "share of answers", "more", binary=True),
        Metric("formatting.loose", "format checks, loose", "share of answers", "more", binary=True),
    ),
    gates=(
        # wider than for relevance, because a yes or no carries less than a rank: at 0.05 sixty prompts could never settle it
        Gate(
            "formatting", "format checks, strict", "formatting.strict", "not worse", 2 * MARGIN,
            "It keeps the form asked for as well as the base", "It keeps the form asked for less than the base", DRAW_AGAIN,
            scored("formatting.any"), _broken, asked_only=True,
        ),
    ),
    tag="not to order",
)  # fmt: skip
