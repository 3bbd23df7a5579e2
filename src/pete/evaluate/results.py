"""What a log says when base and tuned are held side by side: every measure with its interval, and which ones were chosen beforehand.

Two measures are primary and were named before any run: the held-out gain (does the model expect the author's words?) and
the voice index (does it write them?). They are read as they are. The others are secondary: many are looked at, so a
difference counts only when Holm's correction leaves it below 0.05.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pete.evaluate.log import EvaluationLog, HeldOut, Sample
from pete.evaluate.stats import ALPHA, Interval, holm, paired, share_change, share_of_way, unpaired

Better = Literal["more", "less", "neither"]
PRIMARY = ("gain", "voice")


@dataclass(frozen=True)
class Measure:
    """One measure of both models. `change` is tuned minus base, in the unit of the measure."""

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

    @property
    def primary(self) -> bool:
        """Named in advance."""
        return self.name in PRIMARY

    @property
    def verdict(self) -> str:
        """better, worse, different, or no significant difference."""
        if self.change.verdict == "no significant difference" or self.adjusted_p >= ALPHA:
            return "no significant difference"
        if self.better == "neither":
            return "different"
        return "better" if (self.change.mean > 0) == (self.better == "more") else "worse"


@dataclass(frozen=True)
class _Score:
    key: str
    title: str
    unit: str
    better: Better
    binary: bool = False


# (the name of a measure is the key of its score)
_SCORES = (
    _Score("relevance.rr", "own prompt found (MRR)", "0 to 1", "more"),
    _Score("relevance.first", "own prompt ranks first", "share of answers", "more", True),
    _Score("reference.cosine", "nearness to the reference", "cosine", "more"),
    _Score("facts.kept", "facts of the prompt kept", "share of facts", "more"),
    _Score("facts.told", "figures and names it was told", "share of facts", "more"),
    _Score("formatting.strict", "written to order, strictly", "share of answers", "more", True),
    _Score("formatting.loose", "written to order, loosely", "share of answers", "more", True),
    _Score("degenerate.any", "loops or empty", "share of answers", "less", True),
    _Score("echo.any", "gives the prompt back", "share of answers", "less", True),
    _Score("fluency.any", "no English", "share of answers", "less", True),
    _Score("ending.any", "does not end properly", "share of answers", "less", True),
    _Score("originality.any", "copied from the training rows", "share of answers", "less", True),
    _Score("collapse.any", "begins like another answer", "share of answers", "less", True),
    _Score("cliche.any", "phrases the voice avoids", "share of answers", "less", True),
    _Score("leak.any", "leaks, as a reader sees them", "share of answers", "less", True),
    _Score("cohesion.adjacent", "neighbouring sentences alike", "cosine", "neither"),
)


def asked_anew(log: EvaluationLog) -> EvaluationLog:
    """The log without the answers to prompts that stand in the training rows: those may be remembered."""
    if not log.in_training:
        return log
    return log.model_copy(update={"samples": [s for s in log.samples if s.prompt_id not in set(log.in_training)]})


def trained_note(log: EvaluationLog) -> tuple[str, ...]:
    """The same in a sentence, if there are such prompts."""
    if not log.in_training:
        return ()
    named = ", ".join(log.in_training[:3]) + (f" and {len(log.in_training) - 3} more" if len(log.in_training) > 3 else "")
    asked = len({s.prompt_id for s in log.samples})
    return (f"{len(log.in_training)} of {asked} prompts are training rows: {named}. Their answers count in no gate and no measure.",)


def pairs(log: EvaluationLog) -> list[tuple[Sample, Sample]]:
    """(base, tuned) answers to the same prompt with the same number."""
    base = {(s.prompt_id, s.number): s for s in log.samples if s.model == "base"}
    return [(base[(s.prompt_id, s.number)], s) for s in log.samples if s.model == "tuned" and (s.prompt_id, s.number) in base]


def measures(log: EvaluationLog) -> list[Measure]:
    """Every measure the log has numbers for, of the prompts that were not trained on: the primary ones first."""
    log = asked_anew(log)
    found = [gain(log), voice_index(log), selectivity(log)]
    both = pairs(log)
    found += [_measure(log, score, both) for score in _SCORES]
    known = [m for m in found if m is not None]
    adjusted = holm({m.name: m.change.p for m in known if not m.primary})
    return [replace(m, adjusted_p=adjusted.get(m.name, m.change.p)) for m in known]


def gain(log: EvaluationLog) -> Measure | None:
    """Bits per byte of the author's unseen text, sums over sums; `change` is base minus tuned, so that more is better."""
    return gain_of(log.held_out)


def gain_of(rows: Sequence[HeldOut]) -> Measure | None:
    """The same of some rows. The interval is that of the two figures' difference, its rows resampled by topic."""
    rows = _measurable(rows)
    if not rows:
        return None
    change = paired([_saved(row) for row in rows], [row.topic for row in rows], sizes=[row.text_bytes for row in rows])
    return _plain("gain", "held-out gain", "bits per byte", "more", _bits(rows, "base"), _bits(rows, "tuned"), change)


def selectivity(log: EvaluationLog) -> Measure | None:
    """The gain on the author's text minus the gain on neutral text: what was learned of this voice and of no other."""
    rows, neutral = _measurable(log.held_out), _measurable(log.neutral)
    if not rows or not neutral:
        return None
    change = unpaired(
        [_saved(r) for r in rows], [r.topic for r in rows], [_saved(r) for r in neutral], [r.topic for r in neutral],
        sizes=([r.text_bytes for r in rows], [r.text_bytes for r in neutral]),
    )  # fmt: skip
    return _plain("selectivity", "selectivity (gain minus neutral gain)", "bits per byte", "more", 0.0, change.mean, change)


def neutral_loss(log: EvaluationLog) -> Interval | None:
    """How much worse neutral text is predicted, as a share of what the base needs for all of it: 0.05 is a twentieth more bits."""
    rows = [row for row in _measurable(log.neutral) if row.base_nats > 0]
    if not rows:
        return None
    return paired([row.tuned_nats - row.base_nats for row in rows], [row.topic for row in rows], sizes=[row.base_nats for row in rows])


def voice_index(log: EvaluationLog) -> Measure | None:
    """Mean classifier logit, 0 where the base is and 1 where the author's own unseen text is."""
    both = [(b, t) for b, t in pairs(log) if "voice.logit" in b.scores and "voice.logit" in t.scores]
    own = [row for row in log.held_out if "voice.logit" in row.scores]
    if not both or not own:
        return None
    index = share_of_way(
        [b.scores["voice.logit"] for b, _ in both],
        [t.scores["voice.logit"] for _, t in both],
        [t.prompt_id for _, t in both],
        [row.scores["voice.logit"] for row in own],
        [row.topic for row in own],
    )
    return _plain("voice", "voice index", "0 is the base, 1 the author", "more", 0.0, index.mean, index, 1.0)


def beside_author(log: EvaluationLog, key: str) -> Interval | None:
    """A score of the tuned model's answers minus the same of the author's own unseen rows, which answer other prompts."""
    tuned = [s for s in log.samples if s.model == "tuned" and key in s.scores]
    own = [row for row in log.held_out if key in row.scores]
    if not tuned or not own:
        return None
    return unpaired([s.scores[key] for s in tuned], [s.prompt_id for s in tuned], [r.scores[key] for r in own], [r.topic for r in own])


def _measure(log: EvaluationLog, score: _Score, both: Sequence[tuple[Sample, Sample]]) -> Measure | None:
    known = [(b, t) for b, t in both if score.key in b.scores and score.key in t.scores]
    if not known:
        return None
    base, tuned = [b.scores[score.key] for b, _ in known], [t.scores[score.key] for _, t in known]
    clusters = [t.prompt_id for _, t in known]
    if score.binary:
        change = share_change([value > 0 for value in base], [value > 0 for value in tuned], clusters)
    else:
        change = paired([b - a for a, b in zip(base, tuned, strict=True)], clusters)
    own = [row.scores[score.key] for row in log.held_out if score.key in row.scores]
    return _plain(
        score.key, score.title, score.unit, score.better, _mean(base), _mean(tuned), change, _mean(own) if own else None
    )  # fmt: skip


def _plain(
    name: str, title: str, unit: str, better: Better, base: float, tuned: float, change: Interval, author: float | None = None
) -> Measure:
    return Measure(name, title, unit, better, base, tuned, author, change, change.p)


def _measurable(rows: Sequence[HeldOut]) -> list[HeldOut]:
    return [row for row in rows if row.text_bytes > 0]


def _saved(row: HeldOut) -> float:
    """Bits."""
    return (row.base_nats - row.tuned_nats) / math.log(2)


def _bits(rows: Sequence[HeldOut], model: Literal["base", "tuned"]) -> float:
    nats = math.fsum(row.base_nats if model == "base" else row.tuned_nats for row in rows)
    return nats / math.log(2) / sum(row.text_bytes for row in rows)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
