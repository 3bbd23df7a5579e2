"""What stops a run before it ruins itself."""

import math

from pete.engines.protocol import StepResult
from pete.errors import WorkError


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
