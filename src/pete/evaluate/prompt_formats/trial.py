"""A trial of prompt formats: every candidate answers one half of the prompts, the chosen one and the control the other half."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from pete.adapter import LINEAGE, read_lineage, write_lineage
from pete.config import GenerateConfig
from pete.data.examples import Question
from pete.data.render import Message
from pete.errors import DataError, PersonaError
from pete.evaluate.log import EvaluationLog, Sample, read_log
from pete.evaluate.prompt_formats.candidates import FEWEST, VOICE, JudgedFormat, candidates, choose, compare, halves, judge_all, sift
from pete.evaluate.results import Measure
from pete.evaluate.score import make_scorers, read_material
from pete.evaluate.scorers import apply, specs
from pete.evaluate.scorers.spec import Context, Scorer
from pete.evaluate.scorers.voice import TELLS_APART
from pete.evaluate.suite import OnStage, answer, new_log
from pete.generate.stream import Tuned
from pete.persona import Persona, PromptFormat, load_persona, plain_prompt_format, write_prompt_format
from pete.run import RunDir, write_atomic


class Tried(BaseModel):
    """One way to ask, and what came of it on the development half."""

    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    prompt_format: PromptFormat
    measures: dict[str, Measure] = Field({}, description="the control as base, by measure; none for the control itself")
    adjusted: dict[str, float] = Field({}, description="Holm's p of the measures that decide")
    verdict: str = ""


class Trial(BaseModel):
    """Everything a trial saw: the numbers, the choice, and the raw answers behind both."""

    model_config = ConfigDict(frozen=True)

    version: int = 2
    created: str
    run: str
    persona: str
    base: str
    engine: str
    samples: int
    generate: GenerateConfig
    development: list[str] = Field(description="ids of the prompts it was chosen by")
    unseen: list[str] = Field(description="ids of the prompts that were asked after the choice, if there was one")
    tried: list[Tried] = Field(description="the control first")
    skipped: dict[str, str] = Field(description="titles of candidates that were not tried, and why")
    chosen: str | None = Field(None, description="name of the best that is significantly better; nothing is one")
    confirmed: dict[str, Measure] = Field({}, description="the chosen one against the control on the unseen half")
    measures: dict[str, float] = Field({}, description="the classifier's AUC and what it learned from")
    notes: list[str] = []
    seconds: float = 0.0
    written: list[str] = []
    """What was given the new [prompt_format]."""
    answers: dict[str, list[Sample]] = Field({}, description="to the development half, by candidate")
    unseen_answers: dict[str, list[Sample]] = {}

    @property
    def winner(self) -> Tried | None:
        """The chosen candidate."""
        return next((tried for tried in self.tried if tried.name == self.chosen), None)

    @property
    def refuted(self) -> tuple[str, ...]:
        """Measures in which the chosen one was worse on prompts it never saw: then it is not written."""
        return tuple(key for key, measure in self.confirmed.items() if measure.verdict == "worse")

    def write(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_atomic(path, self.model_dump_json(indent=1) + "\n")


class Rules:
    """`kept`: 1 for an answer that breaks none of the persona's rules, as they were checked when it was given."""

    def score(self, sample: Sample) -> dict[str, float]:
        """The number."""
        return {"kept": float(not sample.flags)}


def open_persona(name: str, spoken: str) -> Persona:
    """The persona that a choice will be written into, checked before anything is asked.

    Args:
        name: the run's `data.persona`.
        spoken: the persona's name in the adapter.

    Raises:
        PersonaError: it is gone, is another one by now, or cannot be written.
    """
    without = "choose without writing: pete prompts try --no-write"
    try:
        persona = load_persona(name)
    except PersonaError as error:
        raise PersonaError(f"The run's persona cannot be written to. {error.message}", f"mend it, or {without}") from None
    if persona.name != spoken:
        raise PersonaError(f"{persona.folder} is {persona.name!r} by now; the run was trained as {spoken!r}.", without)
    try:
        with (persona.folder / "persona.toml").open("r+b"):
            pass
    except OSError as error:
        raise PersonaError(f"{persona.folder / 'persona.toml'} cannot be written: {error.strerror}.", without) from None
    return persona


def run_trial(tuned: Tuned, run: RunDir, prompts: Sequence[Question], samples: int, on_stage: OnStage) -> Trial:
    """Ask, score and choose; nothing is written anywhere.

    Raises:
        DataError: too few prompts for two halves.
    """
    began = time.monotonic()
    first, second = halves(prompts)

    def shown(prompt_format: PromptFormat) -> list[str]:
        way = tuned.with_prompt_format(prompt_format, run.adapter)
        _read(way, second)  # what is too long for the model is known before anything was asked
        return _read(way, first)

    own_template = tuned.with_prompt_format(PromptFormat(), run.adapter).renderer.template  # type: ignore[call-arg]
    found, skipped = sift(candidates(tuned.lineage, tuned.formatter.prompt_format, own_template), shown)
    ways = {candidate.name: tuned.with_prompt_format(candidate.prompt_format, run.adapter) for candidate in found}
    control = found[0].name

    once = tuned.config.generate.model_copy(update={"retries": 0, "best_of": 1})  # what retries mend, a format need not

    def ask(names: Sequence[str], half: Sequence[Question], what: str) -> dict[str, list[Sample]]:
        each = len(half) * samples
        return {
            name: answer(
                ways[name], half, once, samples, "tuned",
                lambda done, ahead=number * each: on_stage(what, ahead + done, len(names) * each),
            )
            for number, name in enumerate(names)
        }  # fmt: skip

    answers = ask([candidate.name for candidate in found], first, "to choose by")
    on_stage("scores", 0, 1)
    log = new_log(tuned, run, prompts)
    scorers, measures, notes = _scorers(run, log)
    answers = {name: apply(given, scorers) for name, given in answers.items()}
    judged = {j.name: j for j in judge_all({c.name: compare(log, answers[control], answers[c.name]) for c in found[1:]})}
    on_stage("scores", 1, 1)
    best = choose(list(judged.values()))
    unseen: dict[str, list[Sample]] = {}
    if best is not None:
        given = ask((control, best.name), second, "to report on")
        unseen = {name: apply(samples_, scorers) for name, samples_ in given.items()}
    return Trial(
        created=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        run=run.name,
        persona=tuned.lineage.persona,
        base=tuned.engine.base.name,
        engine=tuned.engine.name,
        samples=samples,
        generate=once,
        development=[prompt.id for prompt in first],
        unseen=[prompt.id for prompt in second],
        tried=[Tried(name=c.name, title=c.title, prompt_format=c.prompt_format, **_outcome(judged.get(c.name))) for c in found],
        skipped=skipped,
        chosen=best.name if best else None,
        confirmed=compare(log, unseen[control], unseen[best.name]) if best else {},
        measures=measures,
        notes=[*notes, *(_unknown(judged) if "voice" in scorers else [])],
        seconds=time.monotonic() - began,
        answers=answers,
        unseen_answers=unseen,
    )


def adopt(trial: Trial, run: RunDir, persona: Persona) -> list[Path]:
    """Write the chosen way to ask into the persona and into the run's adapter; returns the files.

    Raises:
        PersonaError: persona.toml cannot take it; then the adapter is left alone too.
    """
    winner = trial.winner
    if winner is None or trial.refuted:
        return []
    file = write_prompt_format(persona, winner.prompt_format)
    load_persona(str(persona.folder))
    write_lineage(run.adapter, dataclasses.replace(read_lineage(run.adapter), prompt_format=plain_prompt_format(winner.prompt_format)))
    return [file, run.adapter / LINEAGE]


def _outcome(judged: JudgedFormat | None) -> dict[str, Any]:
    return {"measures": dict(judged.measures), "adjusted": dict(judged.adjusted), "verdict": judged.verdict} if judged else {}


def _read(tuned: Tuned, prompts: Sequence[Question]) -> list[str]:
    """Prompts exactly as the model reads them; raises UserError for one that is too long for it."""
    put = [tuned.formatter([Message("user", prompt.prompt)], prompt.topic) for prompt in prompts]
    room = min(tuned.config.generate.max_new_tokens, tuned.renderer.context // 2)
    return [tuned.renderer.tokenizer.decode(tuned.renderer.answer_ids(turns, room), skip_special_tokens=False) for turns in put]


def _scorers(run: RunDir, log: EvaluationLog) -> tuple[dict[str, Scorer], dict[str, float], list[str]]:
    """Scorers by name, the numbers of the classifier, and what is not known.

    The classifier of style is learned once and before any candidate is looked at. What it takes for "not the author" is ordinary
    text, other voices and the base; never an answer of this trial: a classifier that learned the control's answers as wrong would
    call every change a gain.
    """
    notes: list[str] = []
    base = _base_answers(run, notes)
    material = read_material(run)
    known = Context(
        log.model_copy(update={"samples": base}), material.written, material.held_out, material.neutral, material.others, material.embedder
    )
    made = make_scorers([spec for spec in specs() if spec.name in ("voice", "relevance", "degenerate", "originality")], known)
    scorers: dict[str, Scorer] = {"rules": Rules(), **made.scorers}
    voice = getattr(scorers.get("voice"), "measures", {})
    if voice.get("auc", 0.0) < TELLS_APART:
        scorers.pop("voice", None)
        notes.append("The classifier could not learn this voice from the run's rows: voice is unknown, and only the rules decide.")
    notes += [reason for name, reason in made.unknown.items() if name != "voice"]
    return scorers, {f"voice.{key}": value for key, value in voice.items()}, notes


def _base_answers(run: RunDir, notes: list[str]) -> list[Sample]:
    base: list[Sample] = []
    if (newest := run.newest_evaluation()) is not None:
        try:
            base = [sample for sample in read_log(newest).samples if sample.model == "base"]
        except DataError as error:
            notes.append(f"The newest evaluation cannot be read: {error.message}")
    if not base:
        notes.append("No evaluation of this run has answers of the base: the classifier knows them only from other texts.")
    return base


def _unknown(judged: Mapping[str, JudgedFormat]) -> list[str]:
    """What was said too briefly to have a voice, as a sentence."""
    brief = [name for name, j in judged.items() if VOICE not in j.measures]
    whom = "every format" if len(brief) == len(judged) else ", ".join(brief)
    return [f"Fewer than {FEWEST} prompts had answers of 30 words: voice is unknown for {whom}."] if brief else []
