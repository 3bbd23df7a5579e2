import json
import os
import re
import subprocess
import sys

from pete.evaluate.blind.record import interval
from pete.report import write_report
from pete.report.numbers import percent
from tests.unit.report.conftest import MakeRun, evaluation, held_out, sample
from tests.unit.report.test_html import parse


def test_two_renderings_are_the_same_bytes(make_run: MakeRun):
    run = make_run(log=evaluation([held_out(100, 80 + n, topic=f"t{n}") for n in range(22)], [sample("tuned", "a", "Plain.")]))
    seen = []
    for _ in range(2):
        write_report(run)
        seen.append((run.report_html.read_bytes(), run.report_md.read_bytes()))
    assert seen[0] == seen[1]


def test_without_an_evaluation_only_the_training_is_shown(make_run: MakeRun):
    run = make_run()
    data = write_report(run)
    assert data.evaluation is None
    for text in (run.report_html.read_text(encoding="utf-8"), run.report_md.read_text(encoding="utf-8")):
        assert "Not evaluated yet" in text and "No evaluation has been made yet" in text and "pete evaluate" in text
        assert "4.000 to 2.500 nats a token" in text and "Answers, base" not in text and "Speed</h2>" not in text


def test_before_the_first_event(make_run: MakeRun):
    run = make_run(events=())
    data = write_report(run)
    assert "Nothing has been trained yet" in run.report_html.read_text(encoding="utf-8")
    assert not data.findings and data.training.last_step == 0
    parse(run.report_html.read_text(encoding="utf-8"))


def test_a_bare_folder_with_a_configuration_is_enough(make_run: MakeRun):
    run = make_run(events=())
    run.manifest_file.write_text("{half")
    for path in run.adapter.iterdir():
        path.unlink()
    assert write_report(run).dataset is None


def test_the_lead_and_the_facts_carry_the_numbers(make_run: MakeRun):
    run = make_run(log=evaluation([held_out(138.63, 110.9, topic=f"t{n}") for n in range(21)]), overrides=["lora.rank=8"])
    write_report(run)
    for text in (run.report_html.read_text(encoding="utf-8"), run.report_md.read_text(encoding="utf-8")):
        assert "After 10 steps of training on 40 examples" in text
        assert "needs 1.60 bits for each byte" in text and "needed 2.00" in text and "20% fewer" in text
        assert "5.00% of all parameters: 50 of 1,000" in text and "40 train, 5 valid, 5 test" in text and "rev1" in text
        assert "3 to 5" in text and "10 to 20" in text and "4 to 6" in text, "the original report's figures"
        rank = re.search(r"\| Rank \(r\) \| 8 \| 16 \|", text) or re.search(r"Rank \(r\)</th><td[^>]*>8</td><td[^>]*>16<", text)
        assert "--set" in text and rank


def test_what_people_preferred_is_shown(make_run: MakeRun):
    run = make_run(log=evaluation(samples=[sample("tuned", "a", "Plain.")]))
    said = run.evaluations / "blind-ada.json"
    judged = [{"prompt_id": f"p{n}", "number": 0, "a": "tuned", "choice": c} for n, c in enumerate("a" * 15 + "bbb==")]
    said.write_text(json.dumps({"run": "r", "evaluation": "suite.json", "answers": "", "seed": "1", "sitting": "old", "pairs": judged}))
    os.utime(said, (1, 1))  # the evaluation is the newest
    (run.evaluations / "blind-half.json").write_text('{"wins": 1')
    os.utime(run.evaluations / "blind-half.json", (1, 1))
    write_report(run)
    for text in (run.report_html.read_text(encoding="utf-8"), run.report_md.read_text(encoding="utf-8")):
        assert "Blind test" in text and " to ".join(map(percent, interval(15, 3))) in text and "83%" in text and "blind-half" not in text


def test_importing_the_report_does_not_import_the_template_engine():
    code = "import sys, pete.report; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(filter(None, sys.path))}, check=False).returncode == 0
