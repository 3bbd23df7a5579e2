"""What to try next, as commands that can be pasted: each changes one thing and keeps everything else."""

import math
import shlex
from collections.abc import Callable
from dataclasses import dataclass

from pete.config import PROJECT, Config, GenerateConfig
from pete.history import History
from pete.report import original
from pete.report.comparison import Comparison
from pete.run import RunDir

MANY_ROWS = 1000
"""Zhou et al. 2023 (LIMA) taught a style with a thousand good examples; below that, more rows are worth trying first."""


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
class Measured:
    """A run as the rules of findings see it, and the commands that would repeat it with something changed."""

    run: RunDir
    config: Config
    training: History
    evaluation: Comparison | None
    train_rows: int
    voice: str

    @property
    def generate(self) -> GenerateConfig:
        """How the evaluated answers were drawn."""
        told = self.evaluation.log.generate if self.evaluation else {}
        mine = self.config.generate
        return mine.model_copy(update={key: value for key, value in told.items() if key in type(mine).model_fields})

    def train_again(self, *sets: str) -> str:
        """The command that trains once more, everything else equal."""
        file = shlex.quote(str(self.run.config_file).removeprefix(f"{PROJECT}/"))
        return f"pete train --config {file} " + " ".join(f"--set {item}" for item in sets)

    def evaluate_again(self, *sets: str) -> str:
        """The command that only asks the prompts again: nothing is trained; what this evaluation changed stays changed."""
        now, before = self.generate.model_dump(), self.config.generate.model_dump()
        kept = {f"generate.{key}": f"{value:g}" for key, value in now.items() if value != before[key]}
        chosen = kept | dict(item.split("=", 1) for item in sets)
        return " ".join([f"pete evaluate {self.run.cli_argument}", *(f"--set {key}={value}" for key, value in chosen.items())])

    def length(self, steps: float) -> tuple[str, ...]:
        """Settings that make training about `steps` long, in the unit the run was given."""
        train, warmup = self.config.train, self.config.optim.warmup_steps
        count = max(1, round(steps))
        if train.epochs is not None:
            sets = [f"train.epochs={max(0.1, round(train.epochs * count / max(1, self.training.last_step), 1)):g}"]
        else:
            sets = [f"train.steps={count}"]
        if warmup >= count:  # a warm-up longer than the training is refused
            sets.append(f"optim.warmup_steps={count // 5}")
        return tuple(sets)


Advice = Callable[[Measured], tuple[Suggestion, ...]]


def more_examples(m: Measured, category: str = "") -> tuple[Suggestion, ...]:
    """Where rows are few, more of them come first."""
    if not 0 < m.train_rows < MANY_ROWS:
        return ()
    what = f"more {category} examples" if category else "more examples"
    text = (
        f"Write {what}: there are {m.train_rows} training rows in all, and up to about {MANY_ROWS:,} each one tells. "
        "Check them, then train again."
    )
    return (Suggestion(text, f"pete data check --persona {shlex.quote(m.config.data.persona)}"),)


def stop_at(step: int) -> Advice:
    """Training up to a step."""
    text = "Stop near the best step; the learning rate then also comes down in time."
    return lambda m: (Suggestion(text, m.train_again(*m.length(step))),)


def longer(factor: float, text: str) -> Advice:
    """More training."""
    return lambda m: (Suggestion(text, m.train_again(*m.length(m.training.last_step * factor))),)


def smaller_steps(m: Measured) -> tuple[Suggestion, ...]:
    """Half the learning rate."""
    return (Suggestion("Smaller steps.", m.train_again(f"optim.learning_rate={m.config.optim.learning_rate / 2:g}")),)


def larger_steps(m: Measured) -> tuple[Suggestion, ...]:
    """Twice the learning rate."""
    return (Suggestion("Larger steps.", m.train_again(f"optim.learning_rate={m.config.optim.learning_rate * 2:g}")),)


def more_room(m: Measured) -> tuple[Suggestion, ...]:
    """A larger adapter, unless examples are what is missing."""
    return more_examples(m) or (Suggestion("A larger adapter.", m.train_again(f"lora.rank={2 * m.config.lora.rank}")),)


def harder_to_memorise(m: Measured) -> tuple[Suggestion, ...]:
    """More dropout."""
    dropout = min(0.5, max(0.1, 2 * m.config.lora.dropout))
    sets = [f"lora.dropout={dropout:g}"]
    if m.config.train.gradient_checkpointing:  # refused together
        sets.append("train.gradient_checkpointing=false")
    return (Suggestion("Make memorising harder.", m.train_again(*sets)), *more_examples(m))


def no_loops(m: Measured) -> tuple[Suggestion, ...]:
    """A higher repetition penalty."""
    penalty = min(1.5, round(m.generate.repetition_penalty + 0.1, 2))
    return (Suggestion("Make repeating costlier.", m.evaluate_again(f"generate.repetition_penalty={penalty:g}")),)


def longer_answers(m: Measured) -> tuple[Suggestion, ...]:
    """A higher limit."""
    limit = math.ceil(m.generate.max_new_tokens * 1.5)
    return (Suggestion("Give answers more room: do they end then?", m.evaluate_again(f"generate.max_new_tokens={limit}")),)


def tamer(m: Measured) -> tuple[Suggestion, ...]:
    """Only likely tokens."""
    return (Suggestion("Take the wildest tokens out of the draw.", m.evaluate_again("generate.top_p=0.9", "generate.temperature=0.5")),)


def freer(m: Measured) -> tuple[Suggestion, ...]:
    """A higher temperature."""
    warmer = min(1.0, round(m.generate.temperature + 0.15, 2))
    return (Suggestion("Draw more freely.", m.evaluate_again(f"generate.temperature={warmer:g}")),)


def try_again(m: Measured) -> tuple[Suggestion, ...]:
    """Answers that break a rule are drawn again."""
    if m.generate.retries >= 2:  # as often as it may be
        return ()
    return (Suggestion("Draw an answer that breaks a rule again, twice at most.", m.evaluate_again("generate.retries=2")),)


def ask_more(m: Measured) -> tuple[Suggestion, ...]:
    """More prompts where only some were asked, else more answers to each."""
    asked = max((s.number + 1 for s in m.evaluation.log.samples), default=0) if m.evaluation else 0
    if asked < m.config.evaluate.samples:  # a quickstart's short look
        return (Suggestion("Ask every prompt, three times each.", m.evaluate_again()),)
    return (Suggestion("Ask each prompt more often.", m.evaluate_again(f"evaluate.samples={2 * asked}")),)


def hold_back_more(m: Measured) -> tuple[Suggestion, ...]:
    """A larger test split."""
    share = min(0.3, round(m.config.data.test_share * 2, 2)) or 0.1
    return (Suggestion("Hold back more rows for the test.", m.train_again(f"data.test_share={share:g}")),)


def another_seed(m: Measured) -> tuple[Suggestion, ...]:
    """The same recipe, other luck; the same rows are held out, so that the runs can be paired."""
    return (Suggestion("The same recipe, the same held-out rows, another seed.", m.train_again(f"train.seed={m.config.train.seed + 1}")),)


def shorter_answers(m: Measured) -> tuple[Suggestion, ...]:
    """As many tokens as the original's slowest answer has time for here."""
    alone = m.evaluation.alone("tuned") if m.evaluation else None
    room = int(alone.tokens_per_second * original.SECONDS[1] // 10 * 10) if alone else 0
    text = f"Shorter answers: about what {original.SECONDS[1]:g} s hold here."
    return (Suggestion(text, m.evaluate_again(f"generate.max_new_tokens={room}")),) if room >= 60 else ()


def fewer_at_once(m: Measured) -> tuple[Suggestion, ...]:
    """Half the batch."""
    batch = max((s.batch for s in m.evaluation.log.samples), default=1) if m.evaluation else 1
    return (Suggestion("Fewer answers side by side.", m.evaluate_again(f"evaluate.batch={batch // 2}")),) if batch > 1 else ()
