"""Every verb, end to end, through the real command line, on the engine that needs no model."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pete.evaluate.log import VERSION
from tests.pipeline.conftest import FAKE


@pytest.fixture(scope="module")
def trained(once):
    pete, place = once
    folder = place / "a run"
    done = pete(
        "train", "--persona", place / "persona", "--out", folder, *FAKE, "--set", "train.epochs=30", "--set", "optim.learning_rate=0.05"
    )
    assert done.returncode == 0, done.stderr
    return folder, done


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained[0], tmp_path / "a run")


def test_train_leaves_a_whole_run_folder(trained):
    folder, done = trained
    assert {p.name for p in folder.iterdir() if not p.name.startswith(".")} == {
        "config.toml",
        "events.jsonl",
        "train.log",
        "data",
        "checkpoints",
        "adapter",
    }
    assert {p.name for p in (folder / "adapter").iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "chat_template.jinja",
        "generation_config.json",
        "pete.json",
        "reference.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert json.loads((folder / "adapter" / "pete.json").read_text())["architecture"] == "fake"
    assert "# --set" in (folder / "config.toml").read_text()
    assert "learning_rate" in done.stdout and "--set" in done.stdout, "the resolved configuration is printed with its sources"
    assert "reloaded and checked" in done.stdout and str(folder) in done.stdout
    log = (folder / "train.log").read_text().splitlines()
    assert len(log) > 20 and all(line[:4].isdigit() for line in log), "every line has its time"
    kinds = [json.loads(line)["kind"] for line in (folder / "events.jsonl").read_text().splitlines()]
    assert kinds[:3] == ["Checked", "Planned", "Started"] and kinds[-1] == "Finished"
    assert not list(folder.rglob("*.bin")) and not list(folder.rglob("*.pt")) and not list(folder.rglob("*.pkl"))


def test_the_same_folder_twice_is_refused_and_nothing_is_touched(run, pete, persona_folder):
    before = {p: p.stat().st_mtime_ns for p in run.rglob("*")}
    again = pete("train", "--persona", persona_folder, "--out", run, *FAKE)
    assert again.returncode == 2 and "already exists" in again.stderr and "pete resume" in again.stderr
    assert {p: p.stat().st_mtime_ns for p in run.rglob("*")} == before


def test_resume_of_a_finished_run_says_so(run, pete):
    done = pete("resume", run)
    assert done.returncode == 2 and "is finished" in done.stderr


def test_test_answers_base_beside_tuned(run, pete):
    done = pete("test", run, "Say something plain.", "--json", "--set", "generate.max_new_tokens=20")
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert result["prompt"] == "Say something plain." and result["base"]["text"] != result["tuned"]["text"]
    assert result["tuned"]["stop"] in ("end", "length", "stop string") and result["tuned"]["tokens"] > 0
    shown = pete("test", run)
    assert shown.returncode == 0 and "tok/s" in shown.stdout and "ended by" in shown.stdout and "Ask marketing 0?" in shown.stdout
    assert pete("test", "no-such-run").returncode == 2


def test_chat_talks_remembers_forgets_and_saves(run, pete, tmp_path):
    target = tmp_path / "saved talk.json"
    done = pete(
        "chat",
        run,
        "--set",
        "generate.max_new_tokens=10",
        text=f"Hello\n\n/system Be brief.\nAgain\n/save {target}\n/save {target}\n/reset\n/nonsense\n/quit\nnever read\n",
    )
    assert done.returncode == 0, done.stderr
    saved = json.loads(target.read_text())
    assert saved["system"] == "Be brief." and [m["role"] for m in saved["messages"]] == ["user", "assistant"] * 2
    assert [m["content"] for m in saved["messages"] if m["role"] == "user"] == ["Hello", "Again"]
    assert "was not written" in done.stderr, "a file is never overwritten"
    assert "(forgotten)" in done.stderr and "/reset" in done.stderr and "never read" not in done.stdout
    assert "\x1b" not in done.stdout


def test_what_an_answer_should_have_been_is_kept_in_the_persona_and_counted(run, pete, once):
    gone = pete("chat", run, "--set", "generate.max_new_tokens=10", text="Hello\n/edit\n")
    assert "There is no persona" in gone.stderr and gone.returncode == 0
    persona = Path(shutil.copytree(once[1] / "persona", run.parent / "persona"))
    done = pete("chat", run, "--set", "generate.max_new_tokens=10", text="Hello\n/edit\nGood\nday.\n.\n/edit\nGood\nday.\n.\n/quit\n")
    assert done.returncode == 0, done.stderr
    (pair,) = [json.loads(line) for line in (persona / "edits.jsonl").read_text().splitlines()]
    assert (pair["prompt"], pair["final"], pair["source"]) == ("Hello", "Good\nday.", "chat")
    assert pair["model"].startswith(run.name) and pair["draft"] in done.stdout.replace("> ", "")
    assert f"kept in {persona / 'edits.jsonl'}" in done.stderr and "nothing is kept" in done.stderr
    counts = json.loads(pete("data", "stats", "--persona", persona, "--json").stdout)
    assert counts["edits"] == {"chat": 1} and counts["tasks"]["rewrite"] == 1


def test_an_adapter_that_changes_nothing_is_refused(run, pete):
    import numpy as np
    from safetensors.numpy import load_file, save_file

    weights = run / "adapter" / "adapter_model.safetensors"
    save_file({name: np.zeros_like(value) for name, value in load_file(weights).items()}, weights)
    done = pete("test", run, "Say something.")
    assert done.returncode == 2 and "changes nothing" in done.stderr


def test_chat_ends_with_its_input(run, pete):
    assert pete("chat", run, text="").returncode == 0


def test_evaluate_and_report(run, pete):
    done = pete("evaluate", run, "--json", "--samples", 1, "--set", "generate.max_new_tokens=15")
    assert done.returncode in (1, 3), done.stderr
    log = json.loads(done.stdout)["log"]
    assert log == json.loads((run / "evaluations" / "suite.json").read_text())
    assert len(log["samples"]) == 2 * 6 and {s["model"] for s in log["samples"]} == {"base", "tuned"} and log["version"] == VERSION
    assert len(log["held_out"]) == 2 and all(row["tuned_nats"] < row["base_nats"] for row in log["held_out"])
    for model in ("base", "tuned"):
        assert [s["prompt_id"] for s in log["samples"] if s["model"] == model] == [
            f"{c}-{i}" for c in ("marketing", "copywriting") for i in range(3)
        ]
    report = pete("report", run)
    assert report.returncode == 0, report.stderr
    assert "bits per byte" in (run / "report.html").read_text() and "bits per byte" in (run / "report.md").read_text()
    people = pete("evaluate", run, "--name", "again")
    assert people.returncode in (1, 3) and "held-out gain" in people.stdout and (run / "evaluations" / "again.json").is_file()


def test_evaluate_takes_a_suite_of_the_users(run, pete, tmp_path):
    suite = tmp_path / "mine.jsonl"
    suite.write_text('{"prompt": "One?"}\n{"prompt": "Two?", "category": "odd"}\n')
    done = pete("evaluate", run, "--suite", suite, "--json", "--set", "generate.max_new_tokens=5")
    assert done.returncode in (1, 3), done.stderr
    assert {s["prompt"] for s in json.loads(done.stdout)["log"]["samples"]} == {"One?", "Two?"}


def test_report_without_an_evaluation_says_so(run, pete):
    assert pete("report", run).returncode == 0
    assert "pete evaluate" in (run / "report.md").read_text()


def test_plan_writes_nothing(pete, persona_folder, tmp_path):
    done = pete("train", "--persona", persona_folder, "--out", tmp_path / "out", "--plan", *FAKE)
    assert done.returncode == 0 and "steps of" in done.stdout and not (tmp_path / "out").exists()


def test_data_check_counts_and_data_show_marks_what_is_trained(pete, persona_folder):
    done = pete("data", "check", "--persona", persona_folder, "--json", *FAKE)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["rows"] == 24 and found["categories"] == {"copywriting": 12, "marketing": 12} and found["findings"] == []
    shown = pete("data", "show", "--persona", persona_folder, "--rows", 1, *FAKE).stdout
    assert "copywriting.jsonl:1" in shown
    read, trained = shown.split("--- trained ---")
    assert "Say copywriting thing 0." in read and trained.strip() == "Thing 0 is plain and it is copywriting.<|end|>"


def test_help_is_quick_and_names_every_verb(pete):
    pete("--help", fresh=True)
    start = time.monotonic()
    done = pete("--help", fresh=True)
    help_took, start = time.monotonic() - start, time.monotonic()
    subprocess.run([sys.executable, "-c", "import typer, rich.console"], check=True)
    assert help_took < 3 * (time.monotonic() - start) + 0.5, "the same on a busy machine; docs/log.md has the exact figure"
    for verb in ("quickstart", "data", "train", "resume", "test", "chat", "evaluate", "report"):
        assert f"  {verb} " in done.stdout
        assert pete(verb, "--help").returncode == 0


def test_bare_pete_shows_the_help(pete):
    done = pete()
    assert "quickstart" in done.stdout + done.stderr


CASES = {
    "malformed": ('{"prompt": "a", "completion"', "marketing.jsonl:2: not JSON"),
    "empty prompt": ('{"prompt": " ", "completion": "x"}', "marketing.jsonl:2: prompt is empty"),
    "empty completion": ('{"prompt": "x", "completion": ""}', "marketing.jsonl:2: completion is empty"),
    "too long": (json.dumps({"prompt": "x", "completion": "y" * 3000}), "marketing.jsonl:2: 3"),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_rows(pete, persona_folder, tmp_path, case):
    line, message = CASES[case]
    with (persona_folder / "examples" / "marketing.jsonl").open("r+") as file:
        first = file.readline()
        file.seek(0)
        file.write(first + line + "\n")
        file.truncate()
    done = pete("train", "--persona", persona_folder, "--out", tmp_path / "out", *FAKE)
    assert done.returncode == 2 and message in done.stderr and "try:" in done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["train", "--persona", "nobody"], "no persona 'nobody'"),
        (["train", "--preset", "quikstart"], "Did you mean 'quickstart'"),
        (["train", "--set", "lora.rnak=3"], "did you mean lora.rank"),
        (["train", "--set", "train.steps=10", "--set", "optim.warmup_steps=10"], "leaves nothing of train.steps = 10"),
        (["train", "--set", "train.gradient_checkpointing=true", "--set", "lora.dropout=0.1"], "pytorch#127676"),
        (["train", "--config", "missing.toml"], "no configuration file"),
        (["train", "--out", "/dev/null/nowhere", *FAKE], "cannot be written"),
        (["train", "--set", "model.base=gpt-five"], "smollm2-135m-instruct"),
        (["train", "--set", "model.base=/"], "no config.json"),
        (["train", "--set", "engine.device=cuda", "--set", "model.base=fake", "--set", "engine.name=warp"], "engine.name"),
        (["resume", "nothing"], "no run 'nothing'"),
        (["test"], "no run in"),
        (["chat"], "no run in"),
        (["evaluate", "x"], "no run 'x'"),
        (["data", "check", "gone.jsonl", *FAKE], "gone.jsonl: there is no such file"),
        (["data", "show", "--first", "9999", *FAKE], "--first 9999"),
        (["train", "--frobnicate"], "No such option"),
    ],
)
def test_bad_usage_is_one_clear_error(pete, args, message, tmp_path):
    # an empty checkout's runs/: these verbs must not find a run of the developer's
    done = pete(*args, PETE_RUNS=str(tmp_path / "none"))
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr and "Traceback" not in done.stderr
