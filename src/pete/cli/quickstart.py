"""pete quickstart: the whole pipeline, top to bottom."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pete.cli.console import as_path, as_typed, console
from pete.words import duration

if TYPE_CHECKING:
    from rich.console import Console

    from pete.app.quickstart import QuickstartResult

LONGEST = 280
"""Characters of an answer that are shown; the report has all of it."""
COLOURS = {"good": "bold green", "bad": "bold red", "open": "bold yellow"}


def quickstart(
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", parser=as_path, help="run folder; runs/<date>-quickstart unless given")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="another seed, another order and another start")] = 0,
    steps: Annotated[int | None, typer.Option(min=1, help="train this many steps instead of the preset's epochs")] = None,
) -> None:
    """Teach the embedded base the bundled voice: minutes, offline, nothing to set."""
    from pete.app.quickstart import quickstart as run
    from pete.cli.notify import ScreenNotify
    from pete.train.signals import StopSignal

    screen = console(work=True)
    with ScreenNotify(screen) as notify:
        started = run(notify, StopSignal(), out, seed, steps)
    show(screen, started)


def show(screen: "Console", started: "QuickstartResult") -> None:
    """One screen: the verdict, four numbers with their meaning, two pairs of answers, where everything is, and what to do next."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    first, run = started.headline, started.run
    screen.print()
    screen.print(Text.assemble((f"{first.word}. ", COLOURS[first.tone]), first.sentence), end="\n\n")
    numbers = Table.grid(padding=(0, 2))
    numbers.add_column(justify="right", style="bold", no_wrap=True)
    numbers.add_column()
    for card in first.numbers:
        numbers.add_row(Text(card.value), Text(card.meaning))
    screen.print(numbers)
    for asked in first.answers:
        screen.print(Text.assemble("\n", (asked.prompt, "bold")))
        for answer in asked.rows[0]:
            text = " ".join(answer.sample.text.split()) if answer.sample else ""
            short = f"{text[:LONGEST].rsplit(' ', 1)[0]} ..." if len(text) > LONGEST else text or "(nothing)"
            screen.print(Padding(Text.assemble((f"{answer.name}: ", "dim"), short), (0, 0, 0, 2)))
    screen.print()
    for name, value in (
        ("report", run.report_html),
        ("adapter", run.adapter),
        ("talk to it", as_typed(f"pete chat {run.cli_argument}")),
        ("ask everything", as_typed(f"pete evaluate {run.cli_argument}")),
        ("your own voice", as_typed("pete persona new NAME --from YOUR-WRITING")),
    ):
        screen.print(Text.assemble((f"{name:15} ", "dim"), str(value)), soft_wrap=True)
    screen.print(f"done in {duration(started.seconds)}", style="dim")
