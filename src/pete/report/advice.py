"""What to try next, as commands that can be pasted: each changes one thing and keeps everything else."""

import shlex
from dataclasses import dataclass

from pete.config import Config, GenerateConfig
from pete.evaluate.advice import Advice
from pete.history import History
from pete.report.comparison import Comparison
from pete.resources import PROJECT
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
        drawn_with = self.evaluation.log.generate if self.evaluation else {}
        settings = self.config.generate
        return settings.model_copy(update={key: value for key, value in drawn_with.items() if key in type(settings).model_fields})

    def train_again(self, *sets: str) -> str:
        """The command that trains once more, everything else equal."""
        file = shlex.quote(str(self.run.config_file).removeprefix(f"{PROJECT}/"))
        return f"pete train --config {file} " + " ".join(f"--set {item}" for item in sets)

    def evaluate_again(self, *sets: str) -> str:
        """The command that only asks the prompts again: nothing is trained; what this evaluation changed stays changed."""
        now, before = self.generate.model_dump(), self.config.generate.model_dump()
        kept = {f"generate.{key}": f"{value:g}" for key, value in now.items() if value != before[key]}
        chosen = kept | dict(item.split("=", 1) for item in sets)
        return " ".join([f"pete evaluate {self.run.cli_argument}", *(f"--set {key}={value}" for key, value in chosen.items())]).strip()


def follow(m: Measured, advice: Advice) -> tuple[Suggestion, ...]:
    """The advice of a gate that failed; before another training, more examples where there are few."""
    settings = advice.settings(m.config.model_copy(update={"generate": m.generate}))
    sets = [f"{key}={value}" for key, value in settings.items()]
    if not sets:
        return ()
    if all(key.startswith(("generate.", "evaluate.")) for key in settings):
        return (Suggestion(advice.text, m.evaluate_again(*sets)),)
    return (*_more_examples(m), Suggestion(advice.text, m.train_again(*sets)))


def _more_examples(m: Measured) -> tuple[Suggestion, ...]:
    if not 0 < m.train_rows < MANY_ROWS:
        return ()
    text = (
        f"Write more examples: there are {m.train_rows} training rows in all, and up to about {MANY_ROWS:,} each one tells. "
        "Check them, then train again."
    )
    return (Suggestion(text, f"pete data check --persona {shlex.quote(m.config.data.persona)}"),)


def ask_more(m: Measured) -> tuple[Suggestion, ...]:
    """For a gate that is not settled: more prompts where only some were asked, else more answers to each."""
    asked = max((s.number + 1 for s in m.evaluation.log.samples), default=0) if m.evaluation else 0
    if asked < m.config.evaluate.samples:  # a quickstart's short look
        return (Suggestion("Ask every prompt, three times each.", m.evaluate_again()),)
    return (Suggestion("Ask each prompt more often.", m.evaluate_again(f"evaluate.samples={2 * asked}")),)


def hold_back_more(m: Measured) -> tuple[Suggestion, ...]:
    """The same for one that unseen text has to settle: a larger test split."""
    share = min(0.3, round(m.config.data.test_share * 2, 2)) or 0.1
    return (Suggestion("Hold back more rows for the test.", m.train_again(f"data.test_share={share:g}")),)
