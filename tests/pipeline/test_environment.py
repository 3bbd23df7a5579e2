"""What torch finds in the environment when it is imported, whichever verb imports it: it reads these once."""

import json
import sys

import pytest

from pete.resources import PROJECT
from tests.pipeline.conftest import FAKE

NOTE = """
import importlib.util, json, os, sys
class Note:
    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_loader(name, self) if name == "torch" else None
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        keys = [f"PYTORCH_{key}" for key in ("MPS_HIGH_WATERMARK_RATIO", "MPS_LOW_WATERMARK_RATIO", "ENABLE_MPS_FALLBACK")]
        keys.append("TOKENIZERS_PARALLELISM")
        with open(os.environ["NOTES"], "w") as file:
            json.dump([os.environ.get(key) for key in keys], file)
        os._exit(9)
sys.meta_path.insert(0, Note())
"""
"""A sitecustomize.py that stands in for torch: it notes the environment at the moment of the import, and ends the process."""

REPORT = ["0.0", None, "1", "false"]
OURS = ["1.0", "0.80", "1", "false"]


@pytest.fixture
def noted(pete, tmp_path):
    """noted("train", ...) -> what stood in the environment when torch was imported; a shell's own values must not survive."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(NOTE)

    def run(*args: object, **more: str) -> list:
        notes = tmp_path / "notes.json"
        notes.unlink(missing_ok=True)
        of_a_shell = {"PYTORCH_MPS_HIGH_WATERMARK_RATIO": "1.7", "PYTORCH_MPS_LOW_WATERMARK_RATIO": "1.9",
                      "PYTORCH_ENABLE_MPS_FALLBACK": "0", "TOKENIZERS_PARALLELISM": "true"}  # fmt: skip
        places = {"PYTHONPATH": f"{tmp_path / 'site'}:{PROJECT / 'src'}", "NOTES": str(notes)}
        done = pete(*args, **of_a_shell | places | more)
        assert done.returncode == 9, done.stdout + done.stderr
        return json.loads(notes.read_text())

    return run


@pytest.mark.skipif(sys.platform == "darwin", reason="there the self-test, a process of its own, imports torch first")
def test_training_on_the_embedded_base(noted, persona_folder, tmp_path):
    """Converting it, as a very first start does, imports no torch: tests/unit/engines/base_models/test_embedded.py."""
    base = ("--persona", persona_folder, "--set", "model.base=smollm2-135m-instruct")
    assert noted("train", "--preset", "report", "--plan", *base) == REPORT
    assert noted("quickstart", "--out", tmp_path / "run") == OURS


@pytest.mark.skipif(sys.platform == "darwin", reason="there the self-test, a process of its own, imports torch first")
def test_training_on_a_base_that_is_here(noted, persona_folder):
    base = ("--persona", persona_folder, "--set", "model.base=fake")
    assert noted("train", "--preset", "report", "--plan", *base) == REPORT
    assert noted("train", "--preset", "pythia-1.4b", "--plan", *base, "--set", "optim.warmup_steps=1") == OURS


def test_answering_with_what_a_run_was_trained_with(noted, pete, persona_folder, tmp_path):
    run = tmp_path / "run"
    unlimited = ("--set", "engine.torch.mps_high_watermark=0.0")
    assert pete("train", "--persona", persona_folder, "--out", run, *FAKE, *unlimited, "--set", "train.steps=2").returncode == 0
    config = run / "config.toml"
    config.write_text(config.read_text().replace('name = "fake"', 'name = "torch"'))
    for verb in (("test", run, "One line."), ("chat", run), ("evaluate", run)):
        assert noted(*verb) == REPORT, verb
