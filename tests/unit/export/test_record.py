"""The record of a proof, kept and found."""

from pete.export.record import keep_proof, kept_proofs
from tests.unit.export.proofs import proof


def test_proofs_are_kept_and_read(tmp_path):
    keep_proof(proof(), tmp_path / "gguf-q8_0.proof.json")
    (tmp_path / "other.proof.json").write_text("[]")
    assert kept_proofs(tmp_path) == [proof()] and kept_proofs(tmp_path / "none") == []
