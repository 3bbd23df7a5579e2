"""pete report: report.md and report.html from what is in the run folder."""

from pathlib import Path
from typing import Annotated

import typer

from pete.cli.console import as_path, console
from pete.errors import UserError


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
    from pete.report import write_comparison, write_report
    from pete.run import RunDir

    if not compare and len(runs or ()) > 1:
        raise UserError(
            f"One run makes one report; found {len(runs or ())}.", f"side by side: pete report --compare {' '.join(runs or ())}"
        )
    if not compare and out is not None:
        raise UserError("--out belongs to --compare: a run's report stands in its own folder.", "leave out --out")
    folders = [RunDir.find(run) for run in runs or [None]]
    if compare:
        written = write_comparison(folders, out or folders[0].folder)
    else:
        folders[0].require_writable()
        write_report(folders[0])
        written = (folders[0].report_html, folders[0].report_md)
    console().print("\n".join(map(str, written)), soft_wrap=True, markup=False)
