import json

import pytest

from pete.config import EMBEDDED_BASE, ModelConfig
from pete.engines.base_model import check_folder, resolve_base
from pete.errors import BaseModelError


def folder(tmp_path, config: object = None, *files: str):
    path = tmp_path / "base"
    path.mkdir()
    if config is not None:
        (path / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    for name in files:
        (path / name).write_bytes(b"x")
    return path


@pytest.mark.parametrize(
    ("config", "files", "reason"),
    [
        (None, ["model.safetensors"], "no config.json"),
        ("{", ["model.safetensors"], "not JSON"),
        ({"auto_map": {"AutoModel": "x.y"}}, ["model.safetensors"], "run its own code"),
        ({"model_file": "x.py"}, ["model.safetensors"], "run its own code"),
        ({}, ["pytorch_model.bin"], "pickle"),
        ({}, [], "no weights"),
    ],
)
def test_folders_that_are_refused_and_why(tmp_path, config, files, reason):
    with pytest.raises(BaseModelError, match=reason):
        check_folder(folder(tmp_path, config, *files))


def test_a_local_folder_is_known_by_its_weights(tmp_path):
    path = folder(tmp_path, {"max_position_embeddings": 77}, "model.safetensors")
    first = resolve_base(ModelConfig(base=str(path)))
    assert (first.context, first.revision) == (77, "local")
    (path / "model.safetensors").write_bytes(b"y")
    assert resolve_base(ModelConfig(base=str(path))).fingerprint != first.fingerprint


def test_a_name_that_is_nothing_offers_the_embedded_base():
    with pytest.raises(BaseModelError) as error:
        resolve_base(ModelConfig(base="gpt-five"))
    assert EMBEDDED_BASE in error.value.hint


def test_a_hub_name_that_is_neither_cached_nor_reachable_says_how_to_get_it(monkeypatch, tmp_path):
    asked = []

    def nothing(name, *, local_files_only, **_):
        asked.append(local_files_only)
        raise ConnectionError("no route")

    monkeypatch.setattr("huggingface_hub.snapshot_download", nothing)
    with pytest.raises(BaseModelError) as error:
        resolve_base(ModelConfig(base="EleutherAI/pythia-1.4b", revision="abc"))
    assert asked == [True, False], "the cache first, then the hub"
    assert "hf download EleutherAI/pythia-1.4b --revision abc" in error.value.hint and EMBEDDED_BASE in error.value.hint


def test_a_cached_hub_model_never_asks_the_hub(monkeypatch, tmp_path):
    path = folder(tmp_path, {"max_position_embeddings": 2048}, "model.safetensors")

    def cached(name, *, local_files_only, **_):
        assert local_files_only
        return str(path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", cached)
    assert resolve_base(ModelConfig(base="a/b")).name == "a/b"


def test_a_wheel_with_another_file_is_refused(monkeypatch, tmp_path):
    from pete.engines import embedded

    class Fake:
        suffix = ".gguf"

        def locate(self):
            path = tmp_path / "other.gguf"
            path.write_bytes(b"not it")
            return path

    monkeypatch.setattr(embedded, "files", lambda _: [Fake()])
    with pytest.raises(BaseModelError, match="not the file we know"):
        embedded._gguf()
