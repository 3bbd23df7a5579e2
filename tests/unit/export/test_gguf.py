"""llama.cpp as the reader of a file that was just written: its ids and ends are compared, not taken on trust."""

from types import SimpleNamespace

import pytest

from pete.config import Config
from pete.data.render import Message, Renderer
from pete.engines.gguf import write_gguf
from pete.errors import UserError
from pete.export import gguf
from pete.export.gguf import BITS, LlamaReader, file_room, require_llama
from pete.persona import PLAIN_TEMPLATE
from tests.unit.engines.gguf.conftest import TEMPLATE, by_bytes, tiny  # noqa: F401 - a fixture


def opened(base, tmp_path) -> LlamaReader:
    write_gguf(base, None, tmp_path / "tiny.gguf", "f16")
    renderer = Renderer(base.folder, template=PLAIN_TEMPLATE, system="", context=128)
    return LlamaReader(SimpleNamespace(renderer=renderer, config=Config()), tmp_path / "tiny.gguf")  # type: ignore[arg-type]


def test_ids_by_the_files_own_template_and_tokenizer(tiny, tmp_path):  # noqa: F811
    base = tiny(by_bytes(), TEMPLATE)
    reader = opened(base, tmp_path)
    renderer = Renderer(base.folder, template="", system="", context=128)
    turns = [Message("user", "Grüße, 12 days!")]
    assert reader.prompt_ids(renderer.messages(turns)) == renderer.prompt_ids(turns)
    assert set(reader.ends()) >= renderer.ends and reader.engine.logits([1, 2, 3]).shape == (700,)
    assert "llama.cpp" in reader.name and not reader.adds_bos


def test_a_file_without_a_template_leaves_that_to_others(tiny, tmp_path):  # noqa: F811
    assert opened(tiny(by_bytes()), tmp_path).prompt_ids([{"role": "user", "content": "Hi."}]) is None


def test_no_file_leaves_where_nothing_can_read_it(monkeypatch):
    monkeypatch.setattr("pete.engines.llama.runtime.missing", lambda: "the package is not installed")
    with pytest.raises(UserError, match="no GGUF leaves unread: the package is not installed"):
        require_llama()


def test_room_is_more_than_the_file_takes():
    assert list(BITS) == sorted(BITS, key=lambda kind: BITS[kind]), "the smallest first: --quant auto takes the first that costs nothing"
    assert file_room(10**9, "q8_0") > 1.07 * 10**9 and file_room(10**9, "q4_0") > 2 * 10**9, "its importance is read off a file in f16"
    assert "q8_0" not in gguf.WEIGHED and "q4_0" in gguf.WEIGHED
