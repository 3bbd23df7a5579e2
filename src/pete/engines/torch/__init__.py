"""The training engine on PyTorch."""
