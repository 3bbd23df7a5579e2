"""Scoring again from the log alone gives what the evaluation gave."""

from pete.evaluate.gates import judge
from pete.evaluate.log import read_log
from pete.evaluate.score import rescore
from pete.run import RunDir
from tests.pipeline.conftest import FAKE


def test_an_evaluation_scored_again_without_its_model(pete, persona_folder, tmp_path):
    folder = tmp_path / "run"
    assert pete("train", "--persona", persona_folder, "--out", folder, *FAKE, "--set", "train.epochs=3").returncode == 0
    done = pete("evaluate", folder, "--set", "generate.max_new_tokens=15", "--set", "evaluate.samples=2")
    assert done.returncode in (1, 3), done.stderr
    run = RunDir(folder)
    log = read_log(run.evaluation_file("suite"))
    assert [(s.prompt_id, s.number) for s in log.samples[:6]] == [(f"{c}-{i}", 0) for c in ("marketing", "copywriting") for i in range(3)]
    assert {s.number for s in log.samples} == {0, 1} and all(s.fluency_nats is not None or not s.text for s in log.samples)
    assert log.neutral and log.fluency_model == "fake" and not log.fluency_is_third and log.avoid == ("unlock*",)
    assert all("originality.span" in s.scores and "relevance.rr" in s.scores for s in log.samples)
    for weights in (run.adapter / "adapter_model.safetensors", run.checkpoints):
        assert weights.exists(), "the model is put away below"
    (run.adapter / "adapter_model.safetensors").unlink()
    assert rescore(log, run) == log
    assert judge(log).verdict == "not enough evidence" or judge(log).of("failed")
