"""Where bases are found; what is refused of one: test_checks.py."""

import numpy as np
import pytest
from safetensors.numpy import save

from pete.config import EMBEDDED_BASE, ModelConfig
from pete.engines.base_models import resolve as base_model
from pete.engines.base_models.resolve import look_up_base, resolve_base
from pete.errors import BaseModelError, UserError
from tests.unit.engines.base_models.test_checks import LLAMA, TENSORS, folder


def test_a_folder_of_the_hubs_cache_is_called_as_on_the_hub(tmp_path):
    commit = "0123456789abcdef0123456789abcdef01234567"
    path = tmp_path / "models--acme--tiny" / "snapshots" / commit
    folder(tmp_path, LLAMA, model__safetensors=TENSORS).rename(path.parent.mkdir(parents=True) or path)
    base = look_up_base(ModelConfig(base=str(path)))
    assert (base.name, base.revision, base.fingerprint) == ("acme/tiny", commit, commit), "as when it is named"
    assert look_up_base(ModelConfig(base=f"{path}/")) == base


def test_folders_are_found_by_tilde_and_from_here(tmp_path, monkeypatch):
    path = folder(tmp_path, LLAMA, model__safetensors=TENSORS)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(path)
    found = [look_up_base(ModelConfig(base=name)) for name in ("~/base", ".", "../base", str(path))]
    assert {(base.name, base.folder) for base in found} == {("base", path)}
    with pytest.raises(UserError, match="~nobody-here"):
        look_up_base(ModelConfig(base="~nobody-here/base"))


def test_a_local_folder_is_known_by_its_weights_and_read_once(tmp_path, monkeypatch):
    path = folder(tmp_path, LLAMA, model__safetensors=TENSORS)
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
