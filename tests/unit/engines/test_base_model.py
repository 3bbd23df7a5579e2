import json

import numpy as np
import pytest
from safetensors.numpy import save

from pete.config import EMBEDDED_BASE, ModelConfig
from pete.engines import base_model
from pete.engines.base_model import check_folder, look_up_base, resolve_base
from pete.errors import BaseModelError

INDEX = json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})
TENSORS = save({"w": np.arange(100, dtype=np.float32)})


def folder(tmp_path, config: object = None, **files: str | bytes):
    """A model folder; __ in a name stands for a dot."""
    path = tmp_path / "base"
    path.mkdir()
    if config is not None:
        (path / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    for name, content in files.items():
        (path / name.replace("__", ".")).write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("config", "files", "reason"),
    [
        (None, {"model__safetensors": TENSORS}, "no config.json"),
        ("{", {"model__safetensors": TENSORS}, "not JSON"),
        ({"auto_map": {"AutoModel": "x.y"}}, {"model__safetensors": TENSORS}, "run its own code"),
        ({"model_file": "x.py"}, {"model__safetensors": TENSORS}, "run its own code"),
        ({}, {"pytorch_model__bin": b"x"}, "only pytorch_model.bin .pickle"),
        ({}, {}, "found no weights"),
        ({}, {"adapter_model__safetensors": TENSORS}, "expected model.safetensors, found adapter_model.safetensors"),
        ({}, {"model__safetensors": TENSORS[:-1]}, "model.safetensors is damaged or cut short"),
        ({}, {"model__safetensors__index__json": INDEX, "model-1__safetensors": TENSORS}, r"model-2.safetensors is missing .2 of 2"),
        ({}, {"model__safetensors__index__json": INDEX.replace("model-2", "../x"), "model-1__safetensors": TENSORS}, "names '../x"),
        ({}, {"model__safetensors__index__json": "[]"}, "not an index"),
    ],
)
def test_folders_that_are_refused_and_why(tmp_path, config, files, reason):
    path = folder(tmp_path, config, **files)
    for look in (lambda: check_folder(path), lambda: look_up_base(ModelConfig(base=str(path)))):
        with pytest.raises(BaseModelError, match=reason):
            look()


def test_a_folder_in_parts_is_whole(tmp_path):
    parts = {"model-1__safetensors": TENSORS, "model-2__safetensors": TENSORS}
    check_folder(folder(tmp_path, {}, model__safetensors__index__json=INDEX, **parts))


def test_a_local_folder_is_known_by_its_weights_and_read_once(tmp_path, monkeypatch):
    path = folder(tmp_path, {"max_position_embeddings": 77}, model__safetensors=TENSORS)
    first = resolve_base(ModelConfig(base=str(path)))
    assert (first.context, first.revision, first.missing) == (77, "local", 0)
    with monkeypatch.context() as patch:
        patch.setattr(base_model.hashlib, "file_digest", None)
        assert look_up_base(ModelConfig(base=str(path))) == first
    (path / "model.safetensors").write_bytes(save({"w": np.zeros(100, dtype=np.float32)}))
    assert resolve_base(ModelConfig(base=str(path))).fingerprint != first.fingerprint


def test_a_name_that_is_nothing_offers_the_embedded_base():
    with pytest.raises(BaseModelError) as error:
        resolve_base(ModelConfig(base="gpt-five"))
    assert EMBEDDED_BASE in error.value.hint


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
