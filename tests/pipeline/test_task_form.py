"""The benchmark of forms of task through the real command line, on the fake engine."""

import json
from pathlib import Path

from benchmarks.task_form import main, on_one_ruler
from benchmarks.task_form import table as form_table
from pete.evaluate.log import read_log
from pete.evaluate.score import read_material
from pete.run import RunDir
from tests.conftest import small_persona
from tests.pipeline.conftest import FAKE

SETS = (*FAKE[1:-4:2], "train.accumulation=1", "evaluate.samples=1", "generate.max_new_tokens=30")


def with_drafts(folder: Path) -> Path:
    """The small persona with a draft of every marketing text, and of an answer of the evaluation."""
    persona = small_persona(folder)
    texts = [json.loads(line) for line in (persona / "examples" / "marketing.jsonl").read_text().splitlines()]
    drafts = [
        {**row, "task": "rewrite", "prompt": f"Thing {i}, which is of the marketing sort, has been described as being plain.",
         "draft_kind": ("plain", "notes")[i % 2], "augmented_from": f"m{i}"}
        for i, row in enumerate(texts)
    ]  # fmt: skip
    for name, rows in (("marketing", [{"id": f"m{i}", **row} for i, row in enumerate(texts)]), ("rewrite", drafts)):
        (persona / "examples" / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    first, *others = (persona / "prompts.jsonl").read_text().splitlines()
    held_out = {**json.loads(first), "drafts": [{"kind": "plain", "text": "The thing has been described as being plain."}]}
    (persona / "prompts.jsonl").write_text("\n".join([json.dumps(held_out), *others]) + "\n")
    return persona


def test_forms_see_as_many_tokens_and_both_tasks_are_told(pete, tmp_path: Path, capsys):
    persona, out = with_drafts(tmp_path / "ada"), tmp_path / "out"
    asked: list[tuple[str, ...]] = []

    def run(*args: str) -> int:
        asked.append(args)
        return pete(*args).returncode

    words = ["--persona", str(persona), "--out", str(out), "--steps", "12", "--seeds", "0", "--forms", "write", "rewrite",
             *(f"--set={value}" for value in SETS)]  # fmt: skip
    main(words, run)
    said = capsys.readouterr().out
    plan = json.loads(said.splitlines()[0])
    tokens = {form: plan["steps"][form] * plan["tokens a row"][form] for form in ("write", "rewrite")}
    assert plan["steps"]["rewrite"] < plan["steps"]["write"] == 12, "a draft is read along with its text"
    assert abs(tokens["rewrite"] - tokens["write"]) <= plan["tokens a row"]["rewrite"] / 2
    assert [args[0] for args in asked] == ["train", "evaluate", "evaluate"] * 3
    for form, share in (("write", 0), ("rewrite", 1)):
        trained = [json.loads(line) for line in (out / f"{form}-seed0" / "data" / "train.jsonl").read_text().splitlines()]
        assert {row.get("task", "write") for row in trained} >= {form} and (share or all("task" not in row for row in trained))
        assert (out / f"{form}-seed0" / "evaluations" / "rewrite.json").is_file()
    table = (out / "task_form.md").read_text()
    assert table in said and [line for line in table.splitlines() if "examples" in line] == [
        f"| {task} | base | 3 examples | write | rewrite | author |" for task in ("write", "rewrite")
    ]
    log = read_log(out / "write-seed0" / "evaluations" / "rewrite.json")
    alone = log.model_copy(update={"held_out": [], "measures": {}})
    (scored,) = on_one_ruler([alone], read_material(RunDir(out / "rewrite-seed0")), log.held_out)
    assert len(scored.held_out) == len(log.held_out) and scored.samples == log.samples
    other = [row.model_copy(update={"base_nats": 9 * row.base_nats}) for row in log.held_out]
    tables = [
        form_table("rewrite", {"write": [log], "continue": [one]}, log, log) for one in (log, log.model_copy(update={"held_out": other}))
    ]
    first, second = (next(line for line in table.splitlines() if "held-out gain" in line).split(" | ")[1] for table in tables)
    assert first == second, "the base is the one of the first form, whatever texts another form holds out"
    rows = [line.split(" | ") for line in form_table("rewrite", {"write": [log], "continue": [scored]}, log, log).splitlines()]
    (gain,) = [row for row in rows if "held-out gain" in row[0]]
    assert gain[3] and not gain[4], "of a form that kept no draft of its own texts their likelihood is not known"
    asked.clear()
    main(words, run)
    assert not asked and (out / "task_form.md").read_text() == table, "what is there is not made again"
