"""What `pete bench` sets side by side.

Each way is a process of its own (`python -m pete.engines.bench WAY FOLDER`), so that its peak memory is its own; it takes a step when
it is told to, so that only one computes at a time and a drifting machine drifts for all.

This file imports nothing that is heavy: the conductor looks at it before anything is started.
"""

import importlib.util
from dataclasses import dataclass

PADDED = 512
"""Tokens that the report's way pads every row to; more where a row is longer."""


@dataclass(frozen=True)
class Way:
    """One of those that are compared."""

    name: str
    title: str
    how: str
    """Its settings in words."""
    runs: str
    """module:function(Job, Pace), imported in its own process."""
    needs: tuple[str, ...] = ()
    """Modules of packages that not everybody has."""
    float32: bool = False
    """Computes in float32 whatever the others do."""
    ours: bool = False

    @property
    def missing(self) -> list[str]:
        """Of what it needs, what is not installed here."""
        return [name for name in self.needs if importlib.util.find_spec(name) is None]


FLOOR = Way("floor", "matrix floor", "forward and input gradient of the frozen matrices, nothing else", "pete.engines.bench.floors:floor")
SCORE = Way("score", "held-out loss", "every adapter, by the same code", "pete.engines.bench.training:score")
OURS = Way("ours", "Pete", "rows end to end, loss where a token is trained", "pete.engines.bench.training:ours", ours=True)
_PEFT = (
    "transformers + peft: base in the dtype, adapter in float32, autocast where the dtype is bfloat16; "
    "attention sdpa, eager on a processor in bfloat16, where it is faster; padded to the longest row; no checkpointing"
)
_TRAINER = ", no workers; on CUDA FlashAttention without padding where it is installed"
TRAINING = (
    Way(
        "report", "the report's way", f"float32, one row at a time padded to {PADDED}, sdpa, loss on every token",
        "pete.engines.bench.training:report", float32=True,
    ),
    Way("loop", "peft, plain loop", _PEFT, "pete.engines.bench.training:loop"),
    Way("trainer", "peft, Trainer", _PEFT + _TRAINER, "pete.engines.bench.trainers:trainer"),
    Way(
        "trl", "TRL SFTTrainer", _PEFT + _TRAINER + "; TRL's own loss in slices",
        "pete.engines.bench.trainers:sft", needs=("trl", "datasets"),
    ),
    OURS,
)  # fmt: skip
DECODING = (
    Way("generate", "transformers", "generate, adapter merged, sdpa", "pete.engines.bench.decoding:generate"),
    Way("torch", "Pete, torch", "adapter beside the base", "pete.engines.bench.decoding:torch_engine", ours=True),
    Way("llama", "Pete, llama", "adapter merged, 8-bit numbers", "pete.engines.bench.decoding:llama_engine", ours=True),
)
WAYS = {way.name: way for way in (FLOOR, SCORE, *TRAINING, *DECODING)}
