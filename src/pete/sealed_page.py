"""One HTML file with its data inside: its script runs only unaltered, and no text can end the element it stands in."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

HEAD = Path(__file__).with_suffix(".html")
"""How such pages begin, up to their title: what may run in them, and where."""
STYLE = Path(__file__).with_suffix(".css")
"""What such pages look like, by day and by night; a template adds its own below {{ STYLE }}."""
SCRIPT = Path(__file__).with_suffix(".js")
"""What such pages do alike: turn from section to section, remember in the browser, give out a result; the rest is below {{ SCRIPT }}."""


def seal(template: str, content: Any) -> str:
    """A page out of a template that begins with {{ HEAD }}, and has one `<script>` and a place for JSON ({{ CONTENT }})."""
    page = template
    for name, part in (("HEAD", HEAD), ("STYLE", STYLE), ("SCRIPT", SCRIPT)):
        page = page.replace(f"{{{{ {name} }}}}", part.read_text(encoding="utf-8"))
    script = page.partition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    data = json.dumps(content).replace("<", "\\u003c")
    return page.replace("{{ SCRIPT_HASH }}", f"sha256-{digest}").replace("{{ CONTENT }}", data)
