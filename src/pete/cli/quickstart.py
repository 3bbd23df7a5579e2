"""pete quickstart: the whole pipeline, top to bottom."""

from pathlib import Path
from typing import Annotated

import typer

from pete.cli.console import as_path, as_typed, console
from pete.words import duration

SHOWN = 3
"""Prompts whose answers are printed; the report has them all."""
SHORT = ("evaluate.prompts_per_category=5", "evaluate.samples=1")
"""A first look in a minute; `pete evaluate` asks everything, three times."""


def quickstart(
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", parser=as_path, help="run folder; runs/<date>-quickstart unless given")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="another seed, another order and another start")] = 0,
    steps: Annotated[int | None, typer.Option(min=1, help="train this many steps instead of the preset's epochs")] = None,
) -> None:
    """Teach the embedded base the bundled voice and report how it went: minutes, offline, nothing to configure."""
    import time

    from pete.app.train import new_training, train
    from pete.cli.evaluate import run_evaluation
    from pete.cli.evaluation_view import show_evaluation
    from pete.cli.notify import ScreenNotify
    from pete.cli.test import show_pair
    from pete.config import override
    from pete.report import write_report
    from pete.train.signals import StopSignal

    began = time.monotonic()
    screen = console(work=True)
    overrides = [f"train.seed={seed}", f"generate.seed={seed}"]
    if steps is not None:
        overrides += [f"train.steps={steps}", f"optim.warmup_steps={min(6, steps - 1)}"]
    with ScreenNotify(screen) as notify:
        notify.message("1 of 4  plan and data", "title")
        training = new_training("quickstart", None, overrides)
        run = train(training, notify, StopSignal(), out).run

    screen.rule("3 of 4  base beside tuned", align="left")
    short = override(run.read_config(), SHORT, ("evaluate",))
    log = run_evaluation(screen, run, short, None, "quickstart")
    first = {sample.category: sample.prompt_id for sample in reversed(log.samples)}
    for prompt_id in list(reversed(first.values()))[:SHOWN]:
        pair = {sample.model: sample for sample in log.samples if sample.prompt_id == prompt_id}
        show_pair(
            screen, pair["base"].prompt, {model: (s.text, f"{s.tokens} tokens, ended by {s.stop}") for model, s in pair.items()}
        )  # fmt: skip

    screen.rule("4 of 4  report", align="left")
    show_evaluation(screen, run)
    write_report(run)
    screen.print(f"\ndone in {duration(time.monotonic() - began)}", style="bold")
    for name, value in (
        ("report", run.report_html),
        ("adapter", run.adapter),
        ("talk to it", as_typed(f"pete chat {run.cli_argument}")),
        ("ask it", as_typed(f'pete test {run.cli_argument} "Write a tagline for a bakery"')),
        ("your own voice", as_typed("copy personas/pete-connor, put your texts into examples/, then pete train --persona FOLDER")),
    ):
        screen.print(f"  {name:15} {value}", soft_wrap=True, markup=False)
