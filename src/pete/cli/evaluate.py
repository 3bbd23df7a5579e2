"""pete evaluate: the evaluation suite."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pete.cli.console import JsonOption, RunArgument, SetOption, as_typed, console, duration, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from pete.config import Resolved
    from pete.evaluate.log import EvaluationLog
    from pete.run import RunDir


def evaluate(
    run: RunArgument = None,
    suite: Annotated[
        Path | None, typer.Option(metavar="FILE", help="your own prompts, JSONL; the run's held-out ones unless given")
    ] = None,
    name: Annotated[str, typer.Option(help="evaluations/<name>.json")] = "suite",
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Score base and tuned on held-out text and answer the suite's prompts; writes evaluations/<name>.json."""
    from pete.config import override
    from pete.run import RunDir

    folder = RunDir.find(run)
    resolved = override(folder.read_config(), set_ or [], ("evaluate", "generate"))
    screen = console(quiet=json)
    log = run_evaluation(screen, folder, resolved, suite, name)
    if json:
        print_json(log.model_dump(mode="json"))
        return
    show_evaluation(screen, folder)
    more = as_typed(f"pete report {folder.word}")
    screen.print(f"\n{folder.evaluation_file(name)}\nthe whole picture: {more}", soft_wrap=True, markup=False)


def run_evaluation(screen: "Console", run: "RunDir", resolved: "Resolved", suite: Path | None, name: str) -> "EvaluationLog":
    """Load the run's model, evaluate it with a progress line, and write the log."""
    from dataclasses import replace

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from pete.evaluate.suite import evaluate as run_suite
    from pete.evaluate.suite import load_suite
    from pete.generate.answer import open_tuned

    prompts = load_suite(run, suite, resolved.config.evaluate.prompts_per_category)
    columns = (TextColumn("[bold]evaluate[/] {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, disable=not screen.is_terminal) as progress:
        tasks = {}

        def on_stage(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=of)
            progress.update(tasks[what], completed=done)
            if done == of and not screen.is_terminal:
                screen.print(f"{what}: {done} of {of}")

        tuned = replace(open_tuned(run), config=resolved.config)
        log = run_suite(tuned, run, prompts, on_stage)
    log.write(run.evaluation_file(name))
    return log


def show_evaluation(screen: "Console", run: "RunDir") -> None:
    """The newest evaluation in a few lines, from the same numbers the report uses."""
    from rich.table import Table

    from pete.report.model import read_report

    data = read_report(run)
    evaluation = data.evaluation
    assert evaluation is not None, "called after an evaluation was written"
    held = evaluation.held_out
    if held is not None:
        screen.print(
            f"held-out text: [bold]{held.base:.3f} -> {held.tuned:.3f} bits per byte[/], gain {held.gain.mean:+.3f} "
            f"(95% between {held.gain.low:+.3f} and {held.gain.high:+.3f}"
            f"{', underpowered' if held.gain.underpowered else ''}): {held.gain.verdict}",
            soft_wrap=True,
        )
    table = Table(box=None, pad_edge=False)
    for column in ("", "model", "answers", "tokens", "ended itself", "leaks", "degenerate", "clichés"):
        table.add_column(column, justify="left" if column in ("", "model") else "right")
    for row in evaluation.categories:
        table.add_row(
            row.title, row.model, str(row.answers), f"{row.tokens:.0f}", f"{row.stops.get('end', 0):.0%}",
            str(row.leaks_clean), f"{row.degenerate:.0%}", f"{row.cliche:.0%}",
        )  # fmt: skip
    screen.print(table)
    for speed in evaluation.speeds:
        first = f"first token {speed.first_token_seconds:.2f} s"
        screen.print(f"alone, {speed.model}: {speed.seconds:.1f} s an answer, {speed.tokens_per_second:.0f} tok/s, {first}")
    screen.print(f"evaluated in {duration(evaluation.seconds)}")
