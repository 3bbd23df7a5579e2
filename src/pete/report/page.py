"""The report of one run: what stands first, then its chapters; html and markdown say the same because both lay out this."""

from collections.abc import Callable

from pete.report.blocks import Page, Section
from pete.report.chapters.exports import exports
from pete.report.chapters.how_to_read import how_to_read
from pete.report.chapters.next_steps import next_steps
from pete.report.chapters.process import process
from pete.report.chapters.rewriting import rewriting
from pete.report.chapters.run_facts import run_facts
from pete.report.chapters.tools import tools
from pete.report.model import ReportData
from pete.report.results import evaluation
from pete.report.summary import summary

CHAPTERS: tuple[Callable[[ReportData], Section | None], ...] = (
    evaluation,
    rewriting,
    next_steps,
    process,
    exports,
    tools,
    run_facts,
    how_to_read,
)
"""In the order of the page; each has a file of its own. One that has nothing to say gives None."""


def make_page(data: ReportData) -> Page:
    """Verdict first, then what it rests on, then how it came about."""
    chapters = (chapter(data) for chapter in CHAPTERS)
    title = f"{data.voice} on {data.base}: {data.run.name}"
    return Page(title, (Section("Executive Summary", summary(data)),), tuple(c for c in chapters if c is not None))
