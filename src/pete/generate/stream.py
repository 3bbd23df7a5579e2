"""Prompts to answers, several side by side: the text, what it took, and why it ended."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from pete.adapter import Lineage, read_lineage
from pete.config import Config, GenerateConfig
from pete.data.examples import Example, load_examples
from pete.data.render import Message, Renderer
from pete.engines import open_generator
from pete.engines.protocol import Generator
from pete.engines.sampling import Avoid
from pete.errors import AdapterError, DataError, RunError
from pete.generate.choose import Answer, Judge, Voice, choose
from pete.generate.extract import Extractor, pieces_of, turn_marks
from pete.generate.leak_patterns import listed
from pete.generate.prompt_format import PromptFormatter, open_renderer, read_prompt_format
from pete.generate.request_parsing import RequestType
from pete.generate.rules import Validator, limits_of
from pete.persona import PromptFormat
from pete.run import RunDir

OnText = Callable[[int, str], None]
"""(row, delta): called as text becomes certain."""


@dataclass
class Tuned:
    """A run's model, ready to answer."""

    engine: Generator
    renderer: Renderer
    lineage: Lineage
    config: Config
    validator: Validator = field(default_factory=Validator)
    formatter: PromptFormatter = field(default_factory=PromptFormatter)

    def ask(
        self,
        turns: Sequence[Sequence[Message]],
        sampling: GenerateConfig,
        on_text: OnText | None = None,
        kinds: Sequence[RequestType] | None = None,
        voice: Voice | None = None,
    ) -> list[Answer]:
        """Put conversations before the model as the persona's [prompt_format] says, side by side, and judge the answers by its rules.

        Args:
            turns: one conversation a row, the user's message last.
            sampling: how to draw; `retries` and `best_of` say how often.
            on_text: called as text becomes certain. What was shown cannot be taken back: such answers are drawn once, and flagged.
            kinds: category and format of each conversation; None takes what the prompts say.
            voice: how much a text sounds like the persona, higher is more; decides between answers that keep the same rules.

        Raises:
            UserError: a conversation is too long for the model's context.
        """
        kinds = kinds or [RequestType()] * len(turns)
        put = [self.formatter(talk, kind.topic) for talk, kind in zip(turns, kinds, strict=True)]
        stops = tuple(dict.fromkeys((*self.lineage.stop, *turn_marks(self.renderer))))
        avoid = self._avoid(sampling.avoid_bias)

        def draw(rows: Sequence[int], sampling: GenerateConfig) -> list[Answer]:
            return answer_all(self.engine, self.renderer, [put[row] for row in rows], sampling, stops, on_text, avoid)

        if on_text is not None:
            sampling = sampling.model_copy(update={"retries": 0, "best_of": 1})
        prompts = [next((turn.content for turn in reversed(talk) if turn.role == "user"), "") for talk in turns]
        judge = Judge(self.validator, prompts, kinds, voice)
        return choose(draw, judge, sampling)

    def with_prompt_format(self, prompt_format: PromptFormat, folder: Path) -> "Tuned":
        """The same model, with requests put before it another way.

        Args:
            prompt_format: the other way.
            folder: the adapter's folder, for its tokenizer and its own template.
        """
        renderer = open_renderer(folder, self.lineage, prompt_format, self.renderer.context, self.renderer.train_turns)
        return replace(self, renderer=renderer, formatter=PromptFormatter(prompt_format, self.formatter.rows, self.formatter.validator))

    def _avoid(self, strength: float) -> Avoid | None:
        """Steering around the persona's phrases; None is none."""
        if strength == 0 or not self.lineage.avoid:
            return None
        if self._steered is None or self._steered.strength != np.float32(strength):
            self._steered = Avoid(pieces_of(self.renderer), self.lineage.avoid, strength)
        return self._steered

    _steered: Avoid | None = field(default=None, init=False, repr=False)


def open_tuned(run: RunDir) -> Tuned:
    """Load a run's base and adapter.

    Raises:
        RunError: the run has no adapter yet. BaseModelError, AdapterError: what cannot be loaded.
    """
    config = run.read_config().config
    if not run.adapter.is_dir():
        raise RunError(f"{run.folder} has no adapter yet: its training is not finished.", f"go on with it: pete resume {run.cli_argument}")
    lineage = read_lineage(run.adapter)
    engine = open_generator(config)
    engine.load(config.model, run.adapter)
    prompt_format, rows = read_prompt_format(lineage.prompt_format), _training_rows(run)
    renderer = open_renderer(run.adapter, lineage, prompt_format, engine.base.context, config.data.train_turns)
    _refuse_idle(engine, renderer, run)
    validator = Validator(limits_of(lineage.limits), limits_of(lineage.formats), lineage.avoid, (*renderer.special, *lineage.stop), rows)
    return Tuned(engine, renderer, lineage, config, validator, PromptFormatter(prompt_format, rows, validator))


def _training_rows(run: RunDir) -> Sequence[Example]:
    """What an answer could have copied, and what a request is put with; without the run's data nobody can tell."""
    try:
        return load_examples([run.split_file("train")])
    except DataError:
        return ()


def _refuse_idle(engine: Generator, renderer: Renderer, run: RunDir) -> None:
    """An adapter that changes nothing would pass for a tuned model: its logits must differ from the base's."""
    probe = renderer.answer_ids([Message("user", "Hello.")])
    tuned = engine.logits(probe)
    engine.adapter_active = False
    base = engine.logits(probe)
    engine.adapter_active = True
    if not np.isfinite(tuned).all():
        raise AdapterError(f"{run.adapter} computes {tuned[~np.isfinite(tuned)][0]} where numbers should be.", "train again: pete train")
    if np.array_equal(tuned, base):
        raise AdapterError(f"{run.adapter} changes nothing: with and without it the model computes the same.", "train again: pete train")


def answer_all(
    engine: Generator,
    renderer: Renderer,
    conversations: Sequence[Sequence[Message]],
    sampling: GenerateConfig,
    stops: Sequence[str],
    on_text: OnText | None = None,
    avoid: Avoid | None = None,
) -> list[Answer]:
    """Answer every conversation once, all of them in one batch.

    Raises:
        UserError: a conversation is too long for the model's context.
    """
    prompts = [renderer.answer_ids(turns, room=min(sampling.max_new_tokens, renderer.context // 2)) for turns in conversations]
    count = len(prompts)
    streams = [Extractor(renderer, stops) for _ in prompts]
    ids: list[list[int]] = [[] for _ in prompts]
    first, last = [0.0] * count, [0.0] * count
    done: set[int] = set()

    def put(row: int, delta: str) -> None:
        if delta and on_text:
            on_text(row, delta)

    began = time.perf_counter()
    for row, token in engine.stream(prompts, sampling, renderer.ends, done, avoid):
        last[row] = time.perf_counter() - began
        first[row] = first[row] or last[row]
        ids[row].append(token)
        put(row, streams[row].push(token))
        if streams[row].stop is not None:
            done.add(row)
    answers = []
    for row, stream in enumerate(streams):
        put(row, stream.finish())
        assert stream.stop is not None, "finish() says why"
        body = ids[row][:-1] if stream.stop == "end" and ids[row][-1] in renderer.ends else ids[row]
        answers.append(
            Answer(
                text=stream.text,
                raw=renderer.tokenizer.decode(ids[row], skip_special_tokens=False),
                tokens=len(ids[row]),
                stop=stream.stop,
                first_token_seconds=first[row],
                seconds=last[row],
                batch=count,
                leaks_raw=sum(token in renderer.special_ids for token in body),
                leaks_clean=len(listed(stream.text, (*renderer.special, *stops))),
                tokens_drawn=len(ids[row]),
            )
        )
    return answers
