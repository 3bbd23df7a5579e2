"""Ship, don't ship, or not enough evidence: the gates as data, and one verdict.

A gate is passed when the evidence holds, failed when the evidence is against it, and unknown in between: more prompts
would settle it. All gates must hold, so no correction for their number is needed (an intersection-union test): each gate
more can only make shipping harder.

A verdict the author himself would fail is no verdict. His own unseen rows go through every gate of answers by the same rule: what
is compared with the base is held against the lower of base and author, and a share that his own text does not hold is not
in force, unless the tuned model is shown to be worse than he is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pete.evaluate.log import EvaluationLog, HeldOut, Sample
from pete.evaluate.results import Measure, asked_anew, beside_author, measures, neutral_loss, trained_note
from pete.evaluate.stats import MARGIN, Interval, share
from pete.evaluate.worst import Worst, worst

State = Literal["passed", "failed", "unknown", "not in force", "not asked"]
Verdict = Literal["ship", "don't ship", "not enough evidence"]
Rule = Literal["above", "below", "not worse", "not shown worse", "not below author", "at most", "at least"]
EXIT_CODES: dict[Verdict, int] = {"ship": 0, "don't ship": 1, "not enough evidence": 3}


@dataclass(frozen=True)
class Gate:
    """One condition.

    rule            passed when                               failed when
    above           the interval lies above `limit`           it lies below `worth`: what there is, is too little to matter
    below           the interval lies below `limit`           it lies above it
    not worse       its lower bound is above -`limit`         it lies below 0: significantly worse than the base
    not shown worse it is not failed; a cap bounds it too     the same
    not below author  tuned minus author is above -`limit` it lies below 0: significantly less than the author
    at most         the share is at most `limit`              the interval lies above `limit`
    at least        the share is at least `limit`             the interval lies below `limit`

    Where the author's own rows do worse than the base, "not worse" and "not shown worse" are about him: tuned minus author, with
    the margin of what is not paired (`UNPAIRED`).
    A share passes only when its interval, too, stays within `room` of the limit: none of 24 prompts may still be 14% of all.
    """

    name: str
    title: str
    of: str
    """The measure or score that is judged."""
    rule: Rule
    limit: float
    worth: float = 0.0
    asked_only: bool = False
    """Only where prompts ask for it: a suite without such prompts is not held back."""
    room: float = MARGIN

    @property
    def condition(self) -> str:
        """The threshold in words."""
        number = f"{self.limit:.0%}" if self.rule in ("at most", "at least", "below") else f"{self.limit:g}"
        return {
            "above": f"95% interval above {number}",
            "below": f"95% interval below {number}",
            "not worse": f"95% interval above -{number} against the base; above -{UNPAIRED:g} against the author where he is below it",
            "not shown worse": "not significantly worse than the base, or than the author where he is worse",
            "not below author": f"95% interval above -{number} against the author's own",
            "at most": f"at most {number}",
            "at least": f"at least {number}",
        }[self.rule]


UNPAIRED = 4 * MARGIN
"""What may be lost against the author. His rows answer other prompts, and what is not paired needs the wider margin: with 60
prompts and 40 rows the difference of two ranks is known to within 0.14, so that his own text in the model's place would not
pass at 0.05."""

GATES = (
    Gate("gain", "held-out gain", "gain", "above", 0.0, worth=0.01),
    Gate("selectivity", "selectivity", "selectivity", "above", 0.0, worth=0.01),
    Gate("neutral", "neutral text gets worse", "neutral", "below", 0.05),
    Gate("voice", "voice index", "voice", "above", 0.0, worth=0.05),
    Gate("relevance", "relevance (MRR)", "relevance.rr", "not worse", MARGIN),
    Gate("facts", "facts of the prompt", "facts.kept", "not worse", 2 * MARGIN, asked_only=True),
    Gate("told", "keeps what it was told", "facts.told", "not below author", UNPAIRED, asked_only=True),
    Gate("echo", "gives the prompt back", "echo.any", "at most", 0.05),
    Gate("degenerate", "loops or empty", "degenerate.any", "at most", 0.02),
    Gate("degenerate-base", "loops or empty, against the base", "degenerate.any", "not shown worse", 0.0),
    Gate("fluency", "no English", "fluency.any", "at most", 0.05),
    Gate("originality", "copied from the training rows", "originality.any", "at most", 0.02),
    Gate("formatting", "written to order", "formatting.strict", "not worse", 2 * MARGIN, asked_only=True),
    Gate("leaks", "leaks in the clean text", "leak.any", "at most", 0.0, room=0.065),
    Gate("stops", "ends by itself (EOS)", "stop.end", "at least", 0.95),
    Gate("collapse", "begins like another answer", "collapse.any", "at most", 0.15),
)
"""`told` is the nearest thing to "does it lie" that needs no second model: a reply that loses or bends a price, a time or a name
does so here. The author does not repeat all he is told either, so his own rows are the measure.
`fluency` and `echo` are what relevance presupposes; the author's own text is at 0% in both. The margin for facts and form is
wider than for relevance, because a yes or no carries less than a rank: at 0.05 sixty prompts could never settle it.
`leaks` allows none, so that only the number of prompts is left to ask for: none of 56 is at most 6.4% of all."""

AGAINST = "the evidence is against it"
TELLS_APART = 0.6
"""AUC below which the classifier cannot tell the author from anybody, and the voice index says nothing."""


@dataclass(frozen=True)
class Outcome:
    """One gate with what was found."""

    gate: Gate
    state: State
    found: Interval | None
    """A difference or a share, as the rule has it: the one that decided."""
    reason: str
    author: float | None = None
    """What the author's own unseen rows reach by the same ruler; None where he has none, or it is no question to him."""
    worst: tuple[Worst, ...] = ()


@dataclass(frozen=True)
class Judgement:
    """The verdict, its gates, and every measure."""

    verdict: Verdict
    outcomes: tuple[Outcome, ...]
    measures: tuple[Measure, ...]
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 ship, 1 don't ship, 3 not enough evidence."""
        return EXIT_CODES[self.verdict]

    def of(self, state: State) -> list[Outcome]:
        """The gates in a state."""
        return [outcome for outcome in self.outcomes if outcome.state == state]

    def record(self) -> dict[str, Any]:
        """The same as one JSON document."""
        return {
            "verdict": self.verdict,
            "gates": [
                {
                    "name": o.gate.name,
                    "state": o.state,
                    "found": _numbers(o.found),
                    "author": o.author,
                    "condition": o.gate.condition,
                    "reason": o.reason,
                    "worst": [vars(w) for w in o.worst],
                }
                for o in self.outcomes
            ],
            "measures": [
                {"name": m.name, "unit": m.unit, "primary": m.primary, "base": m.base, "tuned": m.tuned, "author": m.author,
                 "change": _numbers(m.change), "adjusted_p": m.adjusted_p, "verdict": m.verdict}
                for m in self.measures
            ],
            "notes": list(self.notes),
        }  # fmt: skip


def judge(log: EvaluationLog, gates: Sequence[Gate] = GATES) -> Judgement:
    """Hold a scored log against the gates; answers to prompts that stand in the training rows prove nothing and are left out."""
    notes = (*log.notes, *trained_note(log))
    log = asked_anew(log)
    known = {m.name: m for m in measures(log)}
    outcomes = tuple(_judged(log, gate, known) for gate in gates)
    states = {outcome.state for outcome in outcomes}
    verdict: Verdict = "don't ship" if "failed" in states else "not enough evidence" if "unknown" in states else "ship"
    return Judgement(verdict, outcomes, tuple(known.values()), notes)


def _judged(log: EvaluationLog, gate: Gate, known: dict[str, Measure]) -> Outcome:
    found = _found(log, gate, known)
    if found is None:
        if gate.asked_only:
            return Outcome(gate, "not asked", None, "no prompt of the suite asks for it")
        return Outcome(gate, "unknown", None, _missing(log, gate))
    author = _author(log, gate, known)
    state: State = _state(gate, found)
    because = ""
    if gate.rule in ("at most", "at least"):
        state, because = _beside_his_share(log, gate, state, author)
    elif author and state != "passed" and gate.of in known and (beside := _beside_lower_author(log, gate, known[gate.of])):
        found, state = beside, _state(gate, beside, against_author=True)
        because = f"held against the author's own ({author.mean:.2g}), below the base's ({known[gate.of].base:.2g})"
    if state == "passed" and (doubt := _doubt(log, gate)):
        return Outcome(gate, "unknown", found, doubt, author.mean if author else None)
    reason = {
        "failed": AGAINST,
        "unknown": f"{found.clusters} prompts or topics cannot settle it" + (": underpowered" if found.underpowered else ""),
    }.get(state, "")
    reason = "; ".join(part for part in (reason, because) if part and (part != AGAINST or not because))
    speaks = tuple(worst(log, gate.name, gate.of)) if state == "failed" else ()
    return Outcome(gate, state, found, reason, author.mean if author else None, speaks)


def _found(log: EvaluationLog, gate: Gate, known: dict[str, Measure]) -> Interval | None:
    if gate.of == "neutral":
        return neutral_loss(log)
    if gate.rule in ("at most", "at least"):
        return _share(gate, [(s, s.prompt_id) for s in log.samples if s.model == "tuned"])
    if gate.rule == "not below author":
        return beside_author(log, gate.of)
    if gate.of not in known:
        return None
    measure = known[gate.of]
    return _more_is_better(measure, measure.change) if gate.rule in ("not worse", "not shown worse") else measure.change


def _author(log: EvaluationLog, gate: Gate, known: dict[str, Measure]) -> Interval | None:
    """The author's own rows by the same ruler: a share with its interval, or a mean."""
    if gate.rule in ("at most", "at least"):
        return _share(gate, [(row, row.topic) for row in log.held_out])
    mean = known[gate.of].author if gate.of in known else None
    return None if mean is None else Interval(mean, mean, mean, 1)


def _share(gate: Gate, rows: Sequence[tuple[Sample | HeldOut, str]]) -> Interval | None:
    counted = [(hit, cluster) for row, cluster in rows if (hit := _hit(row, gate.of)) is not None]
    return share([hit for hit, _ in counted], [cluster for _, cluster in counted]) if counted else None


def _hit(row: Sample | HeldOut, key: str) -> bool | None:
    if key == "stop.end":
        return row.stop == "end" if isinstance(row, Sample) else None
    return row.scores[key] > 0 if key in row.scores else None


def _beside_his_share(log: EvaluationLog, gate: Gate, state: State, author: Interval | None) -> tuple[State, str]:
    """What a share is worth beside the author's own: nobody is asked to do better than he does."""
    over = author is not None and (author.mean > gate.limit if gate.rule == "at most" else author.mean < gate.limit)
    if author is None or not over:
        return state, ""
    his = f"the author's own {author.mean:.1%} of {sum(gate.of in row.scores for row in log.held_out)} rows"
    beside = beside_author(log, gate.of)
    if state == "failed" and beside is not None and (beside.low > 0 if gate.rule == "at most" else beside.high < 0):
        return state, f"significantly worse than {his}"
    if _state(gate, author) == "failed":
        return "not in force", f"{his} do not hold it"
    return ("unknown", f"{his} are beyond the limit, too") if state == "failed" else (state, "")


def _beside_lower_author(log: EvaluationLog, gate: Gate, measure: Measure) -> Interval | None:
    """Tuned minus author where he is worse than the base; else the base is the lower of the two."""
    if gate.rule not in ("not worse", "not shown worse") or measure.author is None:
        return None
    below = measure.author < measure.base if measure.better == "more" else measure.author > measure.base
    beside = beside_author(log, gate.of) if below else None
    return _more_is_better(measure, beside) if beside else None


def _more_is_better(measure: Measure, found: Interval) -> Interval:
    return found if measure.better == "more" else Interval(-found.mean, -found.high, -found.low, found.clusters, found.p)


def _state(gate: Gate, found: Interval, against_author: bool = False) -> Literal["passed", "failed", "unknown"]:
    rule = "not below author" if against_author and gate.rule == "not worse" else gate.rule
    limit = UNPAIRED if against_author else gate.limit
    passed, failed = {
        "above": (found.low > limit, found.high < max(gate.worth, limit)),
        "below": (found.high < limit, found.low > limit),
        # few prompts that all came out alike have an interval without width: that is luck, not evidence
        "not worse": (found.low > -limit and not (found.underpowered and found.low == found.high), found.high < 0),
        "not shown worse": (found.high >= 0 and not found.underpowered, found.high < 0),
        "not below author": (found.low > -limit and found.high >= 0 and not found.underpowered, found.high < 0),
        "at most": (found.mean <= limit and found.high <= limit + gate.room, found.low > limit),
        "at least": (found.mean >= limit and found.low >= limit - gate.room, found.high < limit),
    }[rule]
    return "passed" if passed else "failed" if failed else "unknown"


def _doubt(log: EvaluationLog, gate: Gate) -> str:
    """Why a gate that seems to hold does not count."""
    if gate.name == "voice" and log.measures.get("voice.auc", 0.0) < TELLS_APART:
        return f"the classifier cannot tell the author from others (AUC {log.measures.get('voice.auc', 0.0):.2f})"
    lengths = sorted(row.tokens for row in log.held_out if row.tokens)
    room = float(log.generate.get("max_new_tokens", 0))
    if gate.name == "stops" and lengths and room and room < 2 * lengths[len(lengths) // 2]:
        return f"answers had room for {room:.0f} tokens, less than twice the author's median of {lengths[len(lengths) // 2]}"
    return ""


def _missing(log: EvaluationLog, gate: Gate) -> str:
    word = {"gain": "likelihood", "voice": "voice", "selectivity": "selectivity", "neutral": "neutral"}.get(gate.of, gate.of.split(".")[0])
    said = [note for note in log.notes if word in note.lower()]
    if said:
        return said[0]
    if not log.samples and gate.of not in ("gain", "selectivity", "neutral"):
        return "every prompt is a training row" if log.in_training else "no answers were generated"
    return f"the log has no numbers for it (version {log.version}): pete evaluate --rescore computes what it can"


def _numbers(found: Interval | None) -> dict[str, float | int | None] | None:
    if found is None:
        return None
    # JSON knows no infinity
    low, high = (value if math.isfinite(value) else None for value in (found.low, found.high))
    return {"mean": found.mean, "low": low, "high": high, "clusters": found.clusters}
