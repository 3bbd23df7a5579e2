"""Strengths, weaknesses and open questions: each one a threshold crossed by a measured number, with what to try next.

No number, no finding. The thresholds are the starting gates of docs/evaluation.md or carry their reason here.
"""

import math
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from pete.config import PROJECT, Config, GenerateConfig
from pete.evaluate.stats import FEW, Rate
from pete.report import original
from pete.report.comparison import CUT_OFF, Comparison, Likelihood, Responses
from pete.report.numbers import bounds, certainty, change, counted, gigabytes, percent, plain, short
from pete.report.training import Training
from pete.run import RUNS, RunDir

DEGENERATE_MOST = 0.02
CLICHE_MOST = 0.10
ENDS_LEAST = 0.95
SAME_OPENING_MOST = 0.15
LENGTH_NEAR = 1.25
LENGTH_FAR = 1.6
LATE_SHARE = 0.2
"""Training that went on for this share of its steps without a better validation loss went on too long."""
STILL_FALLING = 0.005
"""A validation loss that fell by this share over the last interval had not settled."""
CLIPPED_MOST = 0.5
LOSS_FALL_LEAST = 0.02
MANY_ROWS = 1000
"""Zhou et al. 2023 (LIMA) taught a style with a thousand good examples; below that, more rows are worth trying first."""

Kind = Literal["strength", "weakness", "open"]


@dataclass(frozen=True)
class Suggestion:
    """One thing to try: what it should do, and the command."""

    text: str
    command: str

    @property
    def retrains(self) -> bool:
        """Whether it takes another training."""
        return self.command.startswith("pete train")


@dataclass(frozen=True)
class Finding:
    """A judgement with the number it rests on and the file that holds the number."""

    kind: Kind
    title: str
    evidence: str
    source: str
    suggestions: tuple[Suggestion, ...] = ()


@dataclass(frozen=True)
class Measured:
    """What the rules look at."""

    run: RunDir
    config: Config
    training: Training
    evaluation: Comparison | None
    train_rows: int
    voice: str

    def train_again(self, *sets: str) -> str:
        """The command that trains once more, everything else equal."""
        return f"pete train --config {shlex.quote(_short_path(self.run.config_file))} " + " ".join(f"--set {item}" for item in sets)

    def evaluate_again(self, *sets: str) -> str:
        """The command that only asks the prompts again: nothing is trained; what this evaluation changed stays changed."""
        now, before = self.generate.model_dump(), self.config.generate.model_dump()
        kept = {f"generate.{key}": f"{value:g}" for key, value in now.items() if value != before[key]}
        chosen = kept | dict(item.split("=", 1) for item in sets)
        return " ".join([f"pete evaluate {shlex.quote(self.name)}", *(f"--set {key}={value}" for key, value in chosen.items())])

    @property
    def generate(self) -> GenerateConfig:
        """How the evaluated answers were drawn."""
        told = self.evaluation.log.generate if self.evaluation else {}
        mine = self.config.generate
        return mine.model_copy(update={key: value for key, value in told.items() if key in type(mine).model_fields})

    @property
    def name(self) -> str:
        """How the command line finds this run."""
        return self.run.name if self.run.folder.parent == RUNS else _short_path(self.run.folder)

    def length(self, factor: float, at_most: int | None = None) -> tuple[str, ...]:
        """Settings that make training `factor` times as long, in the unit the run was given."""
        train, warmup = self.config.train, self.config.optim.warmup_steps
        steps = max(1, round(self.training.last_step * factor)) if at_most is None else at_most
        if train.epochs is not None:
            sets = [f"train.epochs={max(0.1, round(train.epochs * steps / max(1, self.training.last_step), 1)):g}"]
        else:
            sets = [f"train.steps={steps}"]
        if warmup >= steps:  # a warm-up longer than the training is refused
            sets.append(f"optim.warmup_steps={steps // 5}")
        return tuple(sets)


Rule = Callable[[Measured], Iterator[Finding]]


def find(measured: Measured) -> tuple[Finding, ...]:
    """Every finding the numbers support: weaknesses, then open questions, then strengths, each in the order of the rules."""
    found = [finding for rule in RULES for finding in rule(measured)]
    order: tuple[Kind, ...] = ("weakness", "open", "strength")
    return tuple(sorted(found, key=lambda f: order.index(f.kind)))


def next_steps(findings: Iterable[Finding]) -> tuple[tuple[Suggestion, Finding], ...]:
    """What to try, each with the first finding that asks for it; the same command is listed once."""
    chosen: dict[str, tuple[Suggestion, Finding]] = {}
    for finding in findings:
        for suggestion in finding.suggestions:
            chosen.setdefault(suggestion.command, (suggestion, finding))
    return tuple(chosen.values())


# --- training ------------------------------------------------------------------------------------------------------


def overfitting(m: Measured) -> Iterator[Finding]:
    """The validation loss was best long before the end, or was still falling at it."""
    best, end, last = m.training.best, m.training.last_validation, m.training.last_step
    if best is None or end is None or not last:
        return
    idle = (last - best.step) / last
    if idle >= LATE_SHARE and end.loss > best.loss:
        yield Finding(
            "weakness",
            "Training went on past its best point",
            f"Best validation loss {plain(best.loss)} at step {best.step} of {last}; {plain(end.loss)} at step {end.step} "
            f"({change(end.loss / best.loss - 1)}), so the last {percent(idle)} of the steps did not help"
            f"{_memorised(m.training, best.step)}. The adapter is the one of step {best.step}.",
            "events.jsonl",
            (
                Suggestion(
                    "Stop near the best step; the learning rate then also comes down in time.",
                    m.train_again(*m.length(0, at_most=best.step)),
                ),
                Suggestion(
                    "Make memorising harder.",
                    m.train_again(f"lora.dropout={min(0.5, max(0.1, 2 * m.config.lora.dropout)):g}"),
                ),
                *_more_examples(m),
            ),
        )
        return
    later = [v for v in m.training.validations if v.step > 0]
    if len(later) > 1 and best.step == end.step:
        fall = 1 - later[-1].loss / later[-2].loss
        if fall >= STILL_FALLING:
            yield Finding(
                "weakness",
                "Training ended while it was still improving",
                f"Validation loss {plain(later[-2].loss)} at step {later[-2].step}, {plain(later[-1].loss)} at step {later[-1].step} "
                f"({change(-fall)}); the best step is the last.",
                "events.jsonl",
                (Suggestion("Train half as long again.", m.train_again(*m.length(1.5))),),
            )


def loss_fell(m: Measured) -> Iterator[Finding]:
    """Without an evaluation, the fall of the validation loss is all there is."""
    best, base = m.training.best, m.training.base_loss
    if m.evaluation is not None or best is None or base is None:
        return
    fall = 1 - best.loss / base
    evidence = f"Validation loss {plain(base)} before training, {plain(best.loss)} at step {best.step} ({change(-fall)}), nats a token."
    if fall >= LOSS_FALL_LEAST:
        yield Finding("strength", "It learned something that carries over to rows it did not train on", evidence, "events.jsonl")
    else:
        yield Finding(
            "weakness",
            "It learned next to nothing that carries over",
            evidence,
            "events.jsonl",
            (Suggestion("Larger steps.", m.train_again(f"optim.learning_rate={m.config.optim.learning_rate * 2:g}")),),
        )


def clipping(m: Measured) -> Iterator[Finding]:
    """Most updates cut to optim.clip_norm: the learning rate no longer means what it says."""
    limit = m.config.optim.clip_norm
    clipped = Rate.count(s.grad_norm > limit for s in m.training.steps)
    if clipped.of >= 10 and clipped.share > CLIPPED_MOST:
        yield Finding(
            "weakness",
            "Most updates were cut short",
            f"{clipped} steps ({percent(clipped.share)}) had a gradient norm above optim.clip_norm = {limit:g}.",
            "events.jsonl",
            (Suggestion("Smaller steps.", m.train_again(f"optim.learning_rate={m.config.optim.learning_rate / 2:g}")),),
        )


# --- likelihood of the voice -----------------------------------------------------------------------------------------


def held_out_gain(m: Measured) -> Iterator[Finding]:
    """The headline: does the tuned model find the author's unseen text less surprising?"""
    if m.evaluation is None or m.evaluation.held_out is None:
        return
    held, source = m.evaluation.held_out, m.evaluation.file
    evidence = _gain_words(held)
    if held.gain.verdict == "up":
        yield Finding("strength", f"It knows the voice: unseen writing of {m.voice} surprises it less", evidence, source)
    elif held.gain.verdict == "down":
        yield Finding(
            "weakness",
            f"It lost the voice: unseen writing of {m.voice} surprises it more",
            evidence,
            source,
            (Suggestion("Smaller steps.", m.train_again(f"optim.learning_rate={m.config.optim.learning_rate / 2:g}")),),
        )
    else:
        yield Finding(
            "open",
            f"No significant difference on unseen writing of {m.voice}",
            evidence,
            source,
            _more_examples(m) or (Suggestion("A larger adapter.", m.train_again(f"lora.rank={2 * m.config.lora.rank}")),),
        )
    if held.gain.underpowered:
        share = min(0.3, round(m.config.data.test_share * 2, 2)) or 0.1
        yield Finding(
            "open",
            "The held-out text is too little to see small differences",
            f"Underpowered: {counted(held.gain.clusters, 'topic')} where {FEW} are wanted; {counted(held.rows, 'row')}.",
            source,
            (Suggestion("Hold back more rows for the test.", m.train_again(f"data.test_share={share:g}")),),
        )


def gain_by_category(m: Measured) -> Iterator[Finding]:
    """Categories that did not gain; those that did are in the table."""
    if m.evaluation is None or len(m.evaluation.by_category) < 2:
        return
    for held in m.evaluation.by_category:
        title = m.evaluation.title(held.category)
        if held.gain.verdict == "down":
            yield Finding("weakness", f"{title} became worse", _gain_words(held), m.evaluation.file, _more_examples(m, title))
        elif held.gain.verdict != "up":
            yield Finding("open", f"{title}: no significant difference", _gain_words(held), m.evaluation.file, _more_examples(m, title))


# --- answers -----------------------------------------------------------------------------------------------------------


def degenerate(m: Measured) -> Iterator[Finding]:
    """Loops and empty answers."""
    for c, tuned in _tuned(m):
        rate = tuned.flags.get("degenerate.any")
        if rate is None:
            continue
        evidence = _against_base(c, "degenerate.any", rate)
        if rate.share > DEGENERATE_MOST:
            penalty = min(1.5, round(m.generate.repetition_penalty + 0.1, 2))
            yield Finding(
                "weakness",
                "Some answers loop or are empty",
                f"{evidence} At most {percent(DEGENERATE_MOST)} is the gate.",
                c.file,
                (
                    Suggestion(
                        "Make repeating costlier; nothing is trained again.", m.evaluate_again(f"generate.repetition_penalty={penalty:g}")
                    ),
                ),
            )
        else:
            yield Finding("strength", "Answers neither loop nor come back empty", evidence, c.file)


def endings(m: Measured) -> Iterator[Finding]:
    """Answers that run into the limit instead of ending."""
    for c, tuned in _tuned(m):
        cut = tuned.flags.get(CUT_OFF)
        if cut is None:
            continue
        evidence = _against_base(c, CUT_OFF, cut, "cut off")
        limit = m.generate.max_new_tokens
        if cut.share > 1 - ENDS_LEAST:
            yield Finding(
                "weakness",
                "Some answers do not end",
                f"{evidence} The limit was {limit} tokens; {percent(ENDS_LEAST)} ending by themselves is the gate.",
                c.file,
                (
                    Suggestion(
                        "Give answers more room: do they end then?", m.evaluate_again(f"generate.max_new_tokens={math.ceil(limit * 1.5)}")
                    ),
                ),
            )
        else:
            yield Finding("strength", "Answers end by themselves", evidence, c.file)


def leaks(m: Measured) -> Iterator[Finding]:
    """Special tokens and markers that a reader would see."""
    for c, tuned in _tuned(m):
        clean, raw = tuned.leaks_clean, tuned.leaks_raw
        words = f"{clean} answers show a special token or a marker of the template; in the raw output {raw} do."
        if clean.hits:
            yield Finding(
                "weakness",
                "Special tokens reach the reader",
                words,
                c.file,
                (
                    Suggestion(
                        "Take the wildest tokens out of the draw.", m.evaluate_again("generate.top_p=0.9", "generate.temperature=0.5")
                    ),
                ),
            )
        else:
            yield Finding("strength", "No special token reaches the reader", f"{words} {_at_most(clean)}", c.file)


def cliches(m: Measured) -> Iterator[Finding]:
    """What persona.toml says this voice would never write."""
    for c, tuned in _tuned(m):
        rate, shift = tuned.flags.get("cliche.any"), c.changes.get("cliche.any")
        if rate is None:
            continue
        parts = [(key.removeprefix("cliche."), n) for key, n in tuned.parts.items() if key.startswith("cliche.") and n]
        listed = f" Counted: {', '.join(f'{n:g} {name}' for name, n in parts)}." if parts else ""
        evidence = _against_base(c, "cliche.any", rate) + listed
        cooler = max(0.3, round(m.generate.temperature - 0.2, 2))
        fix = (Suggestion("Draw safer words; nothing is trained again.", m.evaluate_again(f"generate.temperature={cooler:g}")),)
        if rate.share > CLICHE_MOST or (shift is not None and shift.verdict == "up"):
            yield Finding(
                "weakness", "It uses what this voice avoids", f"{evidence} At most {percent(CLICHE_MOST)} is the gate.", c.file, fix
            )
        elif shift is not None and shift.verdict == "down":
            yield Finding("strength", "It dropped what this voice avoids", evidence, c.file)
        else:
            yield Finding("open", "No significant difference in what this voice avoids", evidence, c.file)


def openings(m: Measured) -> Iterator[Finding]:
    """Answers to different prompts that begin alike: the model has found one trick."""
    for c, tuned in _tuned(m):
        if c.prompts < 2:
            continue
        rate, base = tuned.same_opening, c.overall("base")
        before = f"; base {base.same_opening}" if base else ""
        evidence = f"{rate} answers ({percent(rate.share)}) share their first four words with an answer to another prompt{before}."
        if rate.share > SAME_OPENING_MOST:
            warmer = min(1.0, round(m.generate.temperature + 0.15, 2))
            yield Finding(
                "weakness",
                "Answers begin alike",
                f"{evidence} At most {percent(SAME_OPENING_MOST)} is the gate.",
                c.file,
                (Suggestion("Draw more freely; nothing is trained again.", m.evaluate_again(f"generate.temperature={warmer:g}")),),
            )
        else:
            yield Finding("strength", "Answers do not begin alike", evidence, c.file)


def lengths(m: Measured) -> Iterator[Finding]:
    """Is an answer about as long as the author would make it? Prompts differ, so only a large gap counts."""
    for c, tuned in _tuned(m):
        if not c.author_bytes or not tuned.text_bytes:
            continue
        ratio, base = tuned.text_bytes / c.author_bytes, c.overall("base")
        before = f", base {base.text_bytes:,.0f}" if base else ""
        evidence = (
            f"Median {tuned.text_bytes:,.0f} bytes; {m.voice} wrote {c.author_bytes:,.0f} in the held-out rows (x{short(ratio)}){before}."
        )
        if 1 / LENGTH_NEAR <= ratio <= LENGTH_NEAR:
            yield Finding("strength", f"Answers are about as long as {m.voice} makes them", evidence, c.file)
        elif ratio > LENGTH_FAR:
            fix = Suggestion("Train a little longer: the end of an answer is learned too.", m.train_again(*m.length(1.25)))
            yield Finding("weakness", f"Answers run longer than {m.voice} would write", evidence, c.file, (fix,))
        elif ratio < 1 / LENGTH_FAR:
            yield Finding("weakness", f"Answers stop sooner than {m.voice} would", evidence, c.file, _more_examples(m))


# --- speed ---------------------------------------------------------------------------------------------------------------


def speed(m: Measured) -> Iterator[Finding]:
    """Beside the original report's figures; another machine or base is another figure, and the evidence says which."""
    alone = m.evaluation.alone("tuned") if m.evaluation else None
    if m.evaluation is None or alone is None:
        return
    most, least = original.SECONDS[1], original.TOKENS_PER_SECOND[0]
    evidence = (
        f"Median {plain(alone.seconds, 1)} s an answer and {plain(alone.tokens_per_second, 1)} tokens/s over "
        f"{counted(alone.prompts, 'prompt')} asked alone on {m.evaluation.log.machine}; the original report has "
        f"{original.span(original.SECONDS)} s and {original.span(original.TOKENS_PER_SECOND)} tokens/s for {original.WHAT}."
    )
    if alone.seconds <= most and alone.tokens_per_second >= least:
        yield Finding("strength", "Answers come as fast as the original report's, or faster", evidence, m.evaluation.file)
        return
    room = int(alone.tokens_per_second * most // 10 * 10)
    fix = (
        (Suggestion(f"Shorter answers: about what {most:g} s hold here.", m.evaluate_again(f"generate.max_new_tokens={room}")),)
        if room >= 60
        else ()
    )
    yield Finding("weakness", "Answers are slower than the original report's", evidence, m.evaluation.file, fix)


def memory(m: Measured) -> Iterator[Finding]:
    """Peak memory of the evaluation beside the original's."""
    if m.evaluation is None or not m.evaluation.log.peak_memory:
        return
    peak, most = m.evaluation.log.peak_memory, original.GIGABYTES[1]
    batch = max((s.batch for s in m.evaluation.log.samples), default=1)
    evidence = (
        f"Peak {gigabytes(peak)} with {counted(batch, 'answer')} side by side; the original report has "
        f"{original.span(original.GIGABYTES)} GB for {original.WHAT}."
    )
    if peak <= most * 1e9:
        yield Finding("strength", "It needs no more memory than the original report's", evidence, m.evaluation.file)
    else:
        fix = (Suggestion("Fewer answers side by side.", m.evaluate_again(f"evaluate.batch={max(1, batch // 2)}")),) if batch > 1 else ()
        yield Finding("weakness", "It needs more memory than the original report's", evidence, m.evaluation.file, fix)


# --- how sure we can be -----------------------------------------------------------------------------------------------------


def enough_prompts(m: Measured) -> Iterator[Finding]:
    """Under 20 prompts only large differences show."""
    if m.evaluation is None or not m.evaluation.asked or m.evaluation.prompts >= FEW:
        return
    yield Finding(
        "open",
        "The prompts are too few to see small differences between answers",
        f"Underpowered: {counted(m.evaluation.prompts, 'prompt')} asked where {FEW} are wanted.",
        m.evaluation.file,
        (Suggestion("Ask more, and each one three times.", m.evaluate_again("evaluate.prompts_per_category=20", "evaluate.samples=3")),),
    )


def one_seed(m: Measured) -> Iterator[Finding]:
    """One training seed speaks for this adapter, never for the recipe."""
    if m.training.last_step == 0:
        return
    seed = m.config.train.seed
    yield Finding(
        "open",
        "This speaks for this adapter, not yet for the recipe",
        f"1 training seed (train.seed = {seed}); three show how much luck there is.",
        "config.toml",
        (Suggestion("The same recipe with another seed.", m.train_again(f"train.seed={seed + 1}")),),
    )


RULES: tuple[Rule, ...] = (
    held_out_gain,
    gain_by_category,
    loss_fell,
    overfitting,
    clipping,
    degenerate,
    endings,
    leaks,
    cliches,
    openings,
    lengths,
    speed,
    memory,
    enough_prompts,
    one_seed,
)  # fmt: skip


def _tuned(m: Measured) -> Iterator[tuple[Comparison, Responses]]:
    if m.evaluation is not None and (tuned := m.evaluation.overall("tuned")) is not None:
        yield m.evaluation, tuned


def _memorised(training: Training, since: int) -> str:
    smooth = {s.step: value for s, value in zip(training.steps, training.smoothed(), strict=True)}
    then, now = smooth.get(since), smooth[training.last_step]
    if then is None or now >= then:
        return ""
    return f", while the training loss fell from {plain(then)} to {plain(now)}: it was memorising"


def _gain_words(held: Likelihood) -> str:
    return (
        f"{plain(held.tuned)} bits per byte, base {plain(held.base)} ({change(held.relative)}); gain {plain(held.gain.mean)} a row, "
        f"95% interval {bounds(held.gain)}, {counted(held.rows, 'row')} on {counted(held.gain.clusters, 'topic')}: "
        f"{certainty(held.gain)}."
    )


def _against_base(c: Comparison, flag: str, rate: Rate, verb: str = "") -> str:
    base, shift = c.overall("base"), c.changes.get(flag)
    words = f"{rate} answers{' ' + verb if verb else ''} ({percent(rate.share)}{_range(rate)})"
    if base is not None and flag in base.flags:
        words += f", base {base.flags[flag]} ({percent(base.flags[flag].share)})"
    if shift is not None:
        words += f"; difference {plain(shift.mean, 2)}, 95% interval {bounds(shift, 2)}: {certainty(shift)}"
    return f"{words}. {_at_most(rate)}".strip()


def _range(rate: Rate) -> str:
    return f", 95% interval {percent(rate.low)} to {percent(rate.high)}" if rate.hits else ""


def _at_most(rate: Rate) -> str:
    return f"With {rate.of} answers the true share can still be {percent(rate.high)}." if rate.hits == 0 and rate.of else ""


def _more_examples(m: Measured, category: str = "") -> tuple[Suggestion, ...]:
    if not 0 < m.train_rows < MANY_ROWS:
        return ()
    what = f"more {category} examples" if category else "more examples"
    text = (
        f"Write {what}: there are {m.train_rows} training rows in all, and up to about {MANY_ROWS:,} each one tells. "
        "Check them, then train again."
    )
    return (Suggestion(text, f"pete data check --persona {shlex.quote(m.config.data.persona)}"),)


def _short_path(path: object) -> str:
    text = str(path)
    return text.removeprefix(f"{PROJECT}/")
