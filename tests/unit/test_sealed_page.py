import base64
import hashlib
import json
import re

from hypothesis import given
from hypothesis import strategies as st

from pete.sealed_page import HEAD, seal

SOURCE = HEAD.parent
TEMPLATE = (
    "{{ HEAD }}<title>A page</title></head>"
    '<script type="application/json">{{ CONTENT }}</script>\n<script>\n{{ SCRIPT }}let x = 1;\n</script>'
)


@given(st.text(), st.text())
def test_whatever_the_data_says_it_stays_data(key, value):
    page = seal(TEMPLATE, {key: [value, "</script><script>alert(1)</script>", "{{ SCRIPT_HASH }}"]})
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == 2 and json.loads(scripts[0])[key][0] == value
    digest = base64.b64encode(hashlib.sha256(scripts[1].encode()).digest()).decode()
    assert page.startswith("<!doctype html>") and f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in page


def test_every_page_begins_with_the_one_head():
    pages = [path for path in SOURCE.rglob("*.html") if path != HEAD]
    assert len(pages) >= 3
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert text.startswith("{{ HEAD }}<title>") and "<meta" not in text, path
