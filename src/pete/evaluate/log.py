"""The evaluation log: raw generations and numbers, versioned; every report is made from it, and so is every re-scoring."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pete.errors import DataError
from pete.run import write_atomic

VERSION = 1
Model = Literal["base", "tuned"]
MODELS: tuple[Model, ...] = ("base", "tuned")


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Sample(_Record):
    """One answer of one model to one prompt."""

    model: Model
    prompt_id: str
    category: str
    prompt: str
    text: str
    raw: str
    tokens: int
    stop: str
    first_token_seconds: float
    seconds: float
    batch: int
    seed: int
    leaks_raw: int
    leaks_clean: int
    scores: dict[str, float] = Field(default_factory=dict)


class HeldOut(_Record):
    """One unseen row: bits a byte of the author's own text under each model."""

    source: str
    category: str
    topic: str
    text_bytes: int
    base_nats: float
    tuned_nats: float


class Speed(_Record):
    """One prompt answered alone, warm: what a person at the keyboard waits for."""

    model: Model
    prompt_id: str
    category: str
    tokens: int
    first_token_seconds: float
    seconds: float
    tokens_per_second: float
    stop: str


class EvaluationLog(_Record):
    """Everything an evaluation saw."""

    version: int = VERSION
    created: str
    run: str
    base: str
    base_fingerprint: str
    persona: str
    engine: str
    device: str
    dtype: str
    machine: str
    cores: int
    generate: dict[str, float | int]
    categories: dict[str, str]
    held_out: list[HeldOut]
    samples: list[Sample]
    speed: list[Speed]
    peak_memory: int
    seconds: float

    def write(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_atomic(path, self.model_dump_json(indent=1) + "\n")


def read_log(path: Path) -> EvaluationLog:
    """Read a log.

    Raises:
        DataError: missing, damaged, or of a version this program does not know.
    """
    try:
        log = EvaluationLog.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise DataError(f"{path} is not an evaluation log: {error}", "evaluate again: pete evaluate") from None
    if log.version > VERSION:
        raise DataError(f"{path} has version {log.version}; this program reads up to {VERSION}.", "update Pete")
    return log
