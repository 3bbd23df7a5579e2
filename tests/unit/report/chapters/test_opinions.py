import json

from pete.evaluate.judge.conclusion import JudgeResult
from pete.report.blocks import Table, Text
from pete.report.chapters.opinions import opinions
from pete.report.model import read_report
from tests.unit.report.conftest import MakeRun, evaluation


def test_nobody_was_asked(make_run: MakeRun):
    assert not list(opinions(read_report(make_run(log=evaluation()))))


def test_people_and_a_judge_each_have_a_section(make_run: MakeRun):
    judge = JudgeResult(created="", url="https://j.example/v1", model="wise", conclusion="no conclusion", reason="it sways")
    run = make_run(log=evaluation(judge=judge.model_dump()))
    for name, choices in (("blind-1", "aaaaaaa"), ("blind-2", "=s")):
        pairs = [{"prompt_id": f"p{n}", "number": 0, "a": "tuned", "choice": choice} for n, choice in enumerate(choices)]
        facts = {"run": "r", "evaluation": "suite.json", "answers": "", "seed": "1", "pairs": pairs}
        run.evaluation_file(name).write_text(json.dumps(facts))
    blind, judged = opinions(read_report(run))
    (table,) = blind.blocks
    assert isinstance(table, Table)
    assert {row[0]: (row[1:5], row[6]) for row in table.rows} == {
        "evaluations/blind-1.json": (("7", "0", "0", "100%"), "tuned"),
        "evaluations/blind-2.json": (("0", "0", "1", ""), "no significant difference"),
    }
    first = judged.blocks[0]
    assert isinstance(first, Text) and first.text == "Judge wise at https://j.example/v1: no conclusion (it sways)."
