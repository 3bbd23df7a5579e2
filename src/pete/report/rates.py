"""A share of yes-or-no outcomes that knows how many it was counted from."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

_Z95 = 1.959964


@dataclass(frozen=True)
class Rate:
    """`hits` of `of`."""

    hits: int
    of: int

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
        """Upper end of the 95% Wilson interval; for 0 of n the rule of three, 3/n (Hanley & Lippman-Hand 1983)."""
        if not self.of:
            return 1.0
        return min(1.0, 3 / self.of) if self.hits == 0 else self._wilson(1)

    def _wilson(self, sign: int) -> float:
        if not self.of:
            return 0.0
        n, p, z2 = self.of, self.share, _Z95**2
        middle = p + z2 / (2 * n)
        reach = _Z95 * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
        return min(1.0, max(0.0, (middle + sign * reach) / (1 + z2 / n)))

    def __str__(self) -> str:
        """As "3 of 60"."""
        return f"{self.hits} of {self.of}"
