"""Intervals for paired comparisons."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000
FEW = 20
"""Below this many clusters the bootstrap is too narrow; the t-interval is used and the result called underpowered."""

# two-sided 95% quantiles of Student's t for 1 to 18 degrees of freedom
_T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101)


@dataclass(frozen=True)
class Interval:
    """A mean difference with its 95% interval. `clusters` independent units stand behind it."""

    mean: float
    low: float
    high: float
    clusters: int

    @property
    def underpowered(self) -> bool:
        """Too few units to see anything but a large difference."""
        return self.clusters < FEW

    @property
    def verdict(self) -> str:
        """up, down, or no significant difference."""
        return "up" if self.low > 0 else "down" if self.high < 0 else "no significant difference"


def paired(differences: Sequence[float], clusters: Sequence[str], seed: int = 0) -> Interval:
    """Mean of paired differences with a 95% interval that treats each cluster (a prompt, a topic) as one draw.

    Percentile bootstrap over clusters, 10,000 resamples (Efron 1979); the t-interval over cluster means below 20.

    Raises:
        ValueError: there is nothing to average.
    """
    if not differences:
        raise ValueError("no differences to average")
    groups: dict[str, list[float]] = {}
    for value, cluster in zip(differences, clusters, strict=True):
        groups.setdefault(cluster, []).append(value)
    sums = np.array([sum(values) for values in groups.values()])
    counts = np.array([len(values) for values in groups.values()])
    mean = float(sums.sum() / counts.sum())
    n = len(groups)
    if n == 1:
        return Interval(mean, -math.inf, math.inf, 1)
    if n < FEW:
        means = sums / counts
        reach = _T95[n - 2] * float(means.std(ddof=1)) / math.sqrt(n)
        return Interval(mean, mean - reach, mean + reach, n)
    picks = np.random.default_rng(seed).integers(0, n, (RESAMPLES, n))
    drawn = sums[picks].sum(1) / counts[picks].sum(1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(mean, float(low), float(high), n)
