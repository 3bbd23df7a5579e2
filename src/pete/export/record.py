"""The record of a proof: what was compared and what came out, as JSON beside the export. The report reads it, and needs no model."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from pete.run import write_json


class ExportProof(BaseModel):
    """What was compared, and what came out; kept as JSON beside the export."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: int = 1
    form: str
    kind: str
    """Of the numbers: f32, f16, bf16, q8_0, ..."""
    name: str
    base: str
    base_fingerprint: str
    adapter_sha256: str
    sha256: dict[str, str]
    """Of every file that was proven, by its name."""
    size: int
    """Bytes of these files."""
    reader: str
    reference: str
    prompts: int
    rows: int
    rows_of: str
    ids: str
    """Who made token ids of the conversations that were compared."""
    gap: float
    kl: float
    kl_base: float | None
    """Nats from the tuned model to its base, at the same places."""
    greedy: float
    bits_per_byte: float
    tuned_bits_per_byte: float
    base_bits_per_byte: float | None
    tokens_per_second: float
    problems: tuple[str, ...] = ()
    """Why it is refused, as sentences; empty: it is proven."""

    @property
    def cost(self) -> float:
        """Bits per byte of unseen text that this form costs."""
        return self.bits_per_byte - self.tuned_bits_per_byte


def keep_proof(proof: ExportProof, path: Path) -> None:
    """Write it, whole or not at all."""
    write_json(path, proof.model_dump(mode="json"))


def kept_proofs(folder: Path) -> list[ExportProof]:
    """The proofs in a folder of exports, by name; what is none is passed over."""
    found = []
    for path in sorted(folder.glob("*.proof.json")):
        try:
            found.append(ExportProof.model_validate_json(path.read_text(encoding="utf-8")))
        except (OSError, ValidationError):
            continue
    return found
