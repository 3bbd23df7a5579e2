"""pete evaluate with everything that hangs on it: verdict and exit code, samples, scoring again, another run, a judge, the page."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from pete.evaluate.log import read_log
from pete.run import RunDir
from tests.fake_judge import FakeJudge, says, serve
from tests.pipeline.conftest import FAKE

SHORT = ["--set", "generate.max_new_tokens=15"]
SECRET = "sk-canary-2718281828459045"


def train(pete, persona_folder, folder, *more):
    done = pete("train", "--persona", persona_folder, "--out", folder, *FAKE, "--set", "train.epochs=3", *more)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def trained(once):
    pete, place = once
    return train(pete, place / "persona", place / "a run")


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "a run")


def one_sample(pete, run):
    """The document of an evaluation that asks every prompt once."""
    done = pete("evaluate", run, "--json", "--samples", 1, *SHORT)
    assert done.returncode in (1, 3), done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def asked_once(once, trained):
    run = shutil.copytree(trained, once[1] / "evaluated")
    return run, one_sample(once[0], run)


@pytest.fixture
def evaluated(asked_once, tmp_path):
    run = shutil.copytree(asked_once[0], tmp_path / "a run")
    return run, asked_once[1] | {"file": str(RunDir(run).evaluation_file("suite"))}


@pytest.fixture(scope="module")
def judgeable(once):
    """A run with six unseen rows that are long enough to be spoiled (what a judge is examined with), evaluated; its document; the rows."""
    pete, place = once
    persona = shutil.copytree(place / "persona", place / "with long rows")
    rows = [
        {"prompt": f"Say {what}.", "topic": what, "category": "marketing", "split": "test", "completion":
         f"The {what} came in the morning and stayed, as such things do. Nobody had asked for {what}, and nobody sent it back again."}
        for what in ("rain", "post", "invoice", "piano", "cheese", "committee")
    ]  # fmt: skip
    (persona / "examples" / "long.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = train(pete, persona, place / "judged")
    return run, one_sample(pete, run), rows


@pytest.fixture
def to_judge(judgeable, tmp_path):
    run, document, rows = judgeable
    return shutil.copytree(run, tmp_path / "a run"), document, rows


def test_a_verdict_its_exit_code_and_three_answers_a_prompt(run, pete):
    done = pete("evaluate", run, *SHORT)
    log = read_log(RunDir(run).evaluation_file("suite"))
    assert {s.number for s in log.samples} == {0, 1, 2} and len(log.samples) == 2 * 6 * 3
    word = {1: "DON'T SHIP", 3: "NOT ENOUGH EVIDENCE"}[done.returncode]
    assert word in done.stdout and "held-out gain *" in done.stdout and "pete report" in done.stdout
    again = pete("evaluate", run, "--rescore", "--json")
    document = json.loads(again.stdout)
    assert again.returncode == done.returncode == document["exit_code"]
    assert document["verdict"].upper() == word and {g["state"] for g in document["gates"]} & {"failed", "unknown"}
    assert all(len(gate["worst"]) for gate in document["gates"] if gate["state"] == "failed")


def test_scored_again_without_weights_and_a_damaged_score_comes_back(evaluated, pete):
    folder, document = evaluated
    run = RunDir(folder)
    (run.adapter / "adapter_model.safetensors").unlink()
    kept = read_log(run.evaluation_file("suite"))
    wrong = [s.model_copy(update={"scores": {"relevance.rr": 0.5}}) for s in kept.samples]
    kept.model_copy(update={"samples": wrong, "measures": {}}).write(run.evaluation_file("suite"))
    done = pete("evaluate", folder, "--rescore", "--json")
    assert done.returncode == document["exit_code"], done.stderr
    assert json.loads(done.stdout) == document and read_log(run.evaluation_file("suite")) == kept
    assert pete("evaluate", folder).returncode == 2, "the weights are gone, indeed"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--rescore", "--samples", "2"], "--rescore takes the answers as they are"),
        (["--rescore", "--set", "generate.seed=1"], "--rescore takes the answers as they are"),
        (["--rescore", "--name", "nothing"], "has no evaluations/nothing.json"),
        (["--judge", "http://127.0.0.1:9/v1"], "--judge-model is missing"),
        (["--judge-model", "m"], "--judge is missing"),
        (["--judge", "http://example.com/v1", "--judge-model", "m"], "https"),
        (["--name", "blind-1"], "cannot name an evaluation"),
        (["--name", "../x"], "cannot name an evaluation"),
        (["--against", "nobody"], "no run 'nobody'"),
        (["--against", "."], "against itself"),
        (["--suite", "gone.jsonl"], "a prompt looks like"),
        (["--set", "lora.rank=2"], "cannot change"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_writes_nothing(evaluated, pete, args, message):
    folder, _ = evaluated
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}
    args = [str(folder) if a == "." else a for a in args]
    done = pete("evaluate", folder, *args)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()} == before


def test_few_prompts_are_said_to_be_few(run, pete, tmp_path):
    suite = tmp_path / "three.jsonl"
    rows = [{"prompt": p, "category": "marketing"} for p in ("One?", "Two?", "Three?")]
    rows[0]["reference"] = "One thing is plain."
    suite.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = pete("evaluate", run, "--suite", suite, *SHORT)
    assert done.returncode in (1, 3) and "fewer than 5 prompts" in done.stdout and "underpowered" in done.stdout
    assert "1 of 3 prompts have a reference" in done.stdout and "similarity to the" in done.stdout


def test_a_run_without_its_rows_says_what_is_unknown(evaluated, pete):
    folder, _ = evaluated
    for split in ("train", "test"):
        RunDir(folder).split_file(split).unlink()
    done = pete("evaluate", folder, "--rescore")
    assert done.returncode in (1, 3) and "originality and the voice of the answers are unknown" in done.stdout


def test_against_another_run_which_is_asked_the_same(evaluated, pete, persona_folder, tmp_path):
    folder, _ = evaluated
    other = train(pete, persona_folder, tmp_path / "other", "--set", "optim.learning_rate=0.05")
    refused = pete("evaluate", folder, "--rescore", "--against", other)
    assert refused.returncode == 2 and "has not answered these prompts" in refused.stderr
    own = pete("evaluate", other, "--samples", 1, *SHORT)
    kept = RunDir(other).evaluation_file("suite").read_bytes()
    assert own.returncode in (1, 3) and kept
    done = pete("evaluate", folder, "--samples", 2, "--against", other, "--json", *SHORT)
    assert done.returncode in (1, 3), done.stderr
    assert RunDir(other).evaluation_file("suite").read_bytes() == kept, "the other run's evaluation, and a judge's verdict in it, stay"
    beside = RunDir(other).evaluation_file(f"against-{folder.name}")
    mine, theirs = read_log(RunDir(folder).evaluation_file("suite")), read_log(beside)
    assert RunDir(other).newest_evaluation() == RunDir(other).evaluation_file("suite"), "what another run asked is not its own"
    assert [(s.prompt_id, s.number, s.seed) for s in mine.samples] == [(s.prompt_id, s.number, s.seed) for s in theirs.samples]
    found = json.loads(done.stdout)["against"]
    gain = next(m for m in found["measures"] if m["name"] == "gain")
    assert found["run"] == "other" and "voice" not in {m["name"] for m in found["measures"]}
    bits = [sum(r.tuned_nats for r in log.held_out) for log in (theirs, mine)]
    assert (gain["base"] > gain["tuned"]) == (bits[0] > bits[1]) and bits[0] != bits[1], "the other's tuned model stands where the base was"
    # what is there is not asked again
    written = beside.stat().st_mtime_ns
    shown = pete("evaluate", folder, "--rescore", "--against", other)
    assert "against other, both tuned" in shown.stdout and beside.stat().st_mtime_ns == written
    # and what would be asked in another way gets another name
    done = pete("evaluate", folder, "--samples", 1, "--against", other, "--set", "generate.max_new_tokens=9")
    assert done.returncode in (1, 3) and beside.stat().st_mtime_ns == written
    assert read_log(RunDir(other).evaluation_file(f"against-{folder.name}-2")).generate["max_new_tokens"] == 9


def test_rows_changed_since_the_training_are_refused(evaluated, pete):
    folder, _ = evaluated
    path = RunDir(folder).split_file("test")
    path.write_text(path.read_text().replace("plain", "fancy", 1))
    for args in ([], ["--rescore"]):
        done = pete("evaluate", folder, *args)
        assert done.returncode == 2 and "test.jsonl" in done.stderr and "changed after its training" in done.stderr


def test_prompts_that_are_training_rows_are_counted_and_said(persona_folder, pete, tmp_path):
    rows = [json.loads(line) for line in (persona_folder / "examples" / "marketing.jsonl").read_text().splitlines()]
    asked = [{"id": f"marketing-{n}", "category": "marketing", "prompt": f" {row['prompt'].upper()} "} for n, row in enumerate(rows[:2])]
    new = [{"id": f"new-{n}", "category": "marketing", "prompt": f"Ask anew {n}?"} for n in range(5)]
    (suite := tmp_path / "suite.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*asked, *new]))
    run = train(pete, persona_folder, tmp_path / "run", "--set", "data.valid_share=0", "--set", "data.test_share=0")
    done = pete("evaluate", run, "--suite", suite, "--samples", 1, *SHORT)  # as the persona's own they would not be trained on at all
    said = "2 of 7 prompts are training rows: marketing-0, marketing-1."
    assert said in done.stdout and read_log(RunDir(run).evaluation_file("suite")).in_training == ("marketing-0", "marketing-1")
    assert said in json.loads(pete("evaluate", run, "--rescore", "--json").stdout)["notes"][-1]
    assert pete("report", run).returncode == 0
    assert said in RunDir(run).report_md.read_text() and said in RunDir(run).report_html.read_text()


def test_a_judge_is_announced_asked_kept_and_reported(to_judge, pete):
    folder, document, long_rows = to_judge

    def rule(prompt: str, a: str, b: str) -> str:
        own = {row["completion"] for row in long_rows if row["prompt"] == prompt}
        if (a in own) != (b in own):
            return says("A" if a in own else "B")
        return says("A" if len(a) > len(b) else "B")

    with serve(FakeJudge(rule)) as fake:
        args = ["--judge", fake.url, "--judge-model", "wise"]
        done = pete("evaluate", folder, "--rescore", *args, PETE_JUDGE_KEY=SECRET)
        asked = len(fake.requests)
        assert done.returncode == document["exit_code"], done.stderr
        assert asked and "questions go to" in done.stdout and "judge wise at" in done.stdout
        assert fake.headers[0]["Authorization"] == f"Bearer {SECRET}"
        again = pete("evaluate", folder, "--rescore", *args, PETE_JUDGE_KEY=SECRET)
        assert len(fake.requests) == asked and "nothing is sent" in again.stdout, "every verdict is on disk"
    log = read_log(RunDir(folder).evaluation_file("suite"))
    assert log.judge is not None and log.judge["model"] == "wise"
    kept = pete("evaluate", folder, "--rescore")
    assert "judge wise at" in kept.stdout, "scoring again keeps what was judged"
    assert pete("report", folder).returncode == 0 and "judge wise at" in RunDir(folder).report_md.read_text().lower()
    everything = b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())
    assert SECRET.encode() not in everything + done.stdout.encode() + done.stderr.encode()


@pytest.mark.parametrize(("fault", "code", "message"), [("nonsense", (1, 3), "unfit"), ("wrong key", (1,), "key")])
def test_a_judge_that_is_no_use_costs_nothing(to_judge, pete, fault, code, message):
    folder, _, _ = to_judge
    before = RunDir(folder).evaluation_file("suite").read_bytes()
    with serve(FakeJudge(lambda *_: "As a language model I like both.", always="" if fault == "nonsense" else fault)) as fake:
        done = pete("evaluate", folder, "--rescore", "--judge", fake.url, "--judge-model", "m")
        assert done.returncode in code and message in done.stdout + done.stderr and fake.requests
    if fault == "wrong key":
        assert RunDir(folder).evaluation_file("suite").read_bytes() == before


def test_open_writes_the_report_and_opens_it(evaluated, pete, tmp_path):
    folder, document = evaluated
    stubs = tmp_path / "bin"
    stubs.mkdir()
    for name in ("open", "xdg-open"):
        (stubs / name).write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> "{tmp_path}/opened"\n')
        (stubs / name).chmod(0o755)
    path = os.pathsep.join([str(stubs), str(Path(sys.executable).parent), os.environ["PATH"]])
    done = pete("evaluate", folder, "--rescore", "--open", PATH=path)
    assert done.returncode == document["exit_code"] and RunDir(folder).report_html.is_file()
    assert (tmp_path / "opened").read_text().splitlines()[-1] == str(RunDir(folder).report_html)
