"""llama.cpp: it answers, fast and in little memory, from a GGUF that is made of base and adapter once; it does not train."""

import os

from pete.config import EngineConfig

SPIN = "2000"
"""Turns a thread waits for the others before it sleeps, on Linux. With the compiler's default (300,000) a busy machine makes a token in
seconds: each waits for one that is not computing. With this one an idle machine loses a twelfth."""


def environment(engine: EngineConfig) -> dict[str, str]:
    """What has to be in the environment before llama.cpp is opened."""
    return {"GOMP_SPINCOUNT": os.environ.get("GOMP_SPINCOUNT") or SPIN}
