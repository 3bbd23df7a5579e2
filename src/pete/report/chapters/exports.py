"""The chapter "Exports": what left this run, and what was shown of it when it was read back."""

from pete.export.record import ExportProof, kept_proofs
from pete.report.blocks import Block, Section, Table, Text
from pete.report.model import ReportData
from pete.words import file_size, short


def exports(data: ReportData) -> Section | None:
    """The chapter; None where nothing was exported."""
    proofs = kept_proofs(data.run.folder / "exports")
    if not proofs:
        return None
    rows = tuple(_row(proof) for proof in proofs)
    head = ("Form", "Read back by", "Size", "Divergence", "of the base", "Greedy answers alike", "Bits per byte", "sha256")
    note = (
        "Divergence: nats by which next tokens differ from the tuned model's, and beside it how far its own untrained base is from it. "
        "Bits per byte: what this form costs on unseen text. Token ids were equal in all of them; what is not what was trained is not kept."
    )
    blocks: list[Block] = [
        Text("Every export was loaded again by the program that reads it, and compared with the tuned model before it was kept."),
        Table(head, rows, note, names=2),
    ]
    return Section("Exports", tuple(blocks))


def _row(proof: ExportProof) -> tuple[str, ...]:
    return (
        f"{proof.form}, {proof.kind}",
        proof.reader,
        file_size(proof.size),
        short(proof.kl),
        "" if proof.kl_base is None else short(proof.kl_base),
        f"{proof.greedy:.0%}",
        f"{proof.cost:+.4f}",
        next(iter(proof.sha256.values()))[:12],
    )
