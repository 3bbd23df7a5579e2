"""Prompts to answers, several side by side: the text, what it took, and why it ended."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pete.adapter import Lineage, read_lineage
from pete.config import Config, GenerateConfig
from pete.data.render import Message, Renderer
from pete.engines import open_engine
from pete.engines.protocol import Engine
from pete.errors import AdapterError, RunError
from pete.generate.stream import TextStream
from pete.run import RunDir

StopReason = Literal["end", "stop string", "length"]
OnText = Callable[[int, str], None]
"""(row, delta): called as text becomes certain."""


@dataclass(frozen=True)
class Answer:
    """One answer. Times are seconds since the whole batch was asked for; `batch` says how many shared them."""

    text: str
    raw: str
    """Every id decoded, special tokens shown: what the model really said."""
    tokens: int
    stop: StopReason
    first_token_seconds: float
    seconds: float
    batch: int
    leaks_raw: int
    """Special tokens the model produced before its end."""
    leaks_clean: int
    """Special tokens or stop strings in `text`: must be 0."""

    @property
    def tokens_per_second(self) -> float:
        """Decode speed: tokens after the first over the time after the first."""
        after = self.seconds - self.first_token_seconds
        return (self.tokens - 1) / after if self.tokens > 1 and after > 0 else 0.0


@dataclass
class Tuned:
    """A run's model, ready to answer."""

    engine: Engine
    renderer: Renderer
    lineage: Lineage
    config: Config

    def ask(self, turns: Sequence[Sequence[Message]], sampling: GenerateConfig, on_text: OnText | None = None) -> list[Answer]:
        """Answer conversations side by side."""
        return answer_all(self.engine, self.renderer, turns, sampling, self.lineage.stop, on_text)


def open_tuned(run: RunDir) -> Tuned:
    """Load a run's base and adapter.

    Raises:
        RunError: the run has no adapter yet. BaseModelError, AdapterError: what cannot be loaded.
    """
    config = run.read_config().config
    if not run.adapter.is_dir():
        raise RunError(f"{run.folder} has no adapter yet: its training is not finished.", f"go on with it: pete resume {run.word}")
    lineage = read_lineage(run.adapter)
    engine = open_engine(config)
    engine.load(config.model, run.adapter)
    renderer = Renderer(run.adapter, template="", system=lineage.system, context=engine.base.context)
    _refuse_idle(engine, renderer, run)
    return Tuned(engine, renderer, lineage, config)


def _refuse_idle(engine: Engine, renderer: Renderer, run: RunDir) -> None:
    """An adapter that changes nothing would pass for a tuned model: its logits must differ from the base's."""
    probe = renderer.prompt_ids([Message("user", "Hello.")])
    tuned = engine.logits(probe)
    engine.adapter_active = False
    base = engine.logits(probe)
    engine.adapter_active = True
    if np.array_equal(tuned, base):
        raise AdapterError(f"{run.adapter} changes nothing: with and without it the model computes the same.", "train again: pete train")


def answer_all(
    engine: Engine,
    renderer: Renderer,
    conversations: Sequence[Sequence[Message]],
    sampling: GenerateConfig,
    stops: Sequence[str],
    on_text: OnText | None = None,
) -> list[Answer]:
    """Answer every conversation, all of them in one batch.

    Raises:
        UserError: a conversation is too long for the model's context.
    """
    prompts = [renderer.prompt_ids(turns, room=min(sampling.max_new_tokens, renderer.context // 2)) for turns in conversations]
    count = len(prompts)
    streams = [TextStream(renderer, stops) for _ in prompts]
    ids: list[list[int]] = [[] for _ in prompts]
    pieces: list[list[str]] = [[] for _ in prompts]
    first, last = [0.0] * count, [0.0] * count
    done: set[int] = set()

    def put(row: int, delta: str) -> None:
        if delta:
            pieces[row].append(delta)
            if on_text:
                on_text(row, delta)

    began = time.perf_counter()
    for row, token in engine.stream(prompts, sampling, renderer.eos, done):
        last[row] = time.perf_counter() - began
        first[row] = first[row] or last[row]
        ids[row].append(token)
        if token != renderer.eos:
            put(row, streams[row].push(token))
            if streams[row].stopped_by is not None:
                done.add(row)
    answers = []
    for row, stream in enumerate(streams):
        put(row, stream.finish())
        text = "".join(pieces[row])
        ended = bool(ids[row]) and ids[row][-1] == renderer.eos
        body = ids[row][:-1] if ended else ids[row]
        answers.append(
            Answer(
                text=text,
                raw=renderer.tokenizer.decode(ids[row], skip_special_tokens=False),
                tokens=len(ids[row]),
                stop="end" if ended else "stop string" if stream.stopped_by is not None else "length",
                first_token_seconds=first[row],
                seconds=last[row],
                batch=count,
                leaks_raw=sum(token in renderer.special_ids for token in body),
                leaks_clean=sum(mark in "\n" + text for mark in (*renderer.special, *stops)),
            )
        )
    return answers
