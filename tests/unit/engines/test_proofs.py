from pathlib import Path

import pytest

from pete.engines.proofs import Proof


def test_a_proof_is_remembered_for_these_facts_files_and_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    code = tmp_path / "code.py"
    code.write_text("1")

    def proof(facts: object = "cpu", kind: str = "base") -> Proof:
        return Proof.of(kind, facts, files=[code, tmp_path / "missing"], packages=("numpy",), folder=tmp_path / "proofs")

    assert proof().recall() is None
    proof().keep({"gap": 0.5})
    assert proof().recall() == {"gap": 0.5}
    assert proof("cuda").recall() is None and proof(kind="text").recall() is None
    (tmp_path / "missing").write_text("")
    assert proof().recall() is None, "an empty file is another thing than none"
    (tmp_path / "missing").unlink()
    code.write_text("2")
    assert proof().recall() is None
    code.write_text("1")
    monkeypatch.setattr("pete.engines.proofs.version", lambda _: "0.1")
    assert proof().recall() is None


@pytest.mark.parametrize("damage", ["{broken", "[]", ""])
def test_a_damaged_proof_is_none(damage: str, tmp_path: Path):
    proof = Proof.of("base", "cpu", files=(), folder=tmp_path)
    proof.keep({})
    assert proof.recall() == {}
    proof.path.write_text(damage)
    assert proof.recall() is None


def test_a_cache_that_cannot_be_written_costs_nothing(tmp_path: Path):
    (tmp_path / "cache").write_text("a file in the way")
    Proof.of("base", "cpu", files=(), folder=tmp_path / "cache").keep({})


def test_proofs_are_kept_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pete.engines.proofs.cache_root", lambda: tmp_path)
    assert Proof.of("base", "cpu", files=()).path.parent == tmp_path / "proofs"
