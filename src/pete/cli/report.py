"""pete report: report.md and report.html from what is in the run folder."""

from pete.cli.console import RunArgument, console


def report(run: RunArgument = None) -> None:
    """Write report.md and report.html; nothing is computed again."""
    from pete.report import write_report
    from pete.run import RunDir

    folder = RunDir.find(run)
    write_report(folder)
    console().print(f"{folder.report_html}\n{folder.report_md}", soft_wrap=True, markup=False)
