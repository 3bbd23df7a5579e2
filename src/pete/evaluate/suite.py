"""The evaluation: held-out text scored, prompts answered by base and tuned on the same seeds, everything logged."""

import dataclasses
import os
import platform
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from pete.config import EMBEDDED_BASE, Config, GenerateConfig
from pete.data.batch import in_batches
from pete.data.examples import Example, Question, Task, load_examples, load_prompts, written
from pete.data.render import Message, Rendered, Renderer
from pete.data.split import read_splits, refuse_changed
from pete.engines import open_generator
from pete.engines.protocol import Generator
from pete.errors import DataError
from pete.evaluate.log import MODELS, Asked, EvaluationLog, HeldOut, Model, Sample, Speed
from pete.evaluate.rewriting import PLAINLY, shown_examples
from pete.evaluate.score import NEUTRAL, rescore, source_of, voice_before
from pete.evaluate.scorers.formatting import refuse_unknown
from pete.generate.choose import Voice as VoiceOf
from pete.generate.request_parsing import RequestType
from pete.generate.rewrite.choose import STRENGTHS, Draw
from pete.generate.rewrite.rounds import Rounds
from pete.generate.stream import Tuned
from pete.run import RunDir

FRAME = 24
"""Tokens at most that stand around a turn of a conversation."""
TIMED_TOKENS = 64
"""Of an answer that is timed: a longer one is no faster and no slower a token."""
OnStage = Callable[[str, int, int], None]
"""(what, done, of)"""


@dataclass(frozen=True)
class FluencyModel:
    """What says how foreseeable a text is. `third`: it wrote none of the answers."""

    name: str
    third: bool
    nats: Callable[[Sequence[str]], list[float]]
    """Negative log-likelihood of texts."""


def load_suite(run: RunDir, file: Path | None, per_category: int | None) -> list[Question]:
    """The prompts to ask: a file of the user's, or the ones the run kept; the first `per_category` of each category.

    Raises:
        DataError: no prompts there, or malformed ones, or checks that cannot be run, by file:line.
    """
    path = file or run.prompts_file
    if file is None and not path.is_file():
        raise DataError(f"{run.folder} kept no evaluation prompts: its persona had no prompts.jsonl.", "give some: --suite FILE.jsonl")
    prompts = load_prompts(path)
    refuse_unknown({prompt.source: prompt.checks for prompt in prompts})
    named = [prompt.model_copy(update={"id": prompt.id or f"{prompt.category}-{number}"}) for number, prompt in enumerate(prompts, 1)]
    chosen = _of_each(named, per_category)
    _reject_duplicate_ids(chosen)
    return chosen


Categorised = TypeVar("Categorised", Question, Example)


def _of_each(rows: Sequence[Categorised], most: int | None) -> list[Categorised]:
    """The first `most` of each category, in order; all of them where it is None."""
    taken: Counter[str] = Counter()
    chosen = []
    for row in rows:
        taken[row.category] += 1
        if most is None or taken[row.category] <= most:
            chosen.append(row)
    return chosen


def evaluate(tuned: Tuned, run: RunDir, prompts: Sequence[Question], on_stage: OnStage, task: Task = "write") -> EvaluationLog:
    """Run the suite on base and tuned; the model in memory is one, its adapter switched off for the base.

    Args:
        tuned: the run's model.
        run: its folder.
        prompts: what is asked; drafts (`drafts_of`) where the task is to rewrite.
        on_stage: told how far it is.
        task: what is asked for.

    Raises:
        DataError: the run's rows are not those it was trained with.
    """
    began = time.monotonic()
    engine = tuned.engine
    if task == "rewrite":
        tuned = dataclasses.replace(tuned, config=_as_rewrites(tuned.config))
    refuse_changed(run)
    splits = read_splits(run)[0]
    most = tuned.config.evaluate.prompts_per_category
    unseen = _of_each([row for row in splits["test"] if row.task == task], most)
    held_out = score_held_out(engine, tuned.renderer, unseen, on_stage, "held-out text")
    known = {row.prompt for row in splits["train"]}
    ordinary = _of_each([row for row in load_examples([NEUTRAL]) if row.prompt not in known], most) if task == "write" else []
    neutral = score_held_out(engine, tuned.renderer, ordinary, on_stage, "neutral text")
    drafts = [row for row in splits["train"] if row.task == "rewrite"] if task == "rewrite" else []
    samples = _generate(tuned, prompts, written(splits["train"]), on_stage)
    examples = _with_examples(tuned, prompts, drafts, on_stage)
    more = _more_draws(tuned, prompts, on_stage) if task == "rewrite" else []
    speed = _time_alone(tuned, prompts, on_stage)
    peak = engine.memory().peak  # before a third model is in memory too
    on_stage("scores", 0, 1)
    fluency = open_fluency_model(tuned)
    samples = _with_fluency(samples, [sample.text for sample in samples], fluency)
    held_out = _with_fluency(held_out, [row.completion for row in unseen], fluency)
    if task == "rewrite":
        samples, examples = _with_recovered(tuned, samples, examples)
    log = new_log(tuned, run, prompts).model_copy(
        update={
            "task": task,
            "beside": {name: rows for name, rows in (("examples", examples), ("drawn", more)) if rows},
            "held_out": held_out,
            "neutral": neutral,
            "samples": samples,
            "speed": speed,
            "peak_memory": peak,
            "fluency_model": fluency.name,
            "fluency_is_third": fluency.third,
        }
    )
    log = rescore(log, run)
    on_stage("scores", 1, 1)
    return log.model_copy(update={"seconds": time.monotonic() - began})


def _as_rewrites(config: Config) -> Config:
    """The configuration with which drafts are rewritten, base and tuned alike: drawn as `pete rewrite` draws."""
    return config.model_copy(update={"generate": STRENGTHS["normal"].sampling(config.generate)})


def new_log(tuned: Tuned, run: RunDir, prompts: Sequence[Question]) -> EvaluationLog:
    """A log that has its circumstances, and no answer yet."""
    engine, config = tuned.engine, tuned.config
    return EvaluationLog(
        created=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        run=run.name,
        base=engine.base.name,
        base_fingerprint=engine.base.fingerprint,
        persona=tuned.lineage.persona,
        engine=engine.name,
        device=engine.device,
        dtype=engine.dtype,
        machine=f"{platform.system()} {platform.machine()}",
        cores=os.cpu_count() or 1,
        generate=config.generate.model_dump(exclude={"engine"}),
        categories=dict(tuned.lineage.categories),
        avoid=tuned.lineage.avoid,
        prompt_format=dict(tuned.lineage.prompt_format),
        prompts=[Asked.model_validate(prompt.model_dump()) for prompt in prompts],
        held_out=[],
        samples=[],
        speed=[],
        peak_memory=0,
        seconds=0.0,
    )


def open_fluency_model(tuned: Tuned) -> FluencyModel:
    """The embedded model where it is not the base that is evaluated; else the base itself, which is no third model."""
    engine, renderer = tuned.engine, tuned.renderer
    third = not engine.base.made_here and engine.base.name != EMBEDDED_BASE
    if third:
        settings = tuned.config.model_copy(
            update={
                "model": tuned.config.model.model_copy(update={"base": EMBEDDED_BASE, "revision": None}),
                "generate": tuned.config.generate.model_copy(update={"engine": engine.name}),
            }
        )
        engine = open_generator(settings)
        engine.load(settings.model)
        renderer = Renderer(engine.base.folder, template="", system="", context=engine.base.context)

    def nats(texts: Sequence[str]) -> list[float]:
        active = engine.adapter_active
        counted = _nats(engine, [_bare(renderer, text) for text in texts], "base")
        engine.adapter_active = active
        return counted

    return FluencyModel(engine.base.name, third, nats)


def _nats(engine: Generator, rendered: Sequence[Rendered], model: Model, on_done: Callable[[int], None] = lambda _: None) -> list[float]:
    """Negative log-likelihood of texts under base or tuned model; the adapter stays as it was needed last."""
    engine.adapter_active = model == "tuned"
    nats: list[float] = []
    for batch in in_batches(rendered):
        nats += engine.loss(batch).nats
        on_done(len(nats))
    return nats


def score_held_out(engine: Generator, renderer: Renderer, rows: Sequence[Example], on_stage: OnStage, what: str) -> list[HeldOut]:
    """Negative log-likelihood of unseen answers, the author's own or neutral ones, under base and tuned; the end mark is not counted."""
    rendered = [renderer.example(row).text_only for row in rows]
    nats = {
        model: _nats(engine, rendered, model, lambda done, model=model: on_stage(f"{what}, {model}", done, len(rows))) for model in MODELS
    }
    engine.adapter_active = True
    return [
        HeldOut(
            source=source_of(row),
            category=row.category,
            topic=row.topic or row.source,
            text_bytes=r.text_bytes,
            base_nats=base,
            tuned_nats=after,
            tokens=int(r.trained.sum()),
        )
        for row, r, base, after in zip(rows, rendered, nats["base"], nats["tuned"], strict=True)
    ]


def _bare(renderer: Renderer, text: str) -> Rendered:
    """A text on its own, behind what stands in front of every text: nobody asked for it."""
    ids = np.array([renderer.start, *renderer.encode(text)], dtype=np.int32)[: renderer.context]
    return Rendered(ids, np.arange(len(ids)) > 0, len(text.encode()))


Row = TypeVar("Row", Sample, HeldOut)


def _with_fluency(rows: Sequence[Row], texts: Sequence[str], fluency: FluencyModel) -> list[Row]:
    """Rows with how foreseeable their texts are; an empty text stays unknown."""
    some = [text for text in dict.fromkeys(texts) if text.strip()]
    nats = dict(zip(some, fluency.nats(some), strict=True))
    return [row.model_copy(update={"fluency_nats": nats.get(text)}) for row, text in zip(rows, texts, strict=True)]


def _reject_duplicate_ids(prompts: Sequence[Question]) -> None:
    seen: dict[str, str] = {}
    problems = []
    for prompt in prompts:
        if prompt.id in seen:
            problems.append(f"{prompt.source}: the id {prompt.id!r} is also that of {seen[prompt.id]}")
        seen.setdefault(prompt.id, prompt.source)
    if problems:
        raise DataError.of_problems("Each prompt needs an id of its own:", problems, "change one of them, or leave ids out")


def _with_examples(tuned: Tuned, prompts: Sequence[Question], drafts: Sequence[Example], on_stage: OnStage) -> list[Sample]:
    """One answer of the base to each draft, with other drafts and what the author made of them before its eyes."""
    if not drafts:
        return []
    renderer, longest = tuned.renderer, max((len(tuned.renderer.encode(prompt.request)) for prompt in prompts), default=0)
    room = renderer.context - longest - min(tuned.config.generate.max_new_tokens, renderer.context // 2)

    def fits(turns: Sequence[Message]) -> bool:
        return sum(len(renderer.encode(turn.content)) + FRAME for turn in turns) <= room

    before = shown_examples(drafts, fits)
    if not before:
        return []
    tuned.engine.adapter_active = False
    given = answer(
        tuned, prompts, tuned.config.generate, 1, "base", lambda done: on_stage("answers, base with examples", done, len(prompts)),
        before=before,
    )  # fmt: skip
    tuned.engine.adapter_active = True
    return given


def _more_draws(tuned: Tuned, prompts: Sequence[Question], on_stage: OnStage) -> list[Sample]:
    """What `pete rewrite` draws of each draft beyond the answers that are measured: more of the whole, and sentence by sentence."""
    measured, times = tuned.config.evaluate.samples, STRENGTHS["normal"].draws
    sampling = tuned.config.generate
    sampling = sampling.model_copy(update={"seed": sampling.seed + measured * len(prompts)})
    lacking = max(0, times - measured)
    whole = answer(tuned, prompts, sampling, lacking, "tuned", _stage(on_stage, "for the guard", lacking * len(prompts)))
    rounds = [Rounds(prompt.prompt, times) for prompt in prompts]
    pieces = [
        prompt.model_copy(update={"prompt": text}) for prompt, each in zip(prompts, rounds, strict=True) for text in each.sentence_texts
    ]
    sampling = sampling.model_copy(update={"seed": sampling.seed + len(whole)})
    said = answer(tuned, pieces, sampling, 1, "tuned", _stage(on_stage, "sentence by sentence", len(pieces)))
    joined, at = [], 0
    for prompt, each in zip(prompts, rounds, strict=True):
        mine = said[at : at + len(each.sentence_texts)]
        at += len(mine)
        for number, draw in enumerate(each.joined([Draw(one.text, one.stop) for one in mine])):  # type: ignore[arg-type]
            given = {"prompt": prompt.prompt, "text": draw.text, "raw": draw.text, "stop": draw.stop, "number": times + number}
            joined.append(mine[0].model_copy(update=given))
    return [sample.model_copy(update={"number": measured + sample.number}) for sample in whole] + joined


def _stage(on_stage: OnStage, what: str, of: int) -> Callable[[int], None]:
    return lambda done: on_stage(f"answers, tuned, {what}", done, of)


def _with_recovered(tuned: Tuned, samples: Sequence[Sample], examples: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    """The answers with what the base needs for each draft, alone and given its rewrite; unknown of what is longer than its context."""
    pairs = {(s.text, s.prompt) for s in (*samples, *examples) if s.text.strip()}
    alone = {("", draft) for _, draft in pairs}
    asked = sorted(pairs | alone)
    rows = [Example.model_validate({"prompt": f"{PLAINLY}\n\n{text}".strip(), "completion": draft}) for text, draft in asked]
    rendered = {pair: tuned.renderer.example(row).text_only for pair, row in zip(asked, rows, strict=True)}
    fit = {pair: one for pair, one in rendered.items() if len(one.ids) <= tuned.renderer.context}
    nats = dict(zip(fit, _nats(tuned.engine, list(fit.values()), "base"), strict=True))
    tuned.engine.adapter_active = True

    def known(text: str, draft: str) -> dict[str, float | None]:
        return {"recovered_nats": nats.get((text, draft)), "draft_nats": nats.get(("", draft))} if text.strip() else {}

    with_nats = [[s.model_copy(update=known(s.text, s.prompt)) for s in rows] for rows in (samples, examples)]
    return with_nats[0], with_nats[1]


def _generate(tuned: Tuned, prompts: Sequence[Question], training: Sequence[Example], on_stage: OnStage) -> list[Sample]:
    settings, sampling = tuned.config.evaluate, tuned.config.generate
    voice = voice_before(training) if sampling.best_of > 1 else None
    samples: list[Sample] = []
    for model in MODELS:
        tuned.engine.adapter_active = model == "tuned"

        def on_done(count: int, model: Model = model) -> None:
            on_stage(f"answers, {model}", count, settings.samples * len(prompts))

        samples += answer(tuned, prompts, sampling, settings.samples, model, on_done, voice)
    tuned.engine.adapter_active = True
    return samples


def answer(
    tuned: Tuned,
    prompts: Sequence[Question],
    sampling: GenerateConfig,
    samples: int,
    model: Model,
    on_done: Callable[[int], None],
    voice: VoiceOf | None = None,
    before: Sequence[Message] = (),
) -> list[Sample]:
    """So many answers to each prompt; whoever asks the same prompts again gets the same seeds.

    `evaluate.batch` are drawn side by side; an engine whose rows queue is given all prompts at once.

    Args:
        tuned: what answers; whether its adapter is on is the caller's business.
        prompts: what is asked.
        sampling: how to draw.
        samples: answers a prompt.
        model: whose answers these are, for the record.
        on_done: told how many there are.
        voice: decides between answers that keep the same rules.
        before: the conversation so far.
    """
    asked = [(prompt, number) for number in range(samples) for prompt in prompts]
    size = max(len(prompts), 1) if tuned.engine.queues else tuned.config.evaluate.batch
    given: list[Sample] = []
    for start in range(0, len(asked), size):
        part = asked[start : start + size]
        seed = sampling.seed + start  # another for every batch, so that two samples of a prompt differ
        talks = [[*before, Message("user", prompt.request)] for prompt, _ in part]
        drawn = tuned.ask(talks, sampling.model_copy(update={"seed": seed}), kinds=[_kind(prompt) for prompt, _ in part], voice=voice)
        given += [
            Sample(
                model=model, prompt_id=prompt.id, category=prompt.category, prompt=prompt.prompt, seed=seed, number=number,
                **dataclasses.asdict(one),
            )
            for (prompt, number), one in zip(part, drawn, strict=True)
        ]  # fmt: skip
        on_done(len(given))
    return given


def _kind(prompt: Question) -> RequestType:
    return RequestType(prompt.category, prompt.format, prompt.topic)


def _time_alone(tuned: Tuned, prompts: Sequence[Question], on_stage: OnStage) -> list[Speed]:
    """One prompt of each category, answered alone and once by each model, after a short answer to warm up."""
    sampling = tuned.config.generate
    shorter = min(sampling.max_new_tokens, TIMED_TOKENS)
    once = sampling.model_copy(update={"retries": 0, "best_of": 1, "max_new_tokens": shorter})  # the model's speed, not its luck
    first = {prompt.category: prompt for prompt in reversed(prompts)}
    rows = []
    for model in MODELS:
        tuned.engine.adapter_active = model == "tuned"
        tuned.ask([[Message("user", prompts[0].request)]], once.model_copy(update={"max_new_tokens": 8}))
        for number, prompt in enumerate(first.values(), 1):
            before = tuned.engine.guessed
            (answer,) = tuned.ask([[Message("user", prompt.request)]], once, kinds=[_kind(prompt)])
            guessed, right = (now - then for now, then in zip(tuned.engine.guessed, before, strict=True))
            rows.append(
                Speed(
                    model=model,
                    prompt_id=prompt.id,
                    tokens=answer.tokens,
                    first_token_seconds=answer.first_token_seconds,
                    seconds=answer.seconds,
                    tokens_per_second=answer.tokens_per_second,
                    guessed=guessed,
                    guessed_right=right,
                )
            )
            on_stage(f"speed, {model}", number, len(first))
    tuned.engine.adapter_active = True
    return rows
