"""The embedded base: which file it is made of, and what becomes of it; that it answers right: tests/golden/test_embedded.py."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest

from pete.engines.base_models import embedded
from pete.errors import BaseModelError
from pete.listener import LISTENER, Listener
from pete.resources import PROJECT

MADE_BY_TRANSFORMERS = {
    "model.safetensors": "a672150fb4f99d7c8f4168cecdd464069c0ef3a37d8113f22ddb9d48031d03cd",
    "tokenizer.json": "bf346d64f6f0fbcefb4c1b6928a98241467dff36c6fbae5fe1785c4ff90667f4",
    "chat_template.jinja": "872be49dbb638044ad01b60388f48d469ff2980e5f0dccdc22ec907db54d0788",
}
"""sha256 of what transformers 5.23 made of the same GGUF, when the conversion was its work."""


@pytest.fixture(scope="module")
def converted(tmp_path_factory) -> tuple[Path, str]:
    """The folder as a process of its own made it, and what that process said."""
    cache = tmp_path_factory.mktemp("cache")
    script = """
import sys
from pete.engines.base_models.embedded import embedded_base
base = embedded_base()
assert "torch" not in sys.modules and "transformers" not in sys.modules, "the conversion needs neither"
before = (base.folder / "config.json").stat().st_mtime_ns
assert embedded_base() == base and (base.folder / "config.json").stat().st_mtime_ns == before, "made once"
print(base.folder)
"""
    env = os.environ | {"PYTHONPATH": str(PROJECT / "src"), "PETE_CACHE": str(cache)}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in cache.iterdir()] == [Path(done.stdout.strip()).name], "and nothing left beside it"
    return Path(done.stdout.strip()), done.stderr


def test_it_is_byte_for_byte_what_transformers_made_of_it(converted):
    folder, said = converted
    for name, wanted in MADE_BY_TRANSFORMERS.items():
        with (folder / name).open("rb") as file:
            assert hashlib.file_digest(file, "sha256").hexdigest() == wanted, name
    assert said == "", "nobody listens"


def test_transformers_reads_it_as_a_llama_of_this_shape(converted):
    settings = json.loads((converted[0] / "config.json").read_text())
    assert (settings["model_type"], settings["hidden_size"], settings["num_hidden_layers"], settings["head_dim"]) == ("llama", 576, 30, 64)
    assert settings["max_position_embeddings"] == 8192 and settings["tie_word_embeddings"] and settings["eos_token_id"] == 2
    special = json.loads((converted[0] / "tokenizer_config.json").read_text())
    assert (special["bos_token"], special["eos_token"], special["unk_token"]) == ("<|im_start|>", "<|im_end|>", "<|endoftext|>")


def test_a_failed_conversion_leaves_nothing_and_is_announced(tmp_path):
    class Lines(Listener):
        lines: ClassVar[list[str]] = []

        def message(self, text: str) -> None:
            self.lines.append(text)

    (tmp_path / "no.gguf").write_bytes(b"not a GGUF at all, but long enough to be looked at")
    token = LISTENER.set(Lines())
    try:
        with pytest.raises(ValueError, match="GGUF"):
            embedded.convert(tmp_path / "no.gguf", tmp_path / "made")
    finally:
        LISTENER.reset(token)
    assert Lines.lines and "embedded base" in Lines.lines[0]
    assert [path.name for path in tmp_path.iterdir()] == ["no.gguf"]


def test_a_wheel_with_another_file_is_refused(monkeypatch, tmp_path):
    (tmp_path / "other.gguf").write_bytes(b"not it")
    monkeypatch.setattr(embedded, "model_folder", lambda package: tmp_path)
    with pytest.raises(BaseModelError, match="not the file we know"):
        embedded.find_gguf()
    monkeypatch.setattr(embedded, "model_folder", lambda package: None)
    with pytest.raises(BaseModelError, match="not installed"):
        embedded.find_gguf()
