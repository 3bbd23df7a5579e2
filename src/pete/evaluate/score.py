"""From raw answers to numbers: every score in a log, computed again from the log and the run's rows, without a model."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pete.data.check import same_prompt
from pete.data.examples import Example, load_examples
from pete.data.split import refuse_changed
from pete.engines.sentence import Embedder, find_embedder
from pete.errors import DataError
from pete.evaluate.log import EvaluationLog, HeldOut, Sample
from pete.evaluate.scorers import Scorer, apply
from pete.evaluate.scorers.cliche import Cliche
from pete.evaluate.scorers.cohesion import Cohesion
from pete.evaluate.scorers.collapse import Collapse
from pete.evaluate.scorers.degenerate import Degenerate
from pete.evaluate.scorers.echo import Echo
from pete.evaluate.scorers.ending import Ending
from pete.evaluate.scorers.facts import Facts
from pete.evaluate.scorers.fluency import FEWEST as FEWEST_ROWS
from pete.evaluate.scorers.fluency import Fluency
from pete.evaluate.scorers.formatting import Formatting
from pete.evaluate.scorers.leak import Leak
from pete.evaluate.scorers.originality import Originality, Source
from pete.evaluate.scorers.profile import Profile
from pete.evaluate.scorers.reference import Reference
from pete.evaluate.scorers.relevance import FEWEST as FEWEST_PROMPTS
from pete.evaluate.scorers.relevance import Relevance
from pete.evaluate.scorers.voice import Text, Voice
from pete.run import RunDir

NEUTRAL = Path(__file__).with_name("neutral.jsonl")
"""Ordinary business prose, by nobody in particular, for prompts of the same kinds as the bundled suite's."""
OTHERS = Path(__file__).with_name("other_voices.jsonl")
"""Short texts in other voices: what the classifier must not take for the author."""


@dataclass(frozen=True)
class Material:
    """What answers are scored against. None: missing, and what depends on it is unknown."""

    training: Sequence[Example] | None
    held_out: Mapping[str, Example]
    """The author's unseen rows, by the source the log names."""
    neutral: Sequence[Example]
    others: Sequence[Text]
    embedder: Embedder | None


def read_material(run: RunDir) -> Material:
    """The run's rows, our bundled texts and the installed sentence model."""
    try:
        training = load_examples([run.split_file("train")])
    except DataError:
        training = None
    try:
        unseen = load_examples([run.split_file("test")])
    except DataError:  # a persona may keep no rows back: an empty file is an error to the loader
        unseen = []
    return Material(training, {source_of(row): row for row in unseen}, load_examples([NEUTRAL]), other_voices(), find_embedder())


def other_voices() -> list[Text]:
    """The bundled texts that are not the author's."""
    return [Text(row.completion, f"other {row.topic}") for row in load_examples([OTHERS])]


def voice_before(training: Sequence[Example]) -> Callable[[str], float] | None:
    """How much a text sounds like the author, before anything was answered; None where there is too little to learn from.

    The scorer of voices also learns from the base's answers: there are none yet, so this one knows it from ordinary text and
    other voices only. It chooses, it does not measure: base and tuned are chosen from alike.
    """
    voice = Voice(author_texts(training), [], [*other_voices(), *ordinary_texts(load_examples([NEUTRAL]))], {})
    return voice.of if voice.able else None


def author_texts(rows: Sequence[Example]) -> list[Text]:
    """The author's rows as the classifier of style learns them."""
    return [Text(row.completion, row.topic.lower() or row.source) for row in rows]


def ordinary_texts(rows: Sequence[Example]) -> list[Text]:
    """Neutral rows as the classifier learns them: nobody's."""
    return [Text(row.completion, row.topic.lower() or row.prompt) for row in rows]


def source_of(row: Example) -> str:
    """A row as the log names it: file name and line, without the folder."""
    path, line = row.source.rsplit(":", 1)
    return f"{Path(path).name}:{line}"


def rescore(log: EvaluationLog, run: RunDir) -> EvaluationLog:
    """Every score of a log, computed anew: no model is loaded and nothing is generated.

    Raises:
        DataError: the run's rows were changed; those that are gone make scores unknown.
    """
    refuse_changed(run, lost=True)
    return score(log, read_material(run))


def score(log: EvaluationLog, material: Material) -> EvaluationLog:
    """The log with the scores of its answers and of the author's own rows, its measures and its notes."""
    author = {row.source: material.held_out[row.source] for row in log.held_out if row.source in material.held_out}
    unseen = [_as_answer(row, author[row.source]) for row in log.held_out if row.source in author]
    scorers, measures = _scorers(log, material, author, unseen)
    samples = apply(log.samples, scorers)
    own = {s.prompt_id: s.scores for s in apply(unseen, [s for s in scorers if s.name != "collapse"])}
    begun = _beginnings(log, unseen)
    return log.model_copy(
        update={
            "in_training": _in_training(log, material.training or ()),
            "samples": samples,
            "held_out": [row.model_copy(update={"scores": own.get(row.source, {}) | begun.get(row.source, {})}) for row in log.held_out],
            "measures": measures,
            "notes": tuple(_notes(log, material, measures)),
        }
    )


def _in_training(log: EvaluationLog, training: Sequence[Example]) -> tuple[str, ...]:
    known = {same_prompt(row.prompt) for row in training}
    prompts = {p.id: p.prompt for p in log.prompts} or {s.prompt_id: s.prompt for s in log.samples}
    return tuple(key for key, prompt in prompts.items() if same_prompt(prompt) in known)


def _beginnings(log: EvaluationLog, unseen: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """Whether the author's rows begin alike, by row: of as many prompts as were asked, as often as each was. More texts, more twins."""
    most, times = len({s.prompt_id for s in log.samples}), max((s.number + 1 for s in log.samples), default=1)
    by_prompt: dict[str, list[Sample]] = {}
    for row in sorted(unseen, key=lambda s: hashlib.sha256(f"{s.prompt}\0{s.text}".encode()).digest()):
        by_prompt.setdefault(same_prompt(row.prompt), []).append(row)
    # rows of one prompt may begin alike, as answers to one prompt may
    taken = {row.prompt_id: row.model_copy(update={"prompt_id": key}) for key in list(by_prompt)[:most] for row in by_prompt[key][:times]}
    collapse = Collapse(list(taken.values()))
    return {source: {f"collapse.{key}": value for key, value in collapse.score(row).items()} for source, row in taken.items()}


def _scorers(
    log: EvaluationLog, material: Material, author: Mapping[str, Example], unseen: Sequence[Sample]
) -> tuple[list[Scorer], dict[str, float]]:
    fluency = Fluency(
        [(r.fluency_nats, r.text_bytes) for r in log.held_out if r.fluency_nats is not None and r.text_bytes], log.fluency_is_third
    )
    degenerate, echo, collapse = Degenerate(), Echo(), Collapse(log.samples)
    topics = {p.id: p.topic.lower() or p.id for p in log.prompts} | {key: row.topic.lower() or key for key, row in author.items()}
    base = [Text(s.text, topics.setdefault(s.prompt_id, s.prompt_id)) for s in log.samples if s.model == "base"]
    others = [*material.others, *ordinary_texts(material.neutral)]
    training = material.training or ()
    voice = Voice(author_texts(training), base, others, topics)
    scorers: list[Scorer] = [degenerate, Cliche(log.avoid), Leak(), Ending(), echo, fluency, collapse, Profile(), voice]
    # a row of the author's to a prompt of the suite has to keep what the prompt asks for
    suite = {same_prompt(p.prompt): p for p in log.prompts}
    twins = [suite[key].model_copy(update={"id": source}) for source, row in author.items() if (key := same_prompt(row.prompt)) in suite]
    scorers += [Formatting([*log.prompts, *twins]), Facts({p.id: p.facts for p in (*log.prompts, *twins)})]
    measures = {f"voice.{key}": value for key, value in voice.measures.items()}
    measures |= {f"collapse.{key}": value for key, value in collapse.measures.items()}
    if material.training is not None:
        sources = [Source(row.completion, row.id or source_of(row)) for row in material.training]
        originality = Originality(sources, [(row.completion, row.prompt) for row in author.values()])
        scorers.append(originality)
        measures |= {f"originality.{key}": value for key, value in originality.measures.items()}
    if material.embedder is not None:
        prompts = {p.id: p.prompt for p in log.prompts} or {s.prompt_id: s.prompt for s in log.samples}
        his = {source: row.prompt for source, row in author.items()}
        scorers.append(Relevance(prompts, material.embedder, [echo, degenerate, fluency], [*log.samples, *unseen], his))
        if references := {p.id: p.reference for p in log.prompts if p.reference.strip()}:
            scorers.append(Reference(references, material.embedder, [echo, degenerate, fluency]))
        scorers.append(Cohesion(material.embedder, degenerate, [*log.samples, *unseen]))
    return scorers, measures


def _as_answer(row: HeldOut, example: Example) -> Sample:
    """A row of the author's as if a model had written it: what no gate may fail."""
    return Sample(
        model="tuned", prompt_id=row.source, category=row.category, prompt=example.prompt, text=example.completion, raw=example.completion,
        tokens=row.tokens, stop="end", first_token_seconds=0.0, seconds=0.0, batch=1, seed=0, leaks_raw=0, leaks_clean=0,
        fluency_nats=row.fluency_nats,
    )  # fmt: skip


def _notes(log: EvaluationLog, material: Material, measures: Mapping[str, float]) -> list[str]:
    notes = []
    if material.training is None:
        notes.append("The training rows (data/train.jsonl) are missing: originality and the voice of the answers are unknown.")
    elif "voice.auc" not in measures:
        notes.append("Too few texts of 30 words and more to learn the voice from: the voice of the answers is unknown.")
    if not log.held_out:
        notes.append("No row of the author's was kept back: likelihood is unknown, and no limit comes from the author's own text.")
    elif any(row.source not in material.held_out for row in log.held_out):
        notes.append("Rows of data/test.jsonl are missing that the evaluation used: limits come from those that are left.")
    if not log.neutral:
        notes.append("Neutral text was not scored: selectivity is unknown.")
    if material.embedder is None:
        notes.append("The sentence model is not installed (start through ./pete): relevance is unknown.")
    elif len({s.prompt_id for s in log.samples}) < FEWEST_PROMPTS:
        notes.append(f"A rank among fewer than {FEWEST_PROMPTS} prompts says nothing: relevance is unknown.")
    with_reference = sum(bool(prompt.reference.strip()) for prompt in log.prompts)
    if 0 < with_reference < len(log.prompts):
        notes.append(f"{with_reference} of {len(log.prompts)} prompts have a reference; nearness to it is measured on those alone.")
    measured = sum(row.fluency_nats is not None for row in log.held_out)
    if measured < FEWEST_ROWS:
        notes.append(f"Fluency needs {FEWEST_ROWS} rows of the author's to compare with, and has {measured}: it is unknown.")
    elif not log.fluency_is_third:
        notes.append(
            f"Fluency was judged by {log.fluency_model or 'the base'}, which is not a third model: foreseeable answers do not count."
        )
    return notes
