"""pete report: report.md and report.html from what is in the run folder."""

from pathlib import Path
from typing import Annotated

import typer

from pete.cli.console import as_path, console


def report(
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]...", help="run folder, or a name below runs/; nothing means the newest")
    ] = None,
    compare: Annotated[bool, typer.Option("--compare", help="put several runs side by side, the others against the first")] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", parser=as_path, help="where compare.html and compare.md go; the first run's folder unless given"),
    ] = None,
) -> None:
    """Write report.md and report.html, or compare.md and compare.html of several runs; nothing is computed again."""
    from pete.app.report import report as write

    console().print("\n".join(map(str, write(runs or [], compare, out))), soft_wrap=True)
