"""The evaluation: held-out text scored, prompts answered by base and tuned on the same seeds, everything logged."""

import dataclasses
import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pete.data.batch import in_batches
from pete.data.examples import Example, Prompt, load_prompts
from pete.data.render import Message, Rendered, Renderer
from pete.data.split import read_splits
from pete.engines.protocol import Engine
from pete.errors import DataError
from pete.evaluate.log import MODELS, EvaluationLog, HeldOut, Model, Sample, Speed
from pete.evaluate.scorers import Scorer, apply
from pete.evaluate.scorers.cliche import Cliche
from pete.evaluate.scorers.degenerate import Degenerate
from pete.generate.answer import Tuned
from pete.run import RunDir

OnStage = Callable[[str, int, int], None]
"""(what, done, of)"""


def load_suite(run: RunDir, file: Path | None, per_category: int | None) -> list[Prompt]:
    """The prompts to ask: a file of the user's, or the ones the run kept; the first `per_category` of each category.

    Raises:
        DataError: no prompts there, or malformed ones by file:line.
    """
    path = file or run.prompts_file
    if file is None and not path.is_file():
        raise DataError(f"{run.folder} kept no evaluation prompts: its persona had no prompts.jsonl.", "give some: --suite FILE.jsonl")
    prompts = load_prompts(path)
    taken: dict[str, int] = {}
    chosen = []
    for number, prompt in enumerate(prompts, 1):
        taken[prompt.category] = taken.get(prompt.category, 0) + 1
        if per_category is None or taken[prompt.category] <= per_category:
            chosen.append(prompt.model_copy(update={"id": prompt.id or f"{prompt.category}-{number}"}))
    return chosen


def scorers_for(avoid: Sequence[str]) -> list[Scorer]:
    """The scorers of the suite, in the order of the report."""
    return [Degenerate(), Cliche(avoid)]


def evaluate(tuned: Tuned, run: RunDir, prompts: Sequence[Prompt], on_stage: OnStage) -> EvaluationLog:
    """Run the suite on base and tuned; the model in memory is one, its adapter switched off for the base."""
    began = time.monotonic()
    engine, config = tuned.engine, tuned.config
    rows = read_splits(run)[0]["test"]
    held_out = score_held_out(engine, tuned.renderer, rows, on_stage)
    samples = _generate(tuned, prompts, on_stage)
    speed = _time_alone(tuned, prompts, on_stage)
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
        generate=config.generate.model_dump(),
        categories=dict(tuned.lineage.categories),
        held_out=held_out,
        samples=apply(samples, scorers_for(tuned.lineage.avoid)),
        speed=speed,
        peak_memory=engine.memory().peak,
        seconds=time.monotonic() - began,
    )


def score_held_out(engine: Engine, renderer: Renderer, rows: Sequence[Example], on_stage: OnStage) -> list[HeldOut]:
    """Negative log-likelihood of the author's own unseen answers under base and tuned; the end mark is not counted."""
    rendered = [_without_end(renderer.example(row)) for row in rows]
    nats: dict[Model, list[float]] = {}
    for model in MODELS:
        engine.adapter_active = model == "tuned"
        nats[model] = []
        for batch in in_batches(rendered):
            nats[model] += engine.loss(batch).nats
            on_stage(f"held-out text, {model}", len(nats[model]), len(rows))
    engine.adapter_active = True
    return [
        HeldOut(
            source=Path(row.source.rsplit(":", 1)[0]).name + ":" + row.source.rsplit(":", 1)[-1],
            category=row.category,
            topic=row.topic or row.source,
            text_bytes=r.text_bytes,
            base_nats=base,
            tuned_nats=mine,
        )
        for row, r, base, mine in zip(rows, rendered, nats["base"], nats["tuned"], strict=True)
    ]


def _without_end(row: Rendered) -> Rendered:
    trained = row.trained.copy()
    trained[-1] = False
    return dataclasses.replace(row, trained=trained)


def _generate(tuned: Tuned, prompts: Sequence[Prompt], on_stage: OnStage) -> list[Sample]:
    settings = tuned.config.evaluate
    asked = [(prompt, k) for k in range(settings.samples) for prompt in prompts]
    samples = []
    for model in MODELS:
        tuned.engine.adapter_active = model == "tuned"
        for start in range(0, len(asked), settings.batch):
            part = asked[start : start + settings.batch]
            # the same seed for base and tuned; another for every batch, so that two samples of a prompt differ
            seed = tuned.config.generate.seed + start
            sampling = tuned.config.generate.model_copy(update={"seed": seed})
            answers = tuned.ask([[Message("user", prompt.prompt)] for prompt, _ in part], sampling)
            for (prompt, _), answer in zip(part, answers, strict=True):
                samples.append(
                    Sample(
                        model=model,
                        prompt_id=prompt.id,
                        category=prompt.category,
                        prompt=prompt.prompt,
                        seed=seed,
                        **dataclasses.asdict(answer),
                    )
                )
            on_stage(f"answers, {model}", min(start + settings.batch, len(asked)), len(asked))
    tuned.engine.adapter_active = True
    return samples


def _time_alone(tuned: Tuned, prompts: Sequence[Prompt], on_stage: OnStage) -> list[Speed]:
    """One prompt of each category, answered alone by each model, after a short answer to warm up."""
    first = {prompt.category: prompt for prompt in reversed(prompts)}
    rows = []
    for model in MODELS:
        tuned.engine.adapter_active = model == "tuned"
        tuned.ask([[Message("user", prompts[0].prompt)]], tuned.config.generate.model_copy(update={"max_new_tokens": 8}))
        for number, prompt in enumerate(first.values(), 1):
            (answer,) = tuned.ask([[Message("user", prompt.prompt)]], tuned.config.generate)
            rows.append(
                Speed(
                    model=model,
                    prompt_id=prompt.id,
                    category=prompt.category,
                    tokens=answer.tokens,
                    first_token_seconds=answer.first_token_seconds,
                    seconds=answer.seconds,
                    tokens_per_second=answer.tokens_per_second,
                    stop=answer.stop,
                )
            )
            on_stage(f"speed, {model}", number, len(first))
    tuned.engine.adapter_active = True
    return rows
