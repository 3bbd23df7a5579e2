"""The evaluation log: raw generations and numbers, versioned; every report is made from it, and so is every re-scoring."""

from collections import Counter
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from pete.data.examples import Task
from pete.errors import DataError
from pete.run import write_atomic

VERSION = 7
"""What a version added; older ones are read, and what they lack is unknown.

2: prompts with their checks, neutral text, fluency, marks, the author's own scores.
3: the rules that an answer breaks, what was drawn for it, a judge.
4: the prompts that are training rows; the author's own rows by every scorer of answers.
5: of several answers drawn only the chosen one is kept, with their number (the first attempt in older logs is not read); why what
is missing is missing.
6: how a timed answer ended and, of an answer in a batch, the time to its first token are not kept: nothing was made of them.
7: whether the prompts are drafts to be rewritten, and of which kind each is; then also what stands beside the answers, and how much of
a draft they give away.
"""
Model = Literal["base", "tuned"]
MODELS: tuple[Model, ...] = ("base", "tuned")


Beside = Literal["draft", "examples", "drawn", "guarded", "author_guarded"]
"""The draft as it is; the base shown examples of rewriting; what the tuned model drew more, so that the guard has as many to choose
among as in `pete rewrite` (in no measure); what is left of all of these when the guard has put back the draft's own sentences where they
say something else."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Mark(_Record):
    """A stretch of an answer that a scorer points at: text[start:end]."""

    start: int
    end: int
    kind: str
    note: str = ""


class Flag(_Record):
    """A rule that an answer breaks: its name, what is wrong in words, and text[start:end]."""

    rule: str
    words: str
    start: int
    end: int


class Asked(_Record):
    """One prompt of the suite, with what an answer has to keep."""

    id: str
    category: str
    prompt: str
    topic: str = ""
    format: str = ""
    reference: str = ""
    facts: tuple[str, ...] = ()
    checks: dict[str, Any] = Field(default_factory=dict)
    draft_kind: str = ""
    """How the draft is written, where the prompt is one."""


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
    seconds: float
    batch: int
    seed: int
    leaks_raw: int
    leaks_clean: int
    number: int = 0
    """Which answer of this model to this prompt: number 0 of the base belongs beside number 0 of the tuned model."""
    fluency_nats: float | None = None
    """Negative log-likelihood of the text under `fluency_model`; None is unknown."""
    recovered_nats: float | None = None
    """Negative log-likelihood under the base of the draft that stands in the prompt, given the text; None is unknown."""
    draft_nats: float | None = None
    """The same of the draft alone."""
    scores: dict[str, float] = Field(default_factory=dict)
    marks: tuple[Mark, ...] = ()
    flags: tuple[Flag, ...] = ()
    """The rules it breaks all the same."""
    attempts: int = 1
    """Answers drawn for this prompt, this one included."""
    tokens_drawn: int = 0
    """Tokens of all of them; 0 is not recorded. The seconds count all of them, too."""


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
    tokens: int
    first_token_seconds: float
    seconds: float
    tokens_per_second: float
    guessed: int = 0
    """Tokens that a smaller model guessed (`engine.llama.draft`)."""
    guessed_right: int = 0
    """Those of them that were drawn."""


class EvaluationLog(_Record):
    """Everything an evaluation saw."""

    version: int = VERSION
    task: Task = "write"
    """What was asked for: to answer the prompts, or to rewrite the drafts that stand in their place."""
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
    prompt_format: dict[str, Any] = Field(default_factory=dict, validation_alias=AliasChoices("prompt_format", "asking"))
    """How requests were put before the model, if not as in training: the [prompt_format] in force."""
    prompts: list[Asked] = Field(default_factory=list)
    in_training: tuple[str, ...] = ()
    """Ids of prompts that stand in the training rows, in the order of the suite."""
    held_out: list[HeldOut]
    neutral: list[HeldOut] = Field(default_factory=list)
    """Ordinary prose of the same kinds, by nobody in particular: what is gained here too is not voice."""
    samples: list[Sample]
    beside: dict[Beside, list[Sample]] = Field(default_factory=dict)
    """Of rewriting: what else could have been given for the same drafts, scored alike."""
    speed: list[Speed]
    peak_memory: int
    seconds: float
    fluency_model: str = ""
    fluency_is_third: bool = False
    """False: fluency was judged by the base itself, which likes its own answers."""
    measures: dict[str, float] = Field(default_factory=dict)
    """Numbers about the whole set: the classifier's AUC, limits taken from the author's own text, distinct-n."""
    unknown: dict[str, str] = Field(default_factory=dict)
    """What could not be measured (a scorer, "gain", "selectivity", "neutral") -> why, as a sentence."""
    notes: tuple[str, ...] = ()
    """The same sentences, and whatever else should be known of the numbers."""
    judge: dict[str, Any] | None = None
    """What another model said of the answers, where one was asked; evaluate/judge knows how to read it."""

    @property
    def validated(self) -> bool:
        """Whether the answers were held against the rules: before version 3 nobody wrote down what was flagged."""
        return self.version >= 3

    def write(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_atomic(path, self.model_dump_json(indent=1) + "\n")


def pairs(log: EvaluationLog) -> list[tuple[Sample, Sample]]:
    """(base, tuned) answers to the same prompt with the same number."""
    base = {(s.prompt_id, s.number): s for s in log.samples if s.model == "base"}
    return [(base[(s.prompt_id, s.number)], s) for s in log.samples if s.model == "tuned" and (s.prompt_id, s.number) in base]


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
