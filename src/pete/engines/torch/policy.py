"""Which device and which dtype, and why. Every probe is an argument, so a Mac can be simulated."""

import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from pete.errors import ConfigError

Dtype = Literal["float32", "bfloat16"]
MatmulProbe = Callable[[str, Dtype], float | None]
"""(device, dtype) -> seconds of one matrix product, or None where it cannot be computed."""

WORTH_IT = 1.2
"""bfloat16 rounds; it must be at least this much faster to be chosen."""


@dataclass(frozen=True)
class Choice:
    """A decision and its reason, in words."""

    value: str
    reason: str


def choose_device(requested: str, available: Mapping[str, bool]) -> Choice:
    """The device: what was asked for, else mps, cuda, cpu in that order.

    Raises:
        ConfigError: the one that was asked for is not there.
    """
    if requested != "auto":
        if requested != "cpu" and not available.get(requested, False):
            here = ", ".join(["cpu", *(name for name, is_there in available.items() if is_there)])
            raise ConfigError(
                f"engine.device = {requested!r}, and there is none here.", f"here: {here}; --set engine.device=auto picks one"
            )
        return Choice(requested, "as configured")
    for name in ("mps", "cuda"):
        if available.get(name, False):
            return Choice(name, "found")
    return Choice("cpu", "no GPU that PyTorch can use")


def choose_dtype(requested: str, device: str, probe: MatmulProbe) -> Choice:
    """The dtype of the base's weights. float32 is always right; bfloat16 when this machine computes it well."""
    if requested != "auto":
        return Choice(requested, "as configured")
    slow, fast = probe(device, "float32"), probe(device, "bfloat16")
    if fast is None or slow is None:
        return Choice("float32", f"this {device} does not compute bfloat16")
    ratio = slow / fast
    if ratio < WORTH_IT:
        return Choice("float32", f"bfloat16 matrix products run at {ratio:.1f}x the speed of float32 here: not worth its rounding")
    return Choice("bfloat16", f"matrix products run {ratio:.1f}x as fast as float32 here")


ROWS, FEW, SLOW = 512, 8, 0.1
"""Of the product that is timed; of one that is tried before it; seconds of that one which need no better look."""


@functools.cache  # one answer a process: the plan and the training must not choose different dtypes
def measured_matmul(device: str, dtype: Dtype) -> float | None:
    """Seconds of a [512, 2048] x [2048, 2048] product on this machine, the best of five.

    Where a few rows alone take long, it is reckoned from them: a processor without bfloat16 needs minutes for the whole.
    """
    import torch

    try:
        a = torch.ones(ROWS, 2048, device=device, dtype=getattr(torch, dtype))
        b = torch.ones(2048, 2048, device=device, dtype=getattr(torch, dtype))
        synchronize = {"cuda": torch.cuda.synchronize, "mps": torch.mps.synchronize}.get(device, lambda: None)

        def best_of(times: int, rows: int) -> float:
            seconds = []
            for _ in range(times):
                start = time.perf_counter()
                torch.mm(a[:rows], b)
                synchronize()
                seconds.append(time.perf_counter() - start)
            return min(seconds)

        few = best_of(2, FEW)  # the first pays for its kernel
        return few * ROWS / FEW if few > SLOW else best_of(6, ROWS)
    except (RuntimeError, TypeError):
        return None
