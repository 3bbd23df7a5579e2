"""Only what was written here is opened."""

import pytest

from pete.config import Config
from pete.engines.gguf.known import check_ours, is_ours, remember
from pete.engines.llama.engine import LlamaEngine
from pete.errors import BaseModelError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PETE_CACHE", str(tmp_path / "cache"))


def test_known_by_what_is_in_it(tmp_path):
    path, other = tmp_path / "a.gguf", tmp_path / "b.gguf"
    path.write_bytes(b"GGUF one")
    other.write_bytes(b"GGUF two")
    assert not is_ours(path) and len(remember(path)) == 64 and is_ours(path) and not is_ours(other)
    moved = path.rename(tmp_path / "c.gguf")
    check_ours(moved)
    moved.write_bytes(b"GGUF 0ne")
    with pytest.raises(BaseModelError, match=r"c\.gguf was not written by Pete on this machine, or has changed since"):
        check_ours(moved)
    with pytest.raises(BaseModelError, match="There is no file"):
        check_ours(path)


def test_nothing_else_is_opened(tmp_path, monkeypatch):
    path = tmp_path / "foreign.gguf"
    path.write_bytes(b"GGUF\xff\xff\xff\xff")
    monkeypatch.setattr("pete.engines.llama.engine.Weights", lambda *_, **__: pytest.fail("it was given to llama.cpp"))
    with pytest.raises(BaseModelError, match="not written by Pete"):
        LlamaEngine.open_file(Config(), path)
