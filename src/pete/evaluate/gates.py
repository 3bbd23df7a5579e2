"""Ship, don't ship, or not enough evidence: every scorer's gates, and one verdict.

A gate is passed when the evidence holds, failed when the evidence is against it, and unknown in between: more prompts
would settle it. All gates must hold, so no correction for their number is needed (an intersection-union test): each gate
more can only make shipping harder.

A verdict the author himself would fail is no verdict. His own unseen rows go through every gate of answers by the same rule: what
is compared with the base is held against the lower of base and author, and a share that his own text does not hold is not
in force, unless the tuned model is shown to be worse than he is.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pete.evaluate.log import EvaluationLog, HeldOut, Sample
from pete.evaluate.results import Measure, asked_anew, beside_author, measures, trained_note
from pete.evaluate.scorers import gates
from pete.evaluate.scorers.spec import UNPAIRED, Gate
from pete.evaluate.stats import Interval, share
from pete.evaluate.worst import Worst, worst

State = Literal["passed", "failed", "unknown", "not in force", "not asked"]
Verdict = Literal["ship", "don't ship", "not enough evidence"]
EXIT_CODES: dict[Verdict, int] = {"ship": 0, "don't ship": 1, "not enough evidence": 3}


@dataclass(frozen=True)
class GateResult:
    """One gate with what was found."""

    gate: Gate
    state: State
    interval: Interval | None
    """A difference or a share, as the rule has it: the one that decided."""
    reason: str = ""
    """What the state alone does not say."""
    author: float | None = None
    """What the author's own unseen rows reach by the same ruler; None where he has none, or it is no question to him."""
    worst: tuple[Worst, ...] = ()


@dataclass(frozen=True)
class Judgement:
    """The verdict, its gates, and every measure."""

    verdict: Verdict
    outcomes: tuple[GateResult, ...]
    measures: tuple[Measure, ...]
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 ship, 1 don't ship, 3 not enough evidence."""
        return EXIT_CODES[self.verdict]

    def of(self, state: State) -> list[GateResult]:
        """The gates in a state."""
        return [outcome for outcome in self.outcomes if outcome.state == state]

    def record(self) -> dict[str, Any]:
        """The same as one JSON document."""
        return {
            "verdict": self.verdict,
            "gates": [
                {"name": o.gate.name, "state": o.state, "found": _numbers(o.interval), "author": o.author, "condition": o.gate.condition,
                 "reason": o.reason, "worst": [vars(w) for w in o.worst]}
                for o in self.outcomes
            ],
            "measures": [
                {"name": m.name, "unit": m.unit, "primary": m.primary, "base": m.base, "tuned": m.tuned, "author": m.author,
                 "change": _numbers(m.change), "adjusted_p": m.adjusted_p, "verdict": m.verdict}
                for m in self.measures
            ],
            "notes": list(self.notes),
        }  # fmt: skip


def judge(log: EvaluationLog) -> Judgement:
    """Hold a scored log against the gates; answers to prompts that stand in the training rows prove nothing and are left out."""
    notes = (*log.notes, *trained_note(log))
    log = asked_anew(log)
    by_key = {m.name: m for m in measures(log)}
    outcomes = tuple(_judged(log, gate, by_key.get(gate.key)) for gate in gates(log.task))
    states = {outcome.state for outcome in outcomes}
    verdict: Verdict = "don't ship" if "failed" in states else "not enough evidence" if "unknown" in states else "ship"
    return Judgement(verdict, outcomes, tuple(by_key.values()), notes)


def _judged(log: EvaluationLog, gate: Gate, measure: Measure | None) -> GateResult:
    interval = _interval(log, gate, measure)
    if interval is None:
        if gate.asked_only:
            return GateResult(gate, "not asked", None, "no prompt of the suite asks for it")
        return GateResult(gate, "unknown", None, _missing(log, gate))
    author = _author(log, gate, measure)
    state: State = _state(gate, interval)
    reasons: list[str] = []
    if gate.is_share:
        state, reason = _share_against_author(log, gate, state, author)
        reasons = [reason] if reason else []
    elif author and measure and state != "passed" and (change := _change_against_lower_author(log, gate, measure)):
        interval, state = change, _state(gate, change, against_author=True)
        reasons = [f"held against the author's own ({author.mean:.2g}), below the base's ({measure.base:.2g})"]
    if state == "passed" and (doubt := gate.doubt(log)):
        state, reasons = "unknown", [doubt]
    elif state == "unknown":
        few = ": underpowered" if interval.underpowered else ""
        reasons.insert(0, f"{interval.clusters} prompts or topics cannot settle it{few}")
    against_it = tuple(worst(log, gate)) if state == "failed" else ()
    return GateResult(gate, state, interval, "; ".join(reasons), author.mean if author else None, against_it)


def _interval(log: EvaluationLog, gate: Gate, measure: Measure | None) -> Interval | None:
    if gate.interval is not None:
        return gate.interval(log)
    if gate.is_share:
        return _share(gate, [(s, s.prompt_id) for s in log.samples if s.model == "tuned"])
    if gate.rule == "not below author":
        return beside_author(log, gate.key)
    if measure is None:
        return None
    return _more_is_better(measure, measure.change) if gate.rule in ("not worse", "not shown worse") else measure.change


def _author(log: EvaluationLog, gate: Gate, measure: Measure | None) -> Interval | None:
    """The author's own rows by the same ruler: a share with its interval, or a mean."""
    if gate.is_share:
        return _share(gate, [(row, row.topic) for row in log.held_out])
    mean = measure.author if measure else None
    return None if mean is None else Interval(mean, mean, mean, 1)


def _share(gate: Gate, rows: Sequence[tuple[Sample | HeldOut, str]]) -> Interval | None:
    counted = [(hit, cluster) for row, cluster in rows if (hit := gate.hit(row, gate.key)) is not None]
    return share([hit for hit, _ in counted], [cluster for _, cluster in counted]) if counted else None


def _share_against_author(log: EvaluationLog, gate: Gate, state: State, author: Interval | None) -> tuple[State, str]:
    """What a share is worth beside the author's own: nobody is asked to do better than he does."""
    over = author is not None and (author.mean > gate.limit if gate.rule == "at most" else author.mean < gate.limit)
    if author is None or not over:
        return state, ""
    rows = f"the author's own {author.mean:.1%} of {sum(gate.key in row.scores for row in log.held_out)} rows"
    change = beside_author(log, gate.key)
    if state == "failed" and change is not None and (change.low > 0 if gate.rule == "at most" else change.high < 0):
        return state, f"significantly worse than {rows}"
    if _state(gate, author) == "failed":
        return "not in force", f"{rows} do not hold it"
    return ("unknown", f"{rows} are beyond the limit, too") if state == "failed" else (state, "")


def _change_against_lower_author(log: EvaluationLog, gate: Gate, measure: Measure) -> Interval | None:
    """Tuned minus author where he is worse than the base; else the base is the lower of the two."""
    if gate.rule not in ("not worse", "not shown worse") or measure.author is None:
        return None
    below = measure.author < measure.base if measure.better == "more" else measure.author > measure.base
    change = beside_author(log, gate.key) if below else None
    return _more_is_better(measure, change) if change else None


def _more_is_better(measure: Measure, change: Interval) -> Interval:
    return change if measure.better == "more" else Interval(-change.mean, -change.high, -change.low, change.clusters, change.p)


def _state(gate: Gate, interval: Interval, against_author: bool = False) -> Literal["passed", "failed", "unknown"]:
    rule = "not below author" if against_author and gate.rule == "not worse" else gate.rule
    limit = UNPAIRED if against_author else gate.limit
    passed, failed = {
        "above": (interval.low > limit, interval.high < max(gate.worth, limit)),
        "below": (interval.high < limit, interval.low > limit),
        # few prompts that all came out alike have an interval without width: that is luck, not evidence
        "not worse": (interval.low > -limit and not (interval.underpowered and interval.low == interval.high), interval.high < 0),
        "not shown worse": (interval.high >= 0 and not interval.underpowered, interval.high < 0),
        "not below author": (interval.low > -limit and interval.high >= 0 and not interval.underpowered, interval.high < 0),
        "at most": (interval.mean <= limit and interval.high <= limit + gate.room, interval.low > limit),
        "at least": (interval.mean >= limit and interval.low >= limit - gate.room, interval.high < limit),
    }[rule]
    return "passed" if passed else "failed" if failed else "unknown"


def _missing(log: EvaluationLog, gate: Gate) -> str:
    unknown: Mapping[str, str] = log.unknown
    if reason := unknown.get(gate.key.split(".")[0]):
        return reason
    if not log.samples and not gate.rows:
        return "every prompt is a training row" if log.in_training else "no answers were generated"
    return f"the log has no numbers for it (version {log.version}): pete evaluate --rescore computes what it can"


def _numbers(interval: Interval | None) -> dict[str, float | int | None] | None:
    if interval is None:
        return None
    # JSON knows no infinity
    low, high = (value if math.isfinite(value) else None for value in (interval.low, interval.high))
    return {"mean": interval.mean, "low": low, "high": high, "clusters": interval.clusters}
