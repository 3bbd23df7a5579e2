"""The evaluation log: raw generations and numbers, versioned; every report is made from it, and so is every re-scoring."""

from collections import Counter
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pete.errors import DataError
from pete.run import write_atomic

VERSION = 2
"""2: prompts with their checks, neutral text, fluency, marks, the author's own scores. Version 1 is read; what it lacks is unknown."""
Model = Literal["base", "tuned"]
MODELS: tuple[Model, ...] = ("base", "tuned")


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Mark(_Record):
    """A stretch of an answer that a scorer points at: text[start:end]."""

    start: int
    end: int
    kind: str
    note: str = ""


class Asked(_Record):
    """One prompt of the suite, with what an answer has to keep."""

    id: str
    category: str
    prompt: str
    topic: str = ""
    format: str = ""
    facts: tuple[str, ...] = ()
    checks: dict[str, Any] = Field(default_factory=dict)


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
    number: int = 0
    """Which answer of this model to this prompt: number 0 of the base belongs beside number 0 of the tuned model."""
    fluency_nats: float | None = None
    """Negative log-likelihood of the text under `fluency_model`; None is unknown."""
    scores: dict[str, float] = Field(default_factory=dict)
    marks: tuple[Mark, ...] = ()


class HeldOut(_Record):
    """One unseen row: bits a byte of a text that neither model wrote, under each model."""

    source: str
    category: str
    topic: str
    text_bytes: int
    base_nats: float
    tuned_nats: float
    tokens: int = 0
    fluency_nats: float | None = None
    scores: dict[str, float] = Field(default_factory=dict)
    """The author's own text, scored as if a model had written it: what the gates compare with."""


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
    avoid: tuple[str, ...] = ()
    prompts: list[Asked] = Field(default_factory=list)
    held_out: list[HeldOut]
    neutral: list[HeldOut] = Field(default_factory=list)
    """Ordinary prose of the same kinds, by nobody in particular: what is gained here too is not voice."""
    samples: list[Sample]
    speed: list[Speed]
    peak_memory: int
    seconds: float
    fluency_model: str = ""
    fluency_is_third: bool = False
    """False: fluency was judged by the base itself, which likes its own answers."""
    measures: dict[str, float] = Field(default_factory=dict)
    """Numbers about the whole set: the classifier's AUC, limits taken from the author's own text, distinct-n."""
    notes: tuple[str, ...] = ()
    """What could not be measured, and why, as sentences."""

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
    return log if log.version > 1 else _numbered(log)


def _numbered(log: EvaluationLog) -> EvaluationLog:
    """Version 1 kept the answers in the order in which they were asked, and no numbers."""
    seen: Counter[tuple[str, str]] = Counter()
    samples = []
    for sample in log.samples:
        samples.append(sample.model_copy(update={"number": seen[(sample.model, sample.prompt_id)]}))
        seen[(sample.model, sample.prompt_id)] += 1
    return log.model_copy(update={"samples": samples})
