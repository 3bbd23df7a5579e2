"""Drafts are put before base and tuned beside the prompts, and scored with what else could have been given for them."""

import json
from pathlib import Path

import pytest

from pete.evaluate.gates import judge
from pete.evaluate.log import read_log
from pete.evaluate.rewriting import NAMES, standings
from pete.evaluate.score import rescore
from pete.generate.rewrite.choose import STRENGTHS
from pete.run import RunDir
from tests.conftest import small_persona
from tests.pipeline.conftest import FAKE

THINGS = ("kettle", "ladder", "wagon", "parrot", "pillow", "bucket", "lantern", "candle", "hammer", "basket", "carpet", "mirror",
          "teapot", "saddle", "violin", "shovel", "blanket", "cupboard", "bookcase", "umbrella")  # fmt: skip


SENTENCES = (
    ("The driver will arrive on Tuesday at {n}:15.", "Tuesday, {n}:15: that's when the driver stands at your door."),
    ("The price of this item is {n}0 euros.", "It's {n}0 euros, and not a cent more."),
    ("A guarantee of {n} years applies to all parts.", "For {n} years every part of it is our problem."),
    ("Please do not leave it outside in the rain.", "Don't leave it out; rain is nobody's friend."),
    ("The workshop is closed on Monday.", "On Monday the workshop sleeps, and so do we."),
    ("Spare parts can be ordered by telephone.", "You'd like spare parts? Ring us."),
    ("The colour may differ slightly from the picture.", "The colour isn't quite that of the picture; cameras flatter."),
    ("We recommend cleaning it once a week with warm water.", "Warm water, once a week: it won't ask for more."),
    ("Returns are accepted within {n} weeks.", "You've {n} weeks to send it back."),
    ("The handle is made of beech wood from Denmark.", "Its handle was a beech once, in Denmark."),
    ("Our staff in Leeds will answer all questions by email.", "Ask Leeds by email; they've heard it all."),
    ("Assembly takes {n} minutes and requires no tools.", "You'll need {n} minutes and no tools at all."),
)


def said(number: int, thing: str, author: bool) -> str:
    chosen = [SENTENCES[(number * 5 + step * (1 + number // 12)) % len(SENTENCES)][author] for step in (0, 3, 7, 10, 1)]
    first = f"So, your {thing}." if author else f"This is information about the {thing} that was ordered."
    return " ".join([first, *chosen]).format(n=number + 2)


def draft(number: int, thing: str) -> str:
    return said(number, thing, False)


@pytest.fixture(scope="module")
def persona(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = small_persona(tmp_path_factory.mktemp("drafts") / "persona")
    for file in (folder / "examples").glob("*.jsonl"):
        file.unlink()
    rows, drafts, prompts = [], [], []
    for category in ("marketing", "copywriting"):
        for number, thing in enumerate(THINGS):
            key, topic = f"{category}-{number}", f"{category} {thing}"
            row = {"category": category, "topic": topic, "completion": said(number + 24 * (category == "marketing"), thing, True)}
            rows.append({"id": key, "prompt": f"Say when the {topic} comes.", **row})
            drafts.append({"id": f"{key}-draft", "task": "rewrite", "draft_kind": "plain", "augmented_from": key,
                           "prompt": draft(number + 24 * (category == "marketing"), thing), **row})  # fmt: skip
        for number in range(3):
            one = {"kind": "plain", "text": draft(number + 30, f"{category} bicycle")}
            prompts.append({"id": f"{category}-ask-{number}", "category": category, "topic": f"{category} b{number}",
                            "prompt": f"Say when bicycle {number} comes.", "drafts": [one]})  # fmt: skip
    for name, lines in (("examples/rows", rows), ("examples/rewrite", drafts), ("prompts", prompts)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_rewriting_is_evaluated_beside_writing_and_scored_again_without_a_model(persona, pete, tmp_path):
    folder = tmp_path / "run"
    small = ("--set", "generate.max_new_tokens=40", "--set", "evaluate.samples=1")
    done = pete("train", "--persona", persona, "--out", folder, *FAKE, "--set", "train.epochs=1", "--set", "data.test_share=0.3")
    assert done.returncode == 0, done.stderr
    done = pete("evaluate", folder, "--json", *small)
    assert done.returncode in (1, 3), done.stderr
    document = json.loads(done.stdout)
    run = RunDir(folder)
    log = read_log(run.evaluation_file("rewrite"))
    assert document["rewriting"]["log"]["task"] == log.task == "rewrite" and document["log"]["task"] == "write"
    assert run.newest_evaluation() == run.evaluation_file("suite") and run.newest_evaluation("rewrite") == run.evaluation_file("rewrite")
    assert [p.draft_kind for p in log.prompts] == ["plain"] * 6 and log.prompts[0].prompt == draft(30, "marketing bicycle")
    assert log.neutral == [] and log.held_out and all(s.recovered_nats and s.draft_nats for s in log.samples if s.text.strip())
    assert all("meaning.says" in row.scores for row in log.held_out) and any("kept.facts" in row.scores for row in log.held_out)
    assert set(log.beside) == {"draft", "examples", "drawn", "guarded", "author_guarded"}
    assert len(log.beside["guarded"]) == 6 and len(log.beside["drawn"]) == (2 * STRENGTHS["normal"].draws - 1) * 6
    own = {one.name: one for one in standings(log)}
    his = ["the author, on other drafts", NAMES["author_guarded"]]
    assert list(own) == [NAMES["draft"], "base", NAMES["examples"], "tuned", NAMES["guarded"], *his]
    assert own[his[0]].answers == own[his[1]].answers == len(log.held_out) and own[his[1]].says == 1
    kept = own[NAMES["draft"]]
    assert kept.facts == kept.says == kept.left == 1 and kept.voice == 0 and kept.beats is not None and kept.beats.hits == 0
    assert (own["tuned"].facts or 0) < 0.5 and own[NAMES["guarded"]].says == 1, "what the fake model says is nothing the draft says"
    assert {one["name"] for one in document["rewriting"]["beside"]} == set(own)
    judged = {o.gate.name: o.state for o in judge(log).outcomes}
    assert {"gain", "voice", "kept", "added", "meaning", "change", "degenerate", "leaks"} <= set(judged)
    assert not {"relevance", "echo", "formatting", "selectivity"} & set(judged)
    assert judge(log).of("failed"), "what it says is nothing the draft says"
    (run.adapter / "adapter_model.safetensors").unlink()
    assert rescore(log, run) == log
    again = pete("evaluate", folder, "--rescore", "--task", "rewrite")
    assert again.returncode == 1 and "rewriting drafts:" in again.stdout and NAMES["guarded"][:5] in again.stdout, again.stderr
    assert pete("report", folder).returncode == 0
    page = (folder / "report.md").read_text()
    assert "## Rewriting" in page and "the draft as it is" in page and "Drafts, and what became of them" in page


def test_a_run_without_drafts_is_asked_to_write_alone(pete, tmp_path):
    folder, persona = tmp_path / "run", small_persona(tmp_path / "persona")
    assert pete("train", "--persona", persona, "--out", folder, *FAKE, "--set", "train.steps=4").returncode == 0
    small = ("--set", "generate.max_new_tokens=5", "--set", "evaluate.samples=1")
    refused = pete("evaluate", folder, "--task", "rewrite", *small)
    assert refused.returncode == 2 and "No evaluation prompt has a draft" in refused.stderr
    assert pete("evaluate", folder, *small).returncode in (1, 3)
    assert not RunDir(folder).evaluation_file("rewrite").exists()
