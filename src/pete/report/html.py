"""report.html: one file that opens anywhere, asks nobody for anything, and runs no script."""

from pathlib import Path

from pete.report import content
from pete.report.charts import gain_chart, loss_chart, pulse_chart
from pete.report.model import ReportData

TEMPLATE = Path(__file__).with_name("template.html.jinja")
OPEN_PROMPTS = 4
"""Prompts of a category that are shown at once; the others are one click away."""


def to_html(data: ReportData) -> str:
    """The whole report. Everything is escaped but the charts, which matplotlib escapes itself."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        data=data,
        content=content,
        evaluation=data.evaluation,
        groups=data.evaluation.by_prompt_category() if data.evaluation else (),
        open_prompts=OPEN_PROMPTS,
        loss=loss_chart(data.training),
        pulse=pulse_chart(data.training),
        gain=gain_chart(data.evaluation) if data.evaluation else None,
    )
