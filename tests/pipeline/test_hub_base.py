"""A base from the hub through the real command line, on a hub of our own."""

import json
import os

import pytest

from pete.engines.fake import END, byte_tokenizer
from tests.fake_hub import LARGE, FakeHub, commit, serve
from tests.pipeline.conftest import FAKE
from tests.unit.engines.base_models.test_hub import weights


@pytest.fixture
def hub():
    small = {
        "config.json": json.dumps({"model_type": "llama", "max_position_embeddings": 2000}).encode(),
        "tokenizer.json": byte_tokenizer().to_str().encode(),
        "tokenizer_config.json": json.dumps({"eos_token": END}).encode(),
    }
    models = {
        "own/tiny": {commit(1): small | {"model.safetensors": weights(1, 2 * LARGE)}},
        "own/old": {commit(2): small | {"pytorch_model.bin": b"pickle"}},
    }
    with serve(FakeHub(models)) as found:
        yield found


def test_data_is_checked_against_a_base_of_the_hub_and_then_without_the_hub(hub, pete, persona_folder, tmp_path):
    environment = hub.environment(tmp_path / "home")
    check = ("data", "check", "--persona", persona_folder, "--json", "--set", "model.base=own/tiny")
    first = pete(*check, **environment)
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["rows"] == 24, "stdout is the document's alone"
    seen = len(hub.requests)
    hub.broken = 503
    again = pete(*check, **environment)
    assert again.returncode == 0 and again.stdout == first.stdout and len(hub.requests) == seen > 0


def test_a_plan_fetches_no_weights_and_the_run_after_it_does(hub, pete, persona_folder, tmp_path):
    environment = hub.environment(tmp_path / "home")
    out = tmp_path / "run"
    train = ("train", "--persona", persona_folder, "--out", out, *FAKE, "--set", "model.base=own/tiny", "--set", "train.steps=2")
    plan = pete(*train, "--plan", **environment)
    assert plan.returncode == 0, plan.stderr
    assert "of weights to fetch first, once" in plan.stdout and "steps of" in plan.stdout and not out.exists()
    fetched = {path.rsplit("/", 1)[1] for method, path, _ in hub.requests if method == "GET" and "/resolve/" in path}
    assert fetched == {"config.json", "tokenizer.json", "tokenizer_config.json"} and not hub.asked("safetensors") and hub.sent == 0
    done = pete(*train, **environment)
    assert done.returncode == 0, done.stderr
    assert hub.sent > 2 * LARGE and (out / "adapter").is_dir(), "now they were needed"
    assert "to fetch first" not in pete(*train, "--plan", **environment).stdout


def test_a_hub_that_goes_down_in_the_middle_leaves_no_run_and_the_same_command_goes_on(hub, pete, persona_folder, tmp_path):
    out = tmp_path / "run"
    train = ("train", "--persona", persona_folder, "--out", out, *FAKE, "--set", "model.base=own/tiny", "--set", "train.steps=2")
    hub.cuts, hub.broken_after_cut = [LARGE], 403  # not 503, for which it would wait a quarter of a minute
    broken = pete(*train, **hub.environment(tmp_path / "home"))
    assert broken.returncode == 2 and "Traceback" not in broken.stderr, broken.stderr
    assert "Fetching own/tiny broke off: 10 kB of 20 kB are here and kept" in broken.stderr and "goes on from there" in broken.stderr
    assert not out.exists() and hub.sent == LARGE
    hub.broken = 0
    done = pete(*train, **hub.environment(tmp_path / "home"))
    assert done.returncode == 0, done.stderr
    assert hub.sent < 2 * LARGE + 1000, "not a byte twice"


@pytest.mark.parametrize(
    ("base", "more", "message"),
    [
        ("own/old", {}, "only pytorch_model.bin (pickle"),
        ("own/none", {}, "knows no own/none"),
        ("EleutherAI/pythia-1.4b", {"HF_HUB_OFFLINE": "1"}, "hf download EleutherAI/pythia-1.4b --include"),
        ("EleutherAI/pythia-1.4b", {"HF_ENDPOINT": "http://127.0.0.1:9"}, "hf download EleutherAI/pythia-1.4b --include"),
    ],
)
def test_a_base_that_cannot_be_had_is_one_clear_error(hub, pete, persona_folder, tmp_path, base, more, message):
    for verb in (("data", "check"), ("train", "--plan")):
        done = pete(*verb, "--persona", persona_folder, "--set", f"model.base={base}", **hub.environment(tmp_path / "home") | more)
        assert done.returncode == 2 and message in done.stderr and "try:" in done.stderr, done.stderr
        assert "Traceback" not in done.stderr and not os.listdir(tmp_path / 'it\'s "here"') and hub.sent == 0
