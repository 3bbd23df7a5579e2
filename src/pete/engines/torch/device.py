"""The GPUs that are here."""

import torch


def gpus_here() -> dict[str, bool]:
    """GPU -> whether PyTorch can use it; what `choose_device` wants to know."""
    return {"mps": torch.backends.mps.is_available(), "cuda": torch.cuda.is_available()}
