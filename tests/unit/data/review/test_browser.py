"""The review's page in a real browser: clicked through and read back, silent, and no wider than a phone."""

import json
import os
from pathlib import Path

import pytest

from pete.data.review.page import make_page, read_result
from tests.unit.data.review.test_record import opened, persona
from tests.unit.evaluate.blind.test_browser import HOSTILE, NO_BROWSER, drive
from tests.unit.report.test_browser import CHROMIUM, PHONE, Proxy, proxy

__all__ = ["persona", "proxy"]
pytestmark = pytest.mark.skipif(CHROMIUM is None and "PETE_NO_SKIP" not in os.environ, reason=NO_BROWSER)

SCRIPT = """async ({ d, at, press, said, wait }) => {
  const shown = () => [at("prompt").textContent, at("text").textContent];
  at("start").click();
  press("a");  // too early
  await wait(300); said.pairs.push(shown()); said.wide.push(d.documentElement.scrollWidth);
  press("a"); await wait(300); said.pairs.push(shown());
  press("b"); await wait(300); said.pairs.push(shown());
  press("a"); await wait(300);
  press("e"); at("prompt-edit").value = "  "; press("r"); at("save-edit").click(); said.problem = at("problem").textContent;
  at("prompt-edit").value = "Edited here."; at("save-edit").click(); await wait(300);
  press("b"); await wait(300); press("a"); await wait(300);
  press("r"); press("r"); await wait(300); press("q");
}"""


def test_a_session_comes_back_and_no_text_is_changed_by_being_shown(persona, proxy: Proxy, tmp_path: Path):
    file = persona.examples[0]
    records = [json.loads(line) for line in file.read_text().splitlines()]
    for record in records:
        if "completion" in record:
            record |= {"prompt": f"{HOSTILE} {'W' * 200}", "completion": f"{record['completion']}\r\n\r\n  {HOSTILE}\ttab "}
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    page = tmp_path / "review.html"
    session = opened(persona)
    page.write_text(make_page(session), encoding="utf-8")
    (said,) = drive(page, proxy, tmp_path, SCRIPT)
    assert "error" not in said, said
    rows = session.left
    assert said["pairs"][0] == [rows[0].prompt, rows[0].completion] == said["pairs"][2] and said["pairs"][1][1] == rows[1].completion
    assert "A prompt and a text are needed" in said["problem"] and max(said["wide"]) <= PHONE
    assert said["title"] == "Review of pairs" and said["images"] == 0 and "1 of 3 right as they are, 1 edited, 1 rejected" in said["text"]
    assert not [line for line in proxy.asked if "google" not in line]
    back = tmp_path / "pete-review.json"
    back.write_text(said["result"], encoding="utf-8")
    assert read_result(opened(persona), back) == (3, 0)
    after = {record.get("id"): record for record in map(json.loads, file.read_text().splitlines())}
    verdicts = [decision.verdict for decision in opened(persona).decided]
    assert verdicts == ["accept", "edit", "reject"]
    if not rows[1].messages:
        assert after[rows[1].id]["prompt"] == "Edited here." and after[rows[1].id]["completion"] == rows[1].completion
