"""Intervals, shares and the few tests an evaluation needs. Everything is deterministic and knows how much stands behind it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np

RESAMPLES = 10_000
FEW = 20
"""Below this many clusters the bootstrap is too narrow; the t-interval is used and the result called underpowered."""
ALPHA = 0.05
MARGIN = 0.05
"""What may be lost against the base and still count as "not worse"."""

_NORMAL = NormalDist()
_Z95 = _NORMAL.inv_cdf(1 - ALPHA / 2)


@dataclass(frozen=True)
class Interval:
    """A mean difference with its 95% interval. `clusters` independent units stand behind it."""

    mean: float
    low: float
    high: float
    clusters: int
    p: float = 1.0
    """Two-sided p-value of "there is no difference"; before any correction for looking at several."""

    @property
    def underpowered(self) -> bool:
        """Too few units to see anything but a large difference."""
        return self.clusters < FEW

    @property
    def verdict(self) -> str:
        """up, down, or no significant difference."""
        return "up" if self.low > 0 else "down" if self.high < 0 else "no significant difference"


@dataclass(frozen=True)
class Rate:
    """`hits` of `of`; whole numbers, unless they stand for answers that are not worth a whole one each."""

    hits: float
    of: float

    @classmethod
    def count(cls, outcomes: Iterable[bool]) -> "Rate":
        """The rate of True."""
        seen = list(outcomes)
        return cls(sum(seen), len(seen))

    @property
    def share(self) -> float:
        """Hits over all; 0 of nothing is 0."""
        return self.hits / self.of if self.of else 0.0

    @property
    def low(self) -> float:
        """Lower end of the 95% Wilson interval."""
        return self._wilson(-1)

    @property
    def high(self) -> float:
        """Upper end of the 95% Wilson interval: 6.0% for 0 of 60. Two-sided, as everything that is called 95% here."""
        return self._wilson(1) if self.of else 1.0

    def _wilson(self, sign: int) -> float:
        if not self.of:
            return 0.0
        n, p, z2 = self.of, self.share, _Z95**2
        middle = p + z2 / (2 * n)
        reach = _Z95 * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
        return min(1.0, max(0.0, (middle + sign * reach) / (1 + z2 / n)))

    def __str__(self) -> str:
        """As "3 of 60"."""
        return f"{self.hits:g} of {self.of:g}"


def paired(differences: Sequence[float], clusters: Sequence[str], seed: int = 0, sizes: Sequence[float] | None = None) -> Interval:
    """Mean of paired differences with a 95% interval that treats each cluster (a prompt, a topic) as one draw.

    With `sizes` the ratio of sums: nats saved over bytes of text, say. Percentile bootstrap over clusters, numerator and
    denominator drawn together, 10,000 resamples (Efron 1979), its levels widened as Student's t asks (Hesterberg 2015,
    "expanded percentile"): plain percentiles cover 93% at 20 clusters. Below 20 the t-interval, by the delta method.

    Raises:
        ValueError: there is nothing to average.
    """
    sums, counts = _grouped(differences, clusters, sizes)
    mean, n = float(sums.sum() / counts.sum()), len(sums)
    if n == 1:
        return Interval(mean, -math.inf, math.inf, 1)
    if n < FEW:
        return _around(mean, math.sqrt(_variance(sums, counts)), n - 1, n)
    return _percentiles(mean, _drawn(sums, counts, seed), n)


def unpaired(
    first: Sequence[float],
    first_clusters: Sequence[str],
    second: Sequence[float],
    second_clusters: Sequence[str],
    seed: int = 0,
    sizes: tuple[Sequence[float], Sequence[float]] | None = None,
) -> Interval:
    """Mean of `first` minus mean of `second`, two sets that share no prompts, each resampled by its own clusters.

    With `sizes` the difference of two ratios of sums. With fewer than 20 clusters on a side, Welch's interval.

    Raises:
        ValueError: a side is empty.
    """
    a, a_counts = _grouped(first, first_clusters, sizes[0] if sizes else None)
    b, b_counts = _grouped(second, second_clusters, sizes[1] if sizes else None)
    mean = float(a.sum() / a_counts.sum() - b.sum() / b_counts.sum())
    n = min(len(a), len(b))
    if n == 1:
        return Interval(mean, -math.inf, math.inf, 1)
    if n < FEW:
        va, vb = _variance(a, a_counts), _variance(b, b_counts)
        freedom = (va + vb) ** 2 / max(va**2 / (len(a) - 1) + vb**2 / (len(b) - 1), 1e-300)
        return _around(mean, math.sqrt(va + vb), max(1, int(freedom)), n)
    return _percentiles(mean, _drawn(a, a_counts, seed) - _drawn(b, b_counts, seed + 1), n)


def share_change(before: Sequence[bool], after: Sequence[bool], clusters: Sequence[str]) -> Interval:
    """Share of `after` minus share of `before`, answer by answer, each cluster one draw.

    Agresti & Min (2005) over cluster means: half a pretended cluster for each way two answers can differ or agree.
    Unlike the bootstrap it has a width when nothing differed: 0 of 20 is not a proof.

    Raises:
        ValueError: there is nothing to compare.
    """
    sums, counts = _grouped([float(b) - float(a) for a, b in zip(before, after, strict=True)], clusters)
    means, n = sums / counts, len(sums)
    middle = float(means.sum()) / (n + 2)
    spread = math.sqrt(max(0.0, (float((means**2).sum()) + 1) / (n + 2) - middle**2) / (n + 2))
    p = 2 * _NORMAL.cdf(-abs(middle) / spread) if spread else 1.0
    mean = float(sums.sum() / counts.sum())
    return Interval(mean, max(-1.0, middle - _Z95 * spread), min(1.0, middle + _Z95 * spread), n, p)


def share(outcomes: Sequence[bool], clusters: Sequence[str]) -> Interval:
    """A share of answers with its 95% interval: Wilson's, with as many answers as these are worth.

    Answers to one prompt resemble each other, so that 3 samples of 60 prompts are worth 60 to 180 (Kish's design
    effect); where all came out alike nothing can be said about that, and they count as 60.

    Raises:
        ValueError: there is nothing to count.
    """
    sums, counts = _grouped([float(outcome) for outcome in outcomes], clusters)
    n, answers = len(sums), float(counts.sum())
    p = float(sums.sum()) / answers
    spread = _variance(sums, counts)
    worth = min(answers, max(float(n), p * (1 - p) / spread)) if spread > 0 else float(n)
    rate = Rate(p * worth, worth)
    return Interval(p, rate.low, rate.high, n)


def share_of_way(
    start: Sequence[float],
    reached: Sequence[float],
    clusters: Sequence[str],
    goal: Sequence[float],
    goal_clusters: Sequence[str],
    seed: int = 0,
    origin: Sequence[float] | None = None,
) -> Interval:
    """How far on the way from `origin` to `goal` the pairs came: (mean reached - mean start) / (mean goal - mean origin).

    Origin, which is `start` unless given, start and reached belong together and are resampled together, goal by its own
    clusters. Where goal is not surely above origin the interval has no bounds: a share of no way says nothing.

    Raises:
        ValueError: a side is empty.
    """
    went = paired([b - a for a, b in zip(start, reached, strict=True)], clusters, seed)
    origin = start if origin is None else origin
    way = unpaired(goal, goal_clusters, origin, clusters, seed)
    n = min(went.clusters, way.clusters)
    if way.low <= 0:
        return Interval(went.mean / way.mean if way.mean else 0.0, -math.inf, math.inf, n)
    mean = went.mean / way.mean
    if n < FEW:
        return Interval(mean, went.low / way.mean, went.high / way.mean, n, went.p)
    first, counts = _grouped(start, clusters)
    then, _ = _grouped(reached, clusters)
    before, _ = _grouped(origin, clusters)
    goals, goal_counts = _grouped(goal, goal_clusters)
    weight, *parts = _resampled(seed, counts, first, then, before)
    began, came, left = (part / weight for part in parts)
    wanted = _drawn(goals, goal_counts, seed + 1)
    return _percentiles(mean, (came - began) / np.maximum(wanted - left, 1e-9), n)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's (1979) adjusted p-values: below 0.05 is a finding even though several were looked at."""
    adjusted: dict[str, float] = {}
    highest = 0.0
    for rank, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: (item[1], item[0]))):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p))
        adjusted[name] = highest
    return {name: adjusted[name] for name in p_values}


def auc(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """Chance that a positive scores above a negative, ties half (Mann-Whitney); nan when a side is empty."""
    if not len(positives) or not len(negatives):
        return math.nan
    low = np.sort(np.asarray(negatives, dtype=float))
    up = np.asarray(positives, dtype=float)
    below = np.searchsorted(low, up, "left") + np.searchsorted(low, up, "right")
    return float(below.mean() / (2 * len(low)))


@cache  # a comparison of many asks for the same few
def t_quantile(freedom: int) -> float:
    """The two-sided 95% quantile of Student's t."""
    low, high = 0.0, 13.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _t_outside(middle, freedom) > ALPHA else (low, middle)
    return high


def _grouped(values: Sequence[float], clusters: Sequence[str], sizes: Sequence[float] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Sums of values and of sizes (1 each unless given) by cluster."""
    if not values:
        raise ValueError("no differences to average")
    groups: dict[str, list[tuple[float, float]]] = {}
    for value, cluster, size in zip(values, clusters, sizes or [1.0] * len(values), strict=True):
        groups.setdefault(cluster, []).append((value, size))
    # sorted: the same rows in another order draw the same resamples
    ordered = [sorted(groups[name]) for name in sorted(groups)]
    return np.array([math.fsum(v for v, _ in group) for group in ordered]), np.array([math.fsum(n for _, n in group) for group in ordered])


def _variance(sums: np.ndarray, counts: np.ndarray) -> float:
    """Of the ratio of sums, by the delta method over clusters; for clusters of one size that of the mean of their means."""
    n = len(sums)
    off = (sums - sums.sum() / counts.sum() * counts) / counts.mean()
    return float((off**2).sum()) / max(1, n - 1) / n


def _resampled(seed: int, *columns: np.ndarray) -> list[np.ndarray]:
    """The sum of each column in each resample: the same rows in all of them."""
    n = len(columns[0])
    picks = np.random.default_rng(seed).integers(0, n, (RESAMPLES, n))
    return [column[picks].sum(1) for column in columns]


def _drawn(sums: np.ndarray, counts: np.ndarray, seed: int) -> np.ndarray:
    """The ratio of sums in each resample: the same clusters above and below."""
    above, below = _resampled(seed, sums, counts)
    return above / below


def _percentiles(mean: float, drawn: np.ndarray, n: int) -> Interval:
    tail = _NORMAL.cdf(-math.sqrt(n / (n - 1)) * t_quantile(n - 1))
    low, high = np.quantile(drawn, [tail, 1 - tail])
    below = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    return Interval(mean, float(low), float(high), n, min(1.0, 2 * (below + 1) / (len(drawn) + 1)))


def _around(mean: float, error: float, freedom: int, n: int) -> Interval:
    reach = t_quantile(freedom) * error
    p = _t_outside(abs(mean) / error, freedom) if error > 0 else float(mean == 0)
    return Interval(mean, mean - reach, mean + reach, n, p)


def _t_outside(t: float, freedom: int) -> float:
    # P(|T| > t) by the finite series of Abramowitz & Stegun 26.7.3 and 26.7.4
    angle = math.atan2(t, math.sqrt(freedom))
    cos2 = math.cos(angle) ** 2
    if freedom % 2:
        term, total = math.cos(angle), math.cos(angle) if freedom > 1 else 0.0
        for k in range(3, freedom - 1, 2):
            term *= cos2 * (k - 1) / k
            total += term
        inside = 2 / math.pi * (angle + math.sin(angle) * total)
    else:
        term = total = 1.0
        for k in range(2, freedom - 1, 2):
            term *= cos2 * (k - 1) / k
            total += term
        inside = math.sin(angle) * total
    return max(0.0, 1 - inside)
