"""Report: one run's report, or several runs side by side, from what is in their folders; nothing is computed again."""

from collections.abc import Sequence
from pathlib import Path

from pete.errors import UserError
from pete.report import write_comparison, write_report
from pete.run import RunDir


def report(names: Sequence[str], compare: bool = False, out: Path | None = None) -> tuple[Path, ...]:
    """Write report.html and report.md of a run (the newest where none is named), or compare.html and compare.md of several.

    Raises:
        UserError: what is asked for does not go together. RunError: there is no such run, or it is read-only.
    """
    if not compare and len(names) > 1:
        raise UserError(f"One run makes one report; found {len(names)}.", f"side by side: pete report --compare {' '.join(names)}")
    if not compare and out is not None:
        raise UserError("--out belongs to --compare: a run's report stands in its own folder.", "leave out --out")
    runs = [RunDir.find(name) for name in names or [None]]
    if compare:
        return tuple(write_comparison(runs, out or runs[0].folder))
    runs[0].require_writable()
    write_report(runs[0])
    return runs[0].report_html, runs[0].report_md
