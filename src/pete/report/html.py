"""report.html: one file that opens anywhere, asks nobody for anything, and runs no script."""

import re
from pathlib import Path

from pete.report.blocks import Chart, Page
from pete.report.charts import WIDTHS

HERE = Path(__file__).parent


def to_html(page: Page) -> str:
    """The whole page. Everything is escaped but the charts, which escape their own texts."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    template = environment.from_string((HERE / "template.html.jinja").read_text(encoding="utf-8"))
    style = (HERE / "style.css").read_text(encoding="utf-8")
    return template.render(page=page, style=style, anchor=_anchor, draw=_draw)


def _draw(chart: Chart, width: str) -> str:
    from markupsafe import Markup

    return Markup(chart.draw(WIDTHS[width], chart.text))


def _anchor(title: str) -> str:
    return re.sub(r"\W+", "-", title.lower()).strip("-")
