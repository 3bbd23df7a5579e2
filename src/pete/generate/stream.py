"""Prompts to answers, several side by side: the text, what it took, and why it ended."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from pete.adapter import Lineage, read_lineage
from pete.config import Config, GenerateConfig
from pete.data.examples import Example, load_examples, written
from pete.data.render import Message, Renderer
from pete.engines.base_models.resolve import look_up_base
from pete.engines.protocol import Generator, Rows
from pete.engines.reference import ROWS
from pete.errors import AdapterError, DataError, RunError
from pete.generate.answering import load_answering
from pete.generate.choose import Answer, Ranking, Voice, choose
from pete.generate.extract import Extractor, turn_marks
from pete.generate.leak_patterns import listed
from pete.generate.prompt_format import PromptFormatter, open_renderer, read_prompt_format
from pete.generate.request_parsing import RequestType
from pete.generate.rules import Validator, limits_of
from pete.persona import PromptFormat
from pete.run import RunDir


@dataclass(frozen=True)
class Delta:
    """Text of one row of a batch that has become certain."""

    row: int
    text: str
    answer: Answer | None = None
    """The whole answer, with the last delta of its row."""


@dataclass
class Tuned:
    """A run's model, ready to answer."""

    engine: Generator
    renderer: Renderer
    lineage: Lineage
    config: Config
    validator: Validator = field(default_factory=Validator)
    formatter: PromptFormatter = field(default_factory=PromptFormatter)
    _rows: dict[bool, Rows] = field(default_factory=dict)
    """Of tuned model and base, for what is streamed."""

    def ask(
        self,
        conversations: Sequence[Sequence[Message]],
        sampling: GenerateConfig,
        kinds: Sequence[RequestType] | None = None,
        voice: Voice | None = None,
    ) -> list[Answer]:
        """Put conversations before the model as the persona's [prompt_format] says, side by side, and judge the answers by its rules.

        Args:
            conversations: one a row, the user's message last; a system message first takes the place of the persona's.
            sampling: how to draw; `retries` and `best_of` say how often.
            kinds: category and format of each conversation; None takes what the prompts say.
            voice: how much a text sounds like the persona, higher is more; decides between answers that keep the same rules.

        Raises:
            UserError: a conversation is too long for the model's context.
        """
        kinds = kinds or [RequestType()] * len(conversations)
        formatted = [self.formatter(turns, kind.topic) for turns, kind in zip(conversations, kinds, strict=True)]

        def draw(rows: Sequence[int], sampling: GenerateConfig) -> list[Answer]:
            return answer_all(self.engine, self.renderer, [formatted[row] for row in rows], sampling, self.stops)

        return choose(draw, Ranking(self.validator, list(map(_request, conversations)), kinds, voice), sampling)

    def stream(self, conversation: Sequence[Message], sampling: GenerateConfig, kind: RequestType | None = None) -> Iterator[Delta]:
        """One answer as its text becomes certain; the last delta has it whole, flagged by the persona's rules.

        What was shown cannot be taken back: `retries` and `best_of` are without effect.

        Raises:
            UserError: the conversation is too long for the model's context.
        """
        kind = kind or RequestType()
        judge = self.judge(conversation, kind)
        prompt = prompt_ids(self.renderer, self.formatter(conversation, kind.topic), sampling)
        active = self.engine.adapter_active
        rows = self._rows[active] = self._rows.get(active) or self.engine.rows()  # kept: the next turn is read from where it is new
        row, drawing, text = rows.join(prompt, sampling, self.renderer.ends), Drawing(self.renderer, self.stops), ""
        try:
            while not drawing.ended:
                for _, token in rows.step():
                    text = drawing.finish() if token is None else drawing.push(token)
                    if text and not drawing.ended:
                        yield Delta(0, text)
        finally:
            rows.leave(row)
        yield Delta(0, text, judge.check(0, drawing.answer(1)))

    def judge(self, conversation: Sequence[Message], kind: RequestType | None = None) -> Ranking:
        """What the answers to one conversation, row 0, are judged by."""
        return Ranking(self.validator, [_request(conversation)], [kind or RequestType()])

    @cached_property
    def stops(self) -> tuple[str, ...]:
        """Texts that end an answer: the persona's, and what the template puts in front of the user's next turn."""
        return tuple(dict.fromkeys((*self.lineage.stop, *turn_marks(self.renderer))))

    def with_prompt_format(self, prompt_format: PromptFormat, folder: Path) -> "Tuned":
        """The same model, with requests put before it another way.

        Args:
            prompt_format: the other way.
            folder: the adapter's folder, for its tokenizer and its own template.
        """
        renderer = open_renderer(folder, self.lineage, prompt_format, self.renderer.context, self.renderer.train_turns)
        return replace(self, renderer=renderer, formatter=PromptFormatter(prompt_format, self.formatter.rows, self.formatter.validator))


def _request(turns: Sequence[Message]) -> str:
    return next((turn.content for turn in reversed(turns) if turn.role == "user"), "")


def open_tuned(run: RunDir, config: Config | None = None) -> Tuned:
    """Load a run's base and adapter.

    Args:
        run: a run that has an adapter.
        config: the run's, with what may differ afterwards: how answers are drawn, and what draws them. None: as it is.

    Raises:
        RunError: the run has no adapter yet. BaseModelError, AdapterError: what cannot be loaded.
    """
    config = config or run.read_config().config
    if not run.adapter.is_dir():
        raise RunError(f"{run.folder} has no adapter yet: its training is not finished.", f"go on with it: pete resume {run.cli_argument}")
    lineage = read_lineage(run.adapter)
    prompt_format, rows = read_prompt_format(lineage.prompt_format), _training_rows(run)

    def render(context: int) -> Renderer:
        return open_renderer(run.adapter, lineage, prompt_format, context, config.data.train_turns)

    asked = [row.turns[:-1] for row in rows[:ROWS]] or [[Message("user", "Hello.")]]
    engine = load_answering(config, run.adapter, lambda: map(render(look_up_base(config.model).context).answer_ids, asked))
    renderer = render(engine.base.context)
    if engine.name == config.engine.name:  # another one has been held against this one's logits, with the adapter and without
        _refuse_idle(engine, renderer, run)
    validator = Validator(limits_of(lineage.limits), limits_of(lineage.formats), lineage.avoid, (*renderer.special, *lineage.stop), rows)
    return Tuned(
        engine,
        renderer,
        lineage,
        config,
        validator,
        PromptFormatter(prompt_format, [row for row in rows if row.task == "write"], validator),
    )


def _training_rows(run: RunDir) -> Sequence[Example]:
    """What an answer could have copied, and what a request is put with; without the run's data nobody can tell."""
    try:
        return written(load_examples([run.split_file("train")]))
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


def prompt_ids(renderer: Renderer, turns: Sequence[Message], sampling: GenerateConfig, *, whole: bool = False) -> list[int]:
    """Ids that the answer to a conversation follows; oldest turns dropped until there is room for it, unless it must stay `whole`.

    Raises:
        ContextError: it is too long for the model's context.
    """
    return renderer.answer_ids(turns, room=min(sampling.max_new_tokens, renderer.context // 2), whole=whole)


class Drawing:
    """One answer while its tokens are drawn: push each, take the text that has become certain, and the answer once it has ended."""

    def __init__(self, renderer: Renderer, stops: Sequence[str], *, asked: Sequence[str] = (), trimmed: bool = True) -> None:
        """Begin, as an Extractor does; times count from here."""
        self.ended = False
        self._renderer, self._stops = renderer, (*stops, *asked)
        self._extractor = Extractor(renderer, stops, asked=asked, trimmed=trimmed)
        self._ids: list[int] = []
        self._began = time.perf_counter()
        self._first = self._last = 0.0

    def push(self, token: int) -> str:
        """The text that is certain after one more token; nothing once it has ended."""
        if self.ended:
            return ""
        self._last = time.perf_counter() - self._began
        self._first = self._first or self._last
        self._ids.append(token)
        text = self._extractor.push(token)
        self.ended = self._extractor.stop is not None
        return text

    def finish(self) -> str:
        """No more tokens: the rest, which was held back."""
        self.ended = True
        return self._extractor.finish()

    def answer(self, batch: int = 1) -> Answer:
        """The whole answer, which has ended; `batch` says how many were drawn side by side."""
        stop = self._extractor.stop
        assert stop is not None, "it has ended"
        ids, ends = self._ids, self._renderer.ends
        body = ids[:-1] if stop == "end" and ids[-1] in ends else ids
        return Answer(
            text=self._extractor.text,
            raw=self._renderer.tokenizer.decode(ids, skip_special_tokens=False),
            tokens=len(ids),
            stop=stop,
            first_token_seconds=self._first,
            seconds=self._last,
            batch=batch,
            leaks_raw=sum(token in self._renderer.special_ids for token in body),
            leaks_clean=len(listed(self._extractor.text, (*self._renderer.special, *self._stops))),
            tokens_drawn=len(ids),
        )


def stream_answer(
    engine: Generator, renderer: Renderer, conversations: Sequence[Sequence[Message]], sampling: GenerateConfig, stops: Sequence[str]
) -> Iterator[Delta]:
    """Answer every conversation once, all of them in one batch, and give each text as it becomes certain.

    The deltas of a row, joined, are its answer's text; its last one has the answer.

    Raises:
        UserError: a conversation is too long for the model's context.
    """
    prompts = [prompt_ids(renderer, turns, sampling) for turns in conversations]
    drawings = [Drawing(renderer, stops) for _ in prompts]
    done: set[int] = set()  # the engine adds rows that it has ended
    for row, token in engine.stream(prompts, sampling, renderer.ends, done):
        drawing = drawings[row]
        if drawing.ended:
            continue
        text = drawing.push(token)
        if drawing.ended:
            done.add(row)
            yield Delta(row, text, drawing.answer(len(prompts)))
        elif text:
            yield Delta(row, text)
    for row, drawing in enumerate(drawings):
        if not drawing.ended:
            yield Delta(row, drawing.finish(), drawing.answer(len(prompts)))


def answer_all(
    engine: Generator, renderer: Renderer, conversations: Sequence[Sequence[Message]], sampling: GenerateConfig, stops: Sequence[str]
) -> list[Answer]:
    """The answers of `stream_answer`, in the order of the conversations."""
    ended = {delta.row: delta.answer for delta in stream_answer(engine, renderer, conversations, sampling, stops) if delta.answer}
    return [ended[row] for row in range(len(conversations))]
