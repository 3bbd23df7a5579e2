"""Which kind of numbers is small and costs nothing that can be measured: each one tried on unseen text of the user's own."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from pete.errors import UserError, WorkError
from pete.export.gguf import BITS, LlamaReader, write
from pete.export.proof import compare
from pete.export.workshop import Made, Workshop
from pete.listener import LISTENER
from pete.run import write_json

MOST = 0.01
"""Bits per byte of unseen text that a kind may cost to be taken by itself. What training gains is 0.1 and more."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class KindTried(_Record):
    """What one kind of numbers costs."""

    kind: str
    size: int = 0
    """Bytes of the file."""
    bits_per_byte: float = 0.0
    cost: float = 0.0
    """Bits per byte more than the model in full has."""
    kl: float = 0.0
    tokens_per_second: float = 0.0
    refused: str = ""
    """Why it is not to be had, or is no longer the tuned model; empty: it is fine."""


class QuantTable(_Record):
    """Every kind, the smallest first, and the one to take."""

    version: int = 1
    name: str
    base: str
    full_bits_per_byte: float
    """Of the model in full, as the training engine computes it."""
    base_bits_per_byte: float | None
    rows: int
    rows_of: str
    tried: tuple[KindTried, ...]
    chosen: str = ""
    """Empty: every kind costs more than `most`."""
    most: float = MOST

    def write(self, path: Path) -> None:
        """Keep it as JSON."""
        write_json(path, self.model_dump(mode="json"))


def try_kinds(shop: Workshop) -> QuantTable:
    """Write, load and measure every kind; the file of the one to take stays in the workshop, proven.

    Raises:
        UserError: llama.cpp is not here, or the architecture has no map.
    """
    if not shop.source.rendered():
        raise UserError(
            f"No row of {shop.source.rows_of} fits the model's {shop.source.renderer.context} tokens.", "name a kind: --quant q8_0"
        )
    reference = shop.reference
    tried: list[KindTried] = []
    chosen = ""
    failure: UserError | None = None
    for number, kind in enumerate(BITS):
        LISTENER.get().progress("kinds of numbers", number, len(BITS))
        path = None
        try:
            path = write(shop, kind)
            proof = compare(shop.source, reference, LlamaReader(shop.source, path), "gguf", kind, [path])
        except (UserError, WorkError) as error:
            failure = error if isinstance(error, UserError) else failure
            tried.append(KindTried(kind=kind, refused=error.message))
        else:
            tried.append(
                KindTried(
                    kind=kind,
                    size=proof.size,
                    bits_per_byte=proof.bits_per_byte,
                    cost=proof.cost,
                    kl=proof.kl,
                    tokens_per_second=proof.tokens_per_second,
                    refused="; ".join(proof.problems),
                )
            )
            if not chosen and not proof.problems and proof.cost < MOST:
                chosen = kind
                made = Made(path, proof)
                shop.once(f"gguf {kind}", lambda made=made: made)
                continue
        if path is not None:
            path.unlink(missing_ok=True)
    LISTENER.get().progress("kinds of numbers", len(BITS), len(BITS))
    if failure is not None and all(one.size == 0 for one in tried):
        raise failure
    base = reference.base
    return QuantTable(
        name=shop.source.name,
        base=shop.source.base.name,
        full_bits_per_byte=reference.tuned.bits_per_byte,
        base_bits_per_byte=None if base is None else base.bits_per_byte,
        rows=len(shop.source.rendered()),
        rows_of=shop.source.rows_of,
        tried=tuple(tried),
        chosen=chosen,
    )
