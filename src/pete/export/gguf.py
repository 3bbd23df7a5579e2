"""--to gguf: one file for llama.cpp and everything built on it."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from pete.data.template import TemplateError
from pete.engines.protocol import Generator
from pete.errors import UserError
from pete.export.source import Source
from pete.export.workshop import Exporter, Made, Workshop
from pete.listener import LISTENER

BITS = {"q4_0": 4.6, "q4_k_m": 5.0, "q5_k_m": 5.8, "q6_k": 6.6, "q8_0": 8.5, "f16": 16.0}
"""What --quant offers, the smallest first -> bits a weight takes, about, for the room on a disk."""

WEIGHED = frozenset(kind for kind, bits in BITS.items() if bits < 8)
"""Kinds small enough that it pays to know which columns matter."""


class Gguf(Exporter):
    """See the module."""

    quantizes = True

    def room(self, shop: Workshop) -> int:
        """The file."""
        return file_room(shop.parameters, shop.kind)

    def target(self, shop: Workshop) -> Path:
        """One file."""
        return shop.out / file_name(shop)

    def make(self, shop: Workshop) -> Made:
        """The file, loaded again with llama.cpp."""
        return make_gguf(shop)


def file_room(parameters: int, kind: str) -> int:
    """Bytes that a file takes, about, and what it is made of; small models keep the embedding, a large part of them, in more bits."""
    return int(parameters * BITS[kind] / 8 * 1.2) + 2**24 + (2 * parameters if kind in WEIGHED else 0)


def file_name(shop: Workshop) -> str:
    """Of the file, wherever it goes."""
    return f"{shop.source.name}-{shop.kind}.gguf"


def make_gguf(shop: Workshop) -> Made:
    """The file and its proof, made once in a workshop.

    Raises:
        UserError: llama.cpp is not here, or has no map for this architecture. WorkError: it is not what was trained.
    """

    def make() -> Made:
        shop.reference  # noqa: B018 - before anything big is written, and out of memory again
        path = write(shop, shop.kind)
        LISTENER.get().message(f"loading the {shop.kind} file with llama.cpp ...")
        return Made(path, shop.prove(LlamaReader(shop.source, path), "gguf", shop.kind, [path]))

    return shop.once(f"gguf {shop.kind}", make)


def write(shop: Workshop, kind: str) -> Path:
    """Write a file of a kind into the workshop."""
    from pete.engines.gguf import write_gguf

    require_llama()
    path = shop.scratch / f"{shop.source.name}-{kind}.gguf"
    LISTENER.get().message(f"writing {path.name} ...")
    write_gguf(shop.source.base, shop.dressed, path, kind, shop.importance if kind in WEIGHED else None)
    return path


def require_llama() -> None:
    """Raises UserError where llama.cpp is not here, which has to read every file back."""
    from pete.engines.llama.runtime import missing

    if why := missing():
        raise UserError(
            f"llama.cpp cannot be used here, and no GGUF leaves unread: {why}.", "start through ./pete, which installs it; or --to merged"
        )


class LlamaReader:
    """llama.cpp with a file that was just written: its numbers, its tokenizer, and the template and ends of the file's metadata."""

    def __init__(self, source: Source, path: Path) -> None:
        """Load the file."""
        from pete.engines.llama.engine import LlamaEngine
        from pete.engines.llama.runtime import VERSION

        self.name = f"llama.cpp (xllamacpp {VERSION})"
        self._renderer = source.renderer
        self._llama = LlamaEngine.open_file(source.config, path)
        self.engine: Generator = self._llama

    @property
    def adds_bos(self) -> bool:
        """Whether the file asks for a first token in front of every text."""
        return self._llama.weights.metadata("tokenizer.ggml.add_bos_token") == "true"

    def prompt_ids(self, messages: Sequence[Mapping[str, object]]) -> list[int] | None:
        """The file's template, in our jinja, cut into tokens by llama.cpp; as there, a BOS that both would write is written once."""
        template = self._llama.weights.metadata("tokenizer.chat_template")
        if template is None:  # a base alone that has none
            return None
        try:
            text = self._renderer.text_by(template, [dict(one) for one in messages])
        except TemplateError:
            return []
        first = self._llama.weights.metadata("tokenizer.ggml.bos_token_id")
        if self.adds_bos and first is not None:
            text = text.removeprefix(str(self._renderer.tokenizer.id_to_token(int(first))))
        return self._llama.weights.tokenize(text, special=True, add_special=True)

    def ends(self) -> Collection[int]:
        """Ids after which llama.cpp stops by itself."""
        return self._llama.weights.ends()
