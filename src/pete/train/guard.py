"""What stops a run before it ruins itself, and what says so when the machine begins to suffer."""

import math

from pete.engines.protocol import StepResult
from pete.errors import WorkError
from pete.words import GB, gigabytes


def check_finite(result: StepResult, step: int, lr: float) -> None:
    """Stop at the first loss or gradient that is not a number: everything after it would be lost.

    Raises:
        WorkError: with what to change. The engine has not applied this update.
    """
    if math.isfinite(result.nats) and math.isfinite(result.grad_norm):
        return
    raise WorkError(
        f"Step {step}: the loss is {result.nats / max(1, result.tokens):.4g} and the gradient norm {result.grad_norm:.4g}; "
        "training has diverged, and this update was not applied.",
        f"the checkpoints so far are good; try half the learning rate (--set optim.learning_rate={lr / 2:.2g}) "
        "or --set model.dtype=float32",
    )


SWAP_STEP = GB
"""Bytes of growth worth a word: less comes and goes with other programs."""


class SwapGuard:
    """Says so each time the machine has swapped out another gigabyte since training began."""

    def __init__(self) -> None:
        self._least: int | None = None
        self._told = 0

    def look(self, swap: int) -> str:
        """Take a reading in bytes; a sentence when it has grown by another step, else nothing."""
        self._least = swap if self._least is None else min(self._least, swap)
        grown = (swap - self._least) // SWAP_STEP
        if grown <= self._told:
            return ""
        self._told = grown
        return (
            f"swap has grown by {gigabytes(swap - self._least)} since training began: memory is short and steps get slower. "
            "Close other programs; next time a smaller train.micro_batch, or train.gradient_checkpointing with lora.dropout = 0"
        )
