"""The learning rate as a pure function of the step: nothing to save, nothing to restore."""

import math

from pete.config import OptimConfig

FLOOR = 0.1
"""The cosine and the line end at this share of the peak, so that the last steps still teach."""


def lr(step: int, steps: int, optim: OptimConfig) -> float:
    """The learning rate of `step` (0-based) of `steps`: linear warm-up, then the schedule down to a tenth."""
    peak, warmup = optim.learning_rate, optim.warmup_steps
    if step < warmup:
        return peak * (step + 1) / warmup
    if optim.schedule == "constant":
        return peak
    progress = (step - warmup) / max(1, steps - 1 - warmup)
    share = 0.5 * (1 + math.cos(math.pi * progress)) if optim.schedule == "cosine" else 1 - progress
    return peak * (FLOOR + (1 - FLOOR) * share)
