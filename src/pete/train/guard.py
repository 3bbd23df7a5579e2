"""Divergence and swap guards: stop at a loss that is not a number, warn when the machine begins to swap."""

import math

from pete.engines.protocol import StepResult
from pete.errors import BaseModelError, WorkError
from pete.words import GB, gigabytes


def check_base(loss: float, grad_norm: float, base: str) -> None:
    """Look at what the base computes before any update: there a loss that is not a number is no divergence.

    Raises:
        BaseModelError: the base itself is broken.
    """
    if not (math.isfinite(loss) and math.isfinite(grad_norm)):
        raise BaseModelError(
            f"The base model {base} itself computes no numbers: before anything was trained, the loss is {loss:.4g}"
            + (f" and the gradient norm {grad_norm:.4g}." if not math.isfinite(grad_norm) else "."),
            "its file may be damaged: get it again; or it overflows in half precision: --set model.dtype=float32",
        )


def check_finite(result: StepResult, step: int, lr: float) -> None:
    """Stop at the first loss or gradient that is not a number: everything after it would be lost.

    Raises:
        WorkError: with what to change. The engine has not applied this update.
    """
    if not (math.isfinite(result.nats) and math.isfinite(result.grad_norm)):
        reason = f"the loss is {result.nats / max(1, result.tokens):.4g} and the gradient norm {result.grad_norm:.4g}"
        raise _diverged(step, f"{reason}; training has diverged, and this update was not applied", lr)


def check_validation(loss: float, step: int, lr: float) -> None:
    """Stop at a validation loss that is not a number; a step that has one is never the best.

    Raises:
        WorkError: with what to change.
    """
    if not math.isfinite(loss):
        raise _diverged(step, f"the validation loss is {loss:.4g}; training has diverged", lr)


def _diverged(step: int, reason: str, lr: float) -> WorkError:
    return WorkError(
        f"Step {step}: {reason}.",
        f"the checkpoints so far are good; try half the learning rate (--set optim.learning_rate={lr / 2:.2g}) "
        "or --set model.dtype=float32",
    )


SWAP_STEP = GB
"""Bytes of growth worth a word: less comes and goes with other programs."""


class SwapGuard:
    """Says so each time the machine has swapped out another gigabyte since training began."""

    def __init__(self) -> None:
        self._least: int | None = None
        self._reported = 0

    def look(self, swap: int) -> str:
        """Take a reading in bytes; a sentence when it has grown by another step, else nothing."""
        self._least = swap if self._least is None else min(self._least, swap)
        grown = (swap - self._least) // SWAP_STEP
        if grown <= self._reported:
            return ""
        self._reported = grown
        return (
            f"swap has grown by {gigabytes(swap - self._least)} since training began: memory is short and steps get slower. "
            "Close other programs; next time a smaller train.micro_batch, or train.gradient_checkpointing with lora.dropout = 0"
        )
