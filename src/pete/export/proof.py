"""Proof that what was exported is what was trained: the file, loaded by the program that will read it, beside the tuned model.

Token ids have to be equal. Next-token logits are compared by their largest gap, as a share of the reference's own spread, and by
Kullback-Leibler divergence; unseen text by bits per byte; answers drawn greedily, token for token. A form that rounds the weights
hard (q8_0, q4_0) has no limit on single logits: it has to stay nearer to the tuned model than the base is.
"""

import copy
import datetime
import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from pete.config import GenerateConfig
from pete.data.batch import in_batches
from pete.data.render import Rendered
from pete.engines.gguf.known import sha256_of
from pete.engines.protocol import Generator
from pete.engines.reference import divergence
from pete.export.record import ExportProof
from pete.export.source import Source, bare_messages

ANSWERED, DRAWN = 10, 8
"""Prompts that are answered greedily, and tokens of each answer."""
TIMED = 16
"""Tokens drawn once more, alone, for the speed."""


@dataclass(frozen=True)
class Limit:
    """How far a kind of number may be from the reference: gap (share of spread), nats, share of answers that are drawn alike."""

    gap: float
    kl: float
    greedy: float


LIMITS = {"f32": Limit(2e-3, 1e-5, 0.9), "f16": Limit(0.02, 2e-3, 0.75), "bf16": Limit(0.2, 2e-2, 0.5)}
"""Kind of number -> its limit. docs/export.md has what was measured."""


class Reader(Protocol):
    """A program that reads an export: what it computes, and what it makes of messages and ends."""

    @property
    def name(self) -> str:
        """With its version, for people."""
        ...

    @property
    def engine(self) -> Generator:
        """What it computes with."""
        ...

    def prompt_ids(self, messages: Sequence[Mapping[str, object]]) -> list[int] | None:
        """Ids of a conversation, ready to be answered; None where this program leaves that to others."""
        ...

    def ends(self) -> Collection[int] | None:
        """Ids that end an answer; None where this program leaves that to others."""
        ...


@dataclass(frozen=True)
class Readings:
    """What a model computes for the prompts and rows of a source."""

    logits: np.ndarray
    """float32 [prompts, vocabulary]."""
    drawn: tuple[tuple[int, ...], ...]
    """Greedily, for the first prompts."""
    nats: float
    text_bytes: int
    tokens_per_second: float = 0.0

    @property
    def bits_per_byte(self) -> float:
        """Of the rows; 0 where none fits the model's context."""
        return self.nats / math.log(2) / self.text_bytes if self.text_bytes else 0.0


@dataclass(frozen=True)
class Reference:
    """The tuned model and its base, as the training engine computes them."""

    engine: str
    dtype: str
    tuned: Readings
    base: Readings | None
    """None where the base itself is exported."""


def read(engine: Generator, prompts: Sequence[Sequence[int]], rows: Sequence[Rendered], *, draws: bool = True) -> Readings:
    """Ask an engine everything that is compared; a base alone need not draw."""
    logits = np.stack([engine.logits(ids) for ids in prompts])
    nats = sum(sum(engine.loss(batch).nats) for batch in in_batches(rows))
    size = sum(row.text_bytes for row in rows)
    if not draws:
        return Readings(logits, (), nats, size)
    greedy = GenerateConfig(temperature=0.0, repetition_penalty=1.0, max_new_tokens=DRAWN)  # type: ignore[call-arg]
    drawn: list[list[int]] = [[] for _ in prompts[:ANSWERED]]
    for row, token in engine.stream(prompts[:ANSWERED], greedy, ()):
        drawn[row].append(token)
    speed = _speed(engine, prompts[0], greedy.model_copy(update={"max_new_tokens": TIMED}))
    return Readings(logits, tuple(map(tuple, drawn)), nats, size, speed)


def _speed(engine: Generator, prompt: Sequence[int], greedy: GenerateConfig) -> float:
    """Tokens a second of one answer, after the first of them."""
    times = [time.perf_counter() for _ in engine.stream([prompt], greedy, ())]
    return (len(times) - 1) / max(times[-1] - times[0], 1e-9) if len(times) > 1 else 0.0


def compare(source: Source, reference: Reference, reader: Reader, form: str, kind: str, files: Sequence[Path]) -> ExportProof:
    """Ask an export's reader what the reference was asked, and hold the answers against each other.

    Args:
        source: what was exported.
        reference: of the same source.
        reader: with the export loaded.
        form: a name of EXPORTERS.
        kind: of the numbers.
        files: what was loaded; their hashes and sizes go into the proof.
    """
    found = read(reader.engine, source.prompt_ids(), source.rendered())
    tuned, base = reference.tuned, reference.base
    count = min(tuned.logits.shape[1], found.logits.shape[1])  # what stands beyond is padding, which no text has
    problems = []
    if count < source.renderer.tokenizer.get_vocab_size():
        problems.append(f"it knows {count} tokens, and the tokenizer {source.renderer.tokenizer.get_vocab_size()}")
    gap, kl = _gap(tuned.logits[:, :count], found.logits[:, :count]), _mean_divergence(tuned, found, count)
    kl_base = None if base is None else _mean_divergence(tuned, base, count)
    greedy = float(np.mean([ours == theirs for ours, theirs in zip(tuned.drawn, found.drawn, strict=True)]))
    problems += _text_problems(source, reader, line_inside=form != "adapter" and not source.needs_system)
    limit = LIMITS.get(kind)
    if not np.isfinite([gap, kl]).all():
        problems.append("it computes numbers that are not finite")
    elif limit is not None:
        limit = max(limit, LIMITS["bf16"] if reference.dtype == "bfloat16" else limit, key=lambda one: one.gap)
        named = ("largest gap of a logit, as a share of their spread", "divergence in nats")
        for what, value, most in zip(named, (gap, kl), (limit.gap, limit.kl), strict=True):
            if value > most:
                problems.append(f"{what}: {value:.2g}, and {kind} may have {most:g}")
        if greedy < limit.greedy:
            problems.append(f"{greedy:.0%} of the greedy answers are those of the tuned model, and {limit.greedy:.0%} have to be")
    if kl_base is not None and not kl < kl_base:
        problems.append(
            f"it is no nearer to the tuned model ({kl:.2g} nats) than the untrained base is ({kl_base:.2g}): what was trained is lost"
        )
    return ExportProof(
        form=form,
        kind=kind,
        name=source.name,
        base=source.base.name,
        base_fingerprint=source.base.fingerprint,
        adapter_sha256=source.adapter_sha256,
        sha256={path.name: sha256_of(path) for path in files},
        size=sum(path.stat().st_size for path in files),
        reader=reader.name,
        reference=f"{reference.engine}, {reference.dtype}",
        prompts=len(source.prompts),
        rows=len(source.rendered()),
        rows_of=source.rows_of,
        ids="the reader" if reader.prompt_ids([]) is not None else "Pete",
        gap=gap,
        kl=kl,
        kl_base=kl_base,
        greedy=greedy,
        bits_per_byte=found.bits_per_byte,
        tuned_bits_per_byte=tuned.bits_per_byte,
        base_bits_per_byte=None if base is None else base.bits_per_byte,
        tokens_per_second=found.tokens_per_second,
        problems=tuple(problems),
    )


def _text_problems(source: Source, reader: Reader, *, line_inside: bool) -> list[str]:
    """Where the reader's ids or ends are not those of training.

    Conversations are put with their system line, and without one where the template should have it (`line_inside`).
    """
    renderer = copy.copy(source.renderer)
    renderer.now = datetime.datetime.now().replace(microsecond=0)  # a template that writes the date takes today's, as the reader does
    problems = []
    for number, turns in enumerate(source.prompts, 1):
        said = {"with its system line": renderer.messages(turns)}
        if renderer.system and line_inside:
            said["without a system line"] = bare_messages(renderer, turns)
        for how, messages in said.items():
            ids = reader.prompt_ids(messages)
            if ids is not None and ids != renderer.prompt_ids(turns):
                problems.append(f"prompt {number} {how} becomes other token ids than in training")
    ends = reader.ends()
    if ends is not None and (lost := sorted(renderer.ends - set(ends))):
        named = ", ".join(repr(renderer.tokenizer.id_to_token(number)) for number in lost)
        problems.append(f"it does not know that {named} ends an answer")
    return problems if len(problems) < 4 else [*problems[:3], f"and {len(problems) - 3} more"]


def _mean_divergence(wanted: Readings, found: Readings, count: int) -> float:
    """Of the next tokens, among the first `count` of the vocabulary, in nats."""
    return float(divergence(wanted.logits[:, :count], found.logits[:, :count]).mean())


def _gap(wanted: np.ndarray, found: np.ndarray) -> float:
    """Largest difference of a logit, as a share of the spread of its place; a constant added to all of a place is none."""
    ours, theirs = (logits - logits.mean(-1, keepdims=True) for logits in (wanted, found))
    return float((np.abs(ours - theirs).max(-1) / ours.std(-1)).max())
