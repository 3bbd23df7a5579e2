"""Would a reader of English stumble? Surprise under a model that wrote none of it, against the author's own at that length.

Nats grow with length along a line whose first words cost extra, so short answers must not be judged by nats per byte: the
line is fitted to the author's unseen rows (Theil-Sen) and an answer is judged by its distance from it.
"""

from collections.abc import Sequence

import numpy as np

from pete.evaluate.log import Sample

HIGH_Z = 3.5
"""Robust standard deviations (1.4826 x the median absolute deviation) above the author (Iglewicz & Hoaglin 1993)."""
LOW_Z = 6.0
"""The same below. Wider, because what any model draws is more foreseeable than what a person writes."""
FEWEST = 10
"""The author's rows below which there is no line."""


class Fluency:
    """`z`: distance from the author's line. `high` is salad, `low` is rigmarole; `any` is what counts of them."""

    name = "fluency"

    def __init__(self, author: Sequence[tuple[float, int]], third: bool) -> None:
        """Fit the line.

        Args:
            author: (nats, bytes) of the author's own unseen rows, under the same model.
            third: the model that judged wrote no answer. The base finds its own answers foreseeable, so that
                `low` does not count when it judges itself.
        """
        self._third = third
        self._line: tuple[float, float, float] | None = None
        sizes = np.array([size for _, size in author], float)
        if len(author) >= FEWEST and len(set(sizes)) > 1:
            nats = np.array([value for value, _ in author])
            i, j = np.triu_indices(len(sizes), 1)
            apart = sizes[i] != sizes[j]
            slope = float(np.median((nats[i] - nats[j])[apart] / (sizes[i] - sizes[j])[apart]))
            start = float(np.median(nats - slope * sizes))
            rest = (nats - start - slope * sizes) / np.sqrt(sizes)
            self._line = (start, slope, max(1e-9, 1.4826 * float(np.median(np.abs(rest)))))

    def score(self, sample: Sample) -> dict[str, float]:
        """Nothing for an empty answer, and where the likelihood was not measured."""
        size = len(sample.text.encode())
        if sample.fluency_nats is None or not size:
            return {}
        found = {"per_byte": sample.fluency_nats / size}
        if self._line is None:
            return found
        start, slope, spread = self._line
        z = (sample.fluency_nats - start - slope * size) / (spread * size**0.5)
        high, low = float(z > HIGH_Z), float(z < -LOW_Z)
        return {"any": max(high, low if self._third else 0.0), "z": z, "high": high, "low": low, **found}
