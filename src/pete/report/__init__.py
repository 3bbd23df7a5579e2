"""report.html and report.md from what is in a run folder; nothing is computed by a model here."""

from collections.abc import Sequence
from pathlib import Path

from pete.report.beside import make_comparison
from pete.report.blocks import Page
from pete.report.html import to_html
from pete.report.markdown import to_markdown
from pete.report.model import ReportData, read_report
from pete.report.page import make_page
from pete.run import RunDir, write_atomic


def write_report(run: RunDir) -> ReportData:
    """Write both reports, each whole or not at all, and return what they say.

    Raises:
        UserError: config.toml, adapter/pete.json or the newest evaluation is there and cannot be read.
    """
    data = read_report(run)
    _write(make_page(data), run.report_html, run.report_md, run)
    return data


def write_comparison(runs: Sequence[RunDir], folder: Path) -> tuple[Path, Path]:
    """Write compare.html and compare.md into a folder: the runs side by side, the others against the first.

    Raises:
        UserError: the runs cannot be compared, or one of them cannot be read.
    """
    page = make_comparison([read_report(run) for run in runs])
    html, markdown = folder / "compare.html", folder / "compare.md"
    _write(page, html, markdown, runs[0])
    return html, markdown


def _write(page: Page, html: Path, markdown: Path, run: RunDir) -> None:
    for path, text in ((html, run.without_places(to_html(page))), (markdown, run.without_places(to_markdown(page)))):
        # half a surrogate pair in a log must not cost the report
        write_atomic(path, text.encode("utf-8", "replace"))
