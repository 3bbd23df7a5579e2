"""What a log says when base and tuned are held side by side: every measure with its interval, and which ones were chosen beforehand.

Two measures are primary and were named before any run: the held-out gain (does the model expect the author's words?) and
the voice index (does it write them?). They are read as they are. The others are secondary: many are looked at, so a
difference counts only when Holm's correction leaves it below 0.05.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from pete.evaluate.log import EvaluationLog, Sample, pairs
from pete.evaluate.scorers import metrics
from pete.evaluate.scorers.spec import Better, Compared, Metric
from pete.evaluate.stats import ALPHA, Interval, holm, paired, share_change, unpaired


@dataclass(frozen=True)
class Measure:
    """One measure of both models. `change` is tuned minus base, in the unit of the measure (of the gain: base minus tuned)."""

    name: str
    title: str
    unit: str
    better: Better
    base: float
    tuned: float
    author: float | None
    """The author's own unseen rows by the same ruler, where that makes sense."""
    change: Interval
    adjusted_p: float
    """Holm's; for a primary measure its own p."""
    primary: bool = False
    """Named in advance."""

    @property
    def verdict(self) -> str:
        """better, worse, different, or no significant difference."""
        if self.change.verdict == "no significant difference" or self.adjusted_p >= ALPHA:
            return "no significant difference"
        if self.better == "neither":
            return "different"
        return "better" if (self.change.mean > 0) == (self.better == "more") else "worse"

    @property
    def settled(self) -> bool:
        """Whether there is a difference that is more than luck."""
        return self.verdict != "no significant difference"

    @property
    def relative(self) -> float:
        """Tuned against base: -0.1 is a tenth less."""
        return self.tuned / self.base - 1 if self.base else 0.0


def asked_anew(log: EvaluationLog) -> EvaluationLog:
    """The log without the answers to prompts that stand in the training rows: those may be remembered."""
    if not log.in_training:
        return log
    trained = set(log.in_training)
    beside = {name: [s for s in rows if s.prompt_id not in trained] for name, rows in log.beside.items()}
    return log.model_copy(update={"samples": [s for s in log.samples if s.prompt_id not in trained], "beside": beside})


def trained_note(log: EvaluationLog) -> tuple[str, ...]:
    """The same in a sentence, if there are such prompts."""
    if not log.in_training:
        return ()
    named = ", ".join(log.in_training[:3]) + (f" and {len(log.in_training) - 3} more" if len(log.in_training) > 3 else "")
    asked = len({s.prompt_id for s in log.samples})
    return (f"{len(log.in_training)} of {asked} prompts are training rows: {named}. Their answers count in no gate and no measure.",)


def measures(log: EvaluationLog, chosen: Sequence[Metric] | None = None) -> list[Measure]:
    """Every measure the log has numbers for, of the prompts that were not trained on: the primary ones first.

    Args:
        log: the scored log.
        chosen: what to compare by, if not by all that the scorers declare.
    """
    log = asked_anew(log)
    both = pairs(log)
    all_measures = (_measure(log, metric, both) for metric in (metrics(log.task) if chosen is None else chosen))
    measured = [measure for measure in all_measures if measure is not None]
    adjusted = holm({m.name: m.change.p for m in measured if not m.primary})
    return sorted((replace(m, adjusted_p=adjusted.get(m.name, m.change.p)) for m in measured), key=lambda m: not m.primary)


def measure(log: EvaluationLog, name: str) -> Measure | None:
    """One measure alone, with a p that is not adjusted."""
    return next((_measure(log, metric, pairs(log)) for metric in metrics(log.task) if metric.key == name), None)


def beside_author(log: EvaluationLog, key: str) -> Interval | None:
    """A score of the tuned model's answers minus the same of the author's own unseen rows, which answer other prompts."""
    tuned = [s for s in log.samples if s.model == "tuned" and key in s.scores]
    own = [row for row in log.held_out if key in row.scores]
    if not tuned or not own:
        return None
    return unpaired([s.scores[key] for s in tuned], [s.prompt_id for s in tuned], [r.scores[key] for r in own], [r.topic for r in own])


def _measure(log: EvaluationLog, metric: Metric, both: Sequence[tuple[Sample, Sample]]) -> Measure | None:
    compared = metric.compare(log) if metric.compare else _answer_by_answer(log, metric, both)
    if compared is None:
        return None
    return Measure(
        metric.key, metric.title, metric.unit, metric.better, compared.base, compared.tuned, compared.author, compared.change,
        compared.change.p, metric.primary,
    )  # fmt: skip


def _answer_by_answer(log: EvaluationLog, metric: Metric, both: Sequence[tuple[Sample, Sample]]) -> Compared | None:
    scored = [(b, t) for b, t in both if metric.key in b.scores and metric.key in t.scores]
    if not scored:
        return None
    base, tuned = [b.scores[metric.key] for b, _ in scored], [t.scores[metric.key] for _, t in scored]
    clusters = [t.prompt_id for _, t in scored]
    if metric.binary:
        change = share_change([value > 0 for value in base], [value > 0 for value in tuned], clusters)
    else:
        change = paired([b - a for a, b in zip(base, tuned, strict=True)], clusters)
    own = [row.scores[metric.key] for row in log.held_out if metric.key in row.scores]
    return Compared(fmean(base), fmean(tuned), change, fmean(own) if own else None)
