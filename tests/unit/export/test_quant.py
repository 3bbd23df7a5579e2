"""The table of kinds: the smallest that costs nothing is taken, and only its file stays."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from pete.errors import BaseModelError
from pete.export import quant
from pete.export.proof import Reference, read
from pete.export.quant import QuantTable, try_kinds
from tests.unit.export.test_proof import Reads, Table, source  # noqa: F401 - a fixture

NOISE = {"q4_0": 0.9, "q4_k_m": 0.2, "q5_k_m": 0.01, "q6_k": 0.005, "q8_0": 0.001, "f16": 0.0}


@pytest.fixture
def shop(source, tmp_path, monkeypatch):  # noqa: F811
    prompts, rows = source.prompt_ids(), source.rendered()
    reference = Reference("torch", "float32", read(Table(), prompts, rows), read(Table(0.5, 9), prompts, rows, draws=False))
    made = {}

    def write(shop, kind):
        if kind == "q4_k_m":
            raise BaseModelError("llama.cpp has no such rows.")
        path = tmp_path / f"ada-{kind}.gguf"
        path.write_bytes(b"x" * (1 + list(NOISE).index(kind)))
        return path

    def opened(source, path):
        return Reads(Table(NOISE[path.stem.removeprefix("ada-")], 5), source.renderer)

    monkeypatch.setattr(quant, "write", write)
    monkeypatch.setattr(quant, "LlamaReader", opened)
    return SimpleNamespace(source=source, reference=reference, once=lambda what, make: made.setdefault(what, make()), made=made)


def test_the_smallest_that_costs_nothing(shop, tmp_path):
    table = try_kinds(shop)
    by_kind = {one.kind: one for one in table.tried}
    assert list(by_kind) == list(NOISE)
    assert "is lost" in by_kind["q4_0"].refused and by_kind["q4_k_m"].refused == "llama.cpp has no such rows."
    assert abs(by_kind["q5_k_m"].cost) < 0.01 and table.chosen == "q5_k_m"
    assert abs(by_kind["f16"].cost) < 1e-9 and by_kind["f16"].size > by_kind["q8_0"].size > 0
    assert [path.name for path in tmp_path.glob("*.gguf")] == ["ada-q5_k_m.gguf"] and list(shop.made) == ["gguf q5_k_m"]
    table.write(tmp_path / "ada.quant.json")
    assert QuantTable.model_validate_json((tmp_path / "ada.quant.json").read_text()) == table


def test_where_every_kind_costs_none_is_taken(shop, tmp_path, monkeypatch):
    monkeypatch.setattr(quant, "MOST", -10)
    assert try_kinds(shop).chosen == "" and not list(tmp_path.glob("*.gguf"))


def test_a_model_that_no_kind_takes_says_why(shop, monkeypatch):
    def refuse(shop, kind):
        raise BaseModelError("llama.cpp does not compute this base.", "--to merged")

    monkeypatch.setattr(quant, "write", refuse)
    with pytest.raises(BaseModelError, match="does not compute this base"):
        try_kinds(shop)


def test_the_table_on_a_screen(shop, capsys):
    from pete.cli.console import console
    from pete.cli.export import show_table

    show_table(console(), try_kinds(shop))
    said = capsys.readouterr().out
    assert "take this one" in said and "no such rows" in " ".join(said.split()) and Path(__file__).stem not in said
