"""The chapter "Tools and Resources": the commands for this run, and the launchers and scripts that do the same."""

from pete.report import original
from pete.report.blocks import Section, Table
from pete.report.model import ReportData
from pete.resources import PROJECT


def tools(data: ReportData) -> Section:
    """The chapter."""
    rows = tuple(
        (
            what,
            f"pete {verb} {data.run.cli_argument}".strip() if verb != "train" else "pete train",
            *(_here(folder, name) for folder, name in files),
        )
        for what, verb, *files in original.TOOLS
    )
    return Section("Tools and Resources", (Table(("To do", "Command", "Desktop launcher", "Script"), rows, words=True),))


def _here(folder: str, name: str) -> str:
    return f"{folder}/{name}" if name and (PROJECT / folder / name).is_file() else ""
