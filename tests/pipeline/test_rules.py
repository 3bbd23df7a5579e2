"""The persona's rules through the real command line: what is flagged, what is drawn again, and that the user sees it."""

import json
import shutil
from pathlib import Path

import pytest

from pete.evaluate.log import read_log
from pete.evaluate.score import rescore
from pete.report.numbers import percent
from pete.run import RunDir
from tests.pipeline.conftest import FAKE

SHORT = ["--set", "generate.max_new_tokens=20"]


@pytest.fixture(scope="module")
def trained(once) -> Path:
    pete, place = once
    folder = place / "run"
    done = pete("train", "--persona", place / "persona", "--out", folder, *FAKE, "--set", "train.epochs=1")
    assert done.returncode == 0, done.stderr
    lineage = folder / "adapter" / "pete.json"
    record = json.loads(lineage.read_text())
    record["limits"], record["formats"] = {"all": {"placeholders": True}}, {"tagline": {"characters": [0, 3]}}
    lineage.write_text(json.dumps(record))
    return folder


@pytest.fixture
def run(trained, tmp_path) -> Path:
    return shutil.copytree(trained, tmp_path / "run")


def test_a_flagged_answer_is_tried_again_and_the_user_sees_which(run, pete):
    asked = ["test", run, "Tagline for a bakery", *SHORT, "--set", "generate.retries=2"]
    done = pete(*asked, "--json")
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    answer = result["tuned"]
    assert (answer["attempts"], answer["tries"]) == (3, 3) and answer["tokens_drawn"] > answer["tokens"]
    assert any(flag["words"].startswith("too long for a tagline (") for flag in answer["flags"])
    shown = " ".join(pete(*asked, COLUMNS="80").stdout.replace("\u2502", " ").split())
    assert "after 3 tries" in shown and "flagged: too long for a tagline (" in shown and "at most 3)" in shown


def test_without_retries_it_is_only_flagged(run, pete):
    (result,) = json.loads(pete("test", run, "Tagline for a bakery", *SHORT, "--json").stdout)["results"]
    assert result["tuned"]["attempts"] == 1 and result["tuned"]["flags"]


def test_chat_flags_afterwards_and_again_draws_another(run, pete):
    done = pete("chat", run, *SHORT, "--set", "generate.retries=2", text="Tagline for a bakery\n/again\n")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("(flagged: ") == 2 and "too long for a tagline" in done.stderr
    first, second = (line for line in done.stdout.splitlines() if line.strip())
    assert first != second


def test_an_evaluation_keeps_the_chosen_answer_its_flags_and_how_many_were_drawn(run, pete):
    lineage = run / "adapter" / "pete.json"
    lineage.write_text(json.dumps(json.loads(lineage.read_text()) | {"limits": {"all": {"placeholders": True, "characters": 60}}}))
    drawn = ["--set", "generate.max_new_tokens=200", "--set", "evaluate.samples=2", "--set", "generate.retries=1"]
    done = pete("evaluate", run, *drawn)
    assert done.returncode in (0, 1, 3), done.stderr
    log = read_log(RunDir(run).evaluation_file("suite"))
    assert len(log.samples) == 24 and log.validated
    shares = {}
    for model in ("base", "tuned"):
        mine = [s for s in log.samples if s.model == model]
        assert all(len(s.text) > 60 for s in mine for flag in s.flags if flag.rule == "length")
        assert all(s.flags or len(s.text) <= 60 for s in mine)
        again = [s for s in mine if s.attempts == 2]
        assert again and all(s.tokens_drawn > s.tokens for s in again)
        assert all(s.attempts == 1 and s.tokens_drawn == s.tokens and not s.flags for s in mine if s not in again)
        shares[model] = sum(bool(s.flags) for s in mine)
        assert 0 < shares[model] < len(again) < 12, "the rule is broken sometimes, and drawing again helps sometimes"
    wiped = [s.model_copy(update={"scores": {}}) for s in log.samples]
    assert rescore(log.model_copy(update={"samples": wiped}), RunDir(run)) == log, "scored again without a model"
    assert pete("report", run).returncode == 0
    said = (run / "report.md").read_text(encoding="utf-8")
    for model, broken in shares.items():
        assert f"{percent(broken / 12)} of the {model} answers break a rule ({broken} of 12)" in said
    assert "| Answers | Base | Tuned |" in said and "| Too long or too short |" in said
    tokens_drawn = sum(s.tokens_drawn for s in log.samples if s.model == "tuned")
    assert f"| {tokens_drawn:,} | {sum(s.tokens for s in log.samples if s.model == 'tuned'):,} |" in said
    assert "chosen among 2" in said


def test_without_retries_an_evaluation_flags_and_draws_once(run, pete):
    done = pete("evaluate", run, "--set", "generate.max_new_tokens=20", "--set", "evaluate.samples=1")
    assert done.returncode in (0, 1, 3), done.stderr
    log = read_log(RunDir(run).evaluation_file("suite"))
    assert any(s.flags for s in log.samples) and all(s.attempts == 1 and s.tokens_drawn == s.tokens for s in log.samples)


@pytest.mark.parametrize("value", ["retries=3", "retries=-1", "best_of=0"])
def test_settings_out_of_range_are_refused(run, pete, value):
    done = pete("test", run, "?", "--set", f"generate.{value}")
    assert done.returncode == 2 and f"generate.{value.split('=')[0]}" in done.stderr and "Traceback" not in done.stderr


def test_limits_that_this_version_does_not_know_are_refused(run, pete):
    lineage = run / "adapter" / "pete.json"
    lineage.write_text(json.dumps(json.loads(lineage.read_text()) | {"limits": {"all": {"rhymes": True}}}))
    done = pete("test", run, "?")
    assert done.returncode == 2 and "pete.json" in done.stderr and "Traceback" not in done.stderr


def test_a_rule_in_persona_toml_that_does_not_exist_stops_before_training(pete, persona_folder, tmp_path):
    with (persona_folder / "persona.toml").open("a") as file:
        file.write("[limits.all]\nwrods = 9\n")
    done = pete("train", "--persona", persona_folder, "--out", tmp_path / "run", *FAKE)
    assert done.returncode == 2 and "did you mean words?" in done.stderr and not (tmp_path / "run").exists()
