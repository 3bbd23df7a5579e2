"""From raw answers to numbers: every score in a log, computed again from the log and the run's rows, without a model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pete.data.examples import Example, load_examples, written
from pete.data.split import refuse_changed
from pete.data.text import same_prompt
from pete.engines.sentence import Embedder, find_embedder
from pete.errors import DataError
from pete.evaluate.guarded import drafts_as_answers, guarded, guarded_author
from pete.evaluate.log import Beside, EvaluationLog, Sample
from pete.evaluate.scorers import apply, specs
from pete.evaluate.scorers.spec import Context, Scorer, Spec, StyleText, Unknown, source_of
from pete.evaluate.scorers.voice import Voice, author_texts, ordinary_texts
from pete.generate.meaning import compare
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
    others: Sequence[StyleText]
    embedder: Embedder | None

    def context(self, log: EvaluationLog) -> Context:
        """What the scorers of a log are made from."""
        author = {row.source: self.held_out[row.source] for row in log.held_out if row.source in self.held_out}
        return Context(log, self.written, author, self.neutral, self.others, self.embedder, self.drafts)

    @property
    def drafts(self) -> list[Example]:
        """The training rows that have a draft."""
        return [row for row in self.training or () if row.task == "rewrite"]

    @property
    def written(self) -> list[Example] | None:
        """The training rows that the author wrote: what was made from them is no evidence of a voice."""
        return None if self.training is None else written(self.training)


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


def other_voices() -> list[StyleText]:
    """The bundled texts that are not the author's."""
    return [StyleText(row.completion, f"other {row.topic}") for row in load_examples([OTHERS])]


def voice_before(training: Sequence[Example], drafts: Sequence[Example] = ()) -> Callable[[str], float] | None:
    """How much a text sounds like the author, before anything was answered; None where there is too little to learn from.

    The scorer of voices also learns from the base's answers: there are none yet, so this one knows it from ordinary text and
    other voices only. It chooses, it does not measure: base and tuned are chosen from alike.

    Args:
        training: the author's rows.
        drafts: rows of rewriting, whose drafts say what he says and are not by him: where a draft is rewritten, the best there is.
    """
    others = [StyleText(row.prompt, row.topic.lower() or row.source) for row in drafts]
    voice = Voice(author_texts(training), others, [*other_voices(), *ordinary_texts(load_examples([NEUTRAL]))], {})
    return voice.of if voice.able else None


def rescore(log: EvaluationLog, run: RunDir) -> EvaluationLog:
    """Every score of a log, computed anew: no model is loaded and nothing is generated.

    Raises:
        DataError: the run's rows were changed; those that are gone make scores unknown.
    """
    refuse_changed(run, lost=True)
    return score(log, read_material(run))


def score(log: EvaluationLog, material: Material) -> EvaluationLog:
    """The log with the scores of its answers and of the author's own rows, its measures and its notes."""
    context = material.context(log)
    made = make_scorers(specs(log.task), context)
    own = {answer.prompt_id: answer.scores for answer in apply(context.author_answers, made.scorers)}
    beside = {name: apply(rows, made.scorers) for name, rows in _beside(log, context, material).items()}
    if "drawn" in log.beside:
        beside["drawn"] = log.beside["drawn"]
    unknown = {**_unmeasured(log), **made.unknown}
    notes = [*unknown.values(), *(note for scorer in made.scorers.values() for note in getattr(scorer, "notes", ()))]
    if len(context.author) < len(log.held_out):
        notes.append("Rows of data/test.jsonl are missing that the evaluation used: limits come from those that are left.")
    return log.model_copy(
        update={
            "in_training": _in_training(log, material.training or ()),
            "samples": apply(log.samples, made.scorers),
            "beside": beside,
            "held_out": [row.model_copy(update={"scores": own.get(row.source, {})}) for row in log.held_out],
            "measures": {f"{name}.{key}": v for name, s in made.scorers.items() for key, v in getattr(s, "measures", {}).items()},
            "unknown": unknown,
            "notes": tuple(dict.fromkeys(notes)),
        }
    )


def _beside(log: EvaluationLog, context: Context, material: Material) -> dict[Beside, list[Sample]]:
    """What else could have been given for the drafts; what takes a model is kept as it was drawn."""
    if log.task != "rewrite" or not log.samples:
        return {}
    drawn: dict[Beside, list[Sample]] = {"draft": drafts_as_answers(log)}
    if "examples" in log.beside:
        drawn["examples"] = log.beside["examples"]
    if (embed := material.embedder) is not None:
        voice = voice_before(material.written or (), material.drafts) if material.training else None
        compared = partial(compare, embed=embed)
        drawn["guarded"] = guarded(log, compared, voice)
        drawn["author_guarded"] = guarded_author(context.author_answers, compared)
    return drawn


@dataclass(frozen=True)
class Made:
    """Scorers by name, and why others cannot be made."""

    scorers: Mapping[str, Scorer]
    unknown: Mapping[str, str]


def make_scorers(chosen: Sequence[Spec], context: Context) -> Made:
    """The scorers of some specs; one that builds on another finds it, whichever was chosen."""
    by_name = {spec.name: spec for spec in specs()}
    made: dict[str, Scorer | None] = {}
    unknown: dict[str, str] = {}

    def find(name: str) -> Scorer | None:
        if name not in made:
            try:
                made[name] = by_name[name].make(context)
            except Unknown as reason:
                made[name], unknown[name] = None, str(reason)
        return made[name]

    context.find = find
    scorers = {spec.name: scorer for spec in chosen if (scorer := find(spec.name)) is not None}
    return Made(scorers, {spec.name: unknown[spec.name] for spec in chosen if spec.name in unknown})


def _unmeasured(log: EvaluationLog) -> dict[str, str]:
    """Why a likelihood is not known."""
    unknown = {}
    if not log.held_out:
        reason = "No row of the author's was kept back: likelihood is unknown, and no limit comes from the author's own text."
        unknown = {"gain": reason, "selectivity": reason} if log.task == "write" else {"gain": reason}
    if not log.neutral and log.task == "write":
        unknown |= dict.fromkeys(("selectivity", "neutral"), "Neutral text was not scored: selectivity is unknown.")
    return unknown


def _in_training(log: EvaluationLog, training: Sequence[Example]) -> tuple[str, ...]:
    known = {same_prompt(row.prompt) for row in training}
    prompts = {p.id: p.prompt for p in log.prompts} or {s.prompt_id: s.prompt for s in log.samples}
    return tuple(key for key, prompt in prompts.items() if same_prompt(prompt) in known)
