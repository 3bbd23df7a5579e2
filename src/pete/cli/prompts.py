"""pete prompts: how a request is best put before a trained model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pete.cli.console import JsonOption, RunArgument, SetOption, as_path, as_typed, console, print_json
from pete.cli.listing import Listing
from pete.words import duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console
    from rich.table import Table

    from pete.evaluate.prompt_formats.trial import Trial, Tried
    from pete.evaluate.results import Measure
    from pete.run import RunDir

app = typer.Typer(
    cls=Listing, help="Prompt formats: find the one that a trained model answers best.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def prompts() -> None:
    """A group with one verb stays a group."""


@app.command("try")
def try_(
    run: RunArgument = None,
    suite: Annotated[
        Path | None, typer.Option(metavar="FILE", parser=as_path, help="your own prompts, JSONL; the run's held-out ones unless given")
    ] = None,
    samples: Annotated[int, typer.Option(min=1, help="answers a prompt and format")] = 2,
    write: Annotated[
        bool, typer.Option("--write/--no-write", help="write the chosen format into the persona and the run's adapter")
    ] = True,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Compare system lines, examples, hints and templates on half of the prompts; keep the one that is surely better."""
    from pete.app.prompts import try_prompt_formats
    from pete.cli.notify import ScreenNotify
    from pete.run import RunDir

    folder = RunDir.find(run)
    screen = console(quiet=json, work=True)
    with ScreenNotify(screen) as notify:
        trial = try_prompt_formats(folder, notify, suite=suite, samples=samples, write=write, overrides=set_ or ())
    if json:
        print_json(trial.model_dump(mode="json"))
    else:
        _show(screen, folder, trial)


def _show(screen: "Console", run: "RunDir", trial: "Trial") -> None:
    from rich.table import Table
    from rich.text import Text

    from pete.evaluate.stats import FEW

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("format", "voice", "rules kept", "relevance", "verdict"):
        table.add_column(title, justify="left" if title in ("format", "verdict") else "right", no_wrap=title != "verdict")
    for tried in trial.tried:
        style = "bold green" if tried.name == trial.chosen else ""
        table.add_row(tried.title, *_cells(trial, tried), Text(tried.verdict or "compared with"), style=style)
    screen.print(table)
    few = f" (under {FEW}: only a large difference shows)" if len(trial.development) < FEW else ""
    screen.print(
        f"\nFirst row: how it is. Below: the difference, and half the width of its 95% interval; {len(trial.development)} prompts, "
        f"{trial.samples} answer{'s' if trial.samples > 1 else ''} each{few}.",
        style="dim",
    )
    for title, why in trial.skipped.items():
        screen.print(f"not tried: {title} ({why})", style="dim")
    for note in trial.notes:
        screen.print(note, style="yellow")
    _conclude(screen, run, trial)


def _cells(trial: "Trial", tried: "Tried") -> list[str]:
    """Voice, rules kept and relevance: of a candidate the difference, of the control its own level by any comparison that has it."""
    from pete.evaluate.prompt_formats.candidates import KEPT, RELEVANCE, VOICE

    cells = []
    for key in (VOICE, KEPT, RELEVANCE):
        unit = ".0%" if key == KEPT else ".2f"
        if tried.measures:
            change = tried.measures[key].change if key in tried.measures else None
            cells.append(f"{change.mean:+{unit}} \u00b1{(change.high - change.low) / 2:{unit}}" if change else "unknown")
        else:
            level = next((other.measures[key].base for other in trial.tried if key in other.measures), None)
            cells.append("" if level is None else f"{level:{unit}}")
    return cells


def _conclude(screen: "Console", run: "RunDir", trial: "Trial") -> None:
    from rich.text import Text

    winner = trial.winner
    compared = f" ({len(trial.tried) - 1} compared, Holm's correction over all of them.)"
    screen.print()
    if winner is None:
        screen.print(Text.assemble(("No format is significantly better: nothing changed.", "bold"), compared))
    else:
        screen.print(Text.assemble((f"Best: {winner.title}.", "bold"), compared))
        screen.print(f"On {len(trial.unseen)} prompts it was not chosen by:")
        screen.print(_unseen(trial.confirmed))
        if trial.refuted:
            screen.print("Worse there, so it was not written: nothing changed.", style="bold")
        elif trial.written:
            where = f" as [prompt_format] into {trial.written[0]}\nand into {trial.written[1]}"
            screen.print(Text.assemble(("Written", "bold"), where), soft_wrap=True)
            screen.print(as_typed(f"what it does to the whole picture: pete evaluate {run.cli_argument}"), soft_wrap=True)
        else:
            screen.print("Not written, as asked.")
    screen.print(f"{run.prompts_trial}", soft_wrap=True)
    screen.print(f"tried in {duration(trial.seconds)}", style="dim")


def _unseen(changes: "Mapping[str, Measure]") -> "Table":
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for number in range(5):
        table.add_column(no_wrap=number < 4, justify="right" if number == 2 else "left")
    for measure in changes.values():
        form = ".0%" if measure.unit.startswith("share") else ".2f"
        change = measure.change
        table.add_row(
            measure.title,
            f"{measure.base:{form}} -> {measure.tuned:{form}}",
            f"{change.mean:+{form}}",
            f"{change.low:+{form}} to {change.high:+{form}}",
            measure.verdict,
        )
    return table
