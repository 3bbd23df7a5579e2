"""Nothing is tied to the persona that ships first: another one, with categories of its own, by name, from check to report."""

import json
import re

from tests.pipeline.conftest import FAKE

TITLES = ("Delivery", "Bills and refunds", "People who need more care")
OURS = re.compile(r"(?:launchers|scripts)/\S+")
"""Names of launchers, which are the original's."""


def test_another_voice_from_check_to_report(pete, tmp_path):
    run = tmp_path / "run"
    checked = pete("data", "check", "--persona", "tilda-moss", "--json")
    assert checked.returncode == 0 and json.loads(checked.stdout)["categories"] == {"billing": 20, "care": 20, "delivery": 20}
    trained = pete("train", "--persona", "tilda-moss", "--out", run, *FAKE, "--set", "train.steps=20", "--set", "optim.learning_rate=0.05")
    assert trained.returncode == 0, trained.stderr
    evaluated = pete("evaluate", run, "--samples", 1, "--json", "--set", "generate.max_new_tokens=8")
    assert evaluated.returncode in (1, 3), evaluated.stderr
    log = json.loads(evaluated.stdout)["log"]
    assert log["categories"] == {"delivery": TITLES[0], "billing": TITLES[1], "care": TITLES[2]} and len(log["prompts"]) == 18
    assert pete("report", run).returncode == 0
    report = (run / "report.md").read_text(encoding="utf-8")
    assert report.startswith("# Tilda Moss on") and all(title in report for title in TITLES)
    text = OURS.sub("", report.replace("\\", ""))
    assert not re.search(r"connor|marketing|copywriting|satir", text, re.IGNORECASE)
