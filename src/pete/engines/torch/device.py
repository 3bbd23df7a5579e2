"""What PyTorch calls by another name on each device: the GPUs that are here, and the state of random numbers."""

import torch
from torch import Tensor


def gpus_here() -> dict[str, bool]:
    """GPU -> whether PyTorch can use it; what `choose_device` wants to know."""
    return {"mps": torch.backends.mps.is_available(), "cuda": torch.cuda.is_available()}


def get_random(device: str) -> Tensor:
    """The state of the device's random numbers."""
    return {"mps": torch.mps.get_rng_state, "cuda": torch.cuda.get_rng_state}.get(device, torch.get_rng_state)()


def set_random(device: str, state: Tensor) -> None:
    """Put a state back."""
    {"mps": torch.mps.set_rng_state, "cuda": torch.cuda.set_rng_state}.get(device, torch.set_rng_state)(state)
