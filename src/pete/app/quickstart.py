"""Quickstart: the whole pipeline, top to bottom, on the embedded base and the bundled persona."""

import time
from dataclasses import dataclass
from pathlib import Path

from pete.app.evaluate import evaluate_run
from pete.app.notify import Notify
from pete.app.train import new_training, train
from pete.config import override
from pete.report import write_report
from pete.report.model import read_report
from pete.report.summary import Headline, headline
from pete.run import RunDir
from pete.train.loop import Stop

SHORT = ("evaluate.prompts_per_category=5", "evaluate.samples=1")
"""A first look in a minute; `pete evaluate` asks everything, three times."""


@dataclass(frozen=True)
class QuickstartResult:
    """A trained and evaluated run, what a reader should see of it first, and the seconds it took."""

    run: RunDir
    headline: Headline
    seconds: float


def quickstart(
    notify: Notify, stop: Stop | None = None, out: Path | None = None, seed: int = 0, steps: int | None = None
) -> QuickstartResult:
    """Train, evaluate and report.

    Raises:
        Interrupted: `stop` was requested while it trained. UserError, WorkError: a stage failed.
    """
    began = time.monotonic()
    overrides = [f"train.seed={seed}", f"generate.seed={seed}"]
    if steps is not None:
        overrides += [f"train.steps={steps}", f"optim.warmup_steps={min(6, steps - 1)}"]
    notify.message("1 of 2  train", "title")
    run = train(new_training("quickstart", None, overrides), notify, stop, out).run
    notify.message("2 of 2  base beside tuned", "title")
    evaluate_run(run, override(run.read_config(), SHORT, ("evaluate",)), None, [("write", "quickstart")], notify)
    notify.message("writing the report ...", "working")
    write_report(run)
    return QuickstartResult(run, headline(read_report(run)), time.monotonic() - began)
