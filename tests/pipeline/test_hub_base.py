"""A base from the hub through the real command line, on a hub of our own."""

import json
import os

import pytest

from pete.engines.fake_engine import END, byte_tokenizer
from tests.fake_hub import LARGE, FakeHub, commit, serve
from tests.unit.engines.test_hub import weights


@pytest.fixture
def hub():
    small = {
        "config.json": json.dumps({"max_position_embeddings": 2000}).encode(),
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
