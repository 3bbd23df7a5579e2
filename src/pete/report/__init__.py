"""report.html and report.md from what is in a run folder; nothing is computed by a model here."""

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
    page = make_page(data)
    for path, text in ((run.report_html, to_html(page)), (run.report_md, to_markdown(page))):
        # half a surrogate pair in a log must not cost the report
        write_atomic(path, text.encode("utf-8", "replace"))
    return data
