"""What may help when a gate fails: one change of the settings each, as data; the report makes commands of them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pete.config import EMBEDDED_BASE, Config

LARGER = "HuggingFaceTB/SmolLM2-360M-Instruct"
"""The embedded base's next larger relative, on the hub."""


@dataclass(frozen=True)
class Advice:
    """One thing to try. Settings below `generate` and `evaluate` need no training, the others do."""

    text: str
    settings: Callable[[Config], Mapping[str, object]]
    """From the settings in force (`generate` as the answers were drawn); empty where there is nothing left to change."""


LARGER_ADAPTER = Advice("A larger adapter.", lambda c: {"lora.rank": 2 * c.lora.rank})
SMALLER_STEPS = Advice("Smaller steps.", lambda c: {"optim.learning_rate": f"{c.optim.learning_rate / 2:g}"})
LESS_RANDOM = Advice(
    "Take the wildest tokens out of the draw.", lambda _: {"generate.top_p": 0.9, "generate.temperature": 0.5}
)  # fmt: skip
MORE_RANDOM = Advice("Draw more freely.", lambda c: {"generate.temperature": f"{min(1.0, round(c.generate.temperature + 0.15, 2)):g}"})
LARGER_BASE = Advice(
    "A larger base, which knows more ways to say the same; to draw more freely only makes it say other things.",
    lambda c: {"model.base": LARGER} if c.model.base == EMBEDDED_BASE else {},
)
PENALISE_REPETITION = Advice(
    "Make repeating costlier.", lambda c: {"generate.repetition_penalty": f"{min(1.5, round(c.generate.repetition_penalty + 0.1, 2)):g}"}
)
LONGER_ANSWERS = Advice(
    "Give answers more room: do they end then?", lambda c: {"generate.max_new_tokens": math.ceil(c.generate.max_new_tokens * 1.5)}
)
DRAW_AGAIN = Advice(
    "Draw an answer that breaks a rule again, twice at most.", lambda c: {"generate.retries": 2} if c.generate.retries < 2 else {}
)


def _more_dropout(config: Config) -> Mapping[str, object]:
    settings: dict[str, object] = {"lora.dropout": f"{min(0.5, max(0.1, 2 * config.lora.dropout)):g}"}
    # refused together
    return settings | ({"train.gradient_checkpointing": "false"} if config.train.gradient_checkpointing else {})


MORE_DROPOUT = Advice("Make memorising harder.", _more_dropout)
