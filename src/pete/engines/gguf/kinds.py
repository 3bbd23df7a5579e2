"""Kinds of GGUF files: which of ggml's types each tensor gets, as llama.cpp's own quantiser chooses them."""

from collections.abc import Sequence

from gguf import GGML_QUANT_SIZES, LlamaFileType
from gguf import GGMLQuantizationType as G

from pete.engines.gguf.architectures import layer_of
from pete.errors import UserError

F = LlamaFileType
KINDS: dict[str, tuple[G, LlamaFileType]] = {
    "f32": (G.F32, F.ALL_F32), "f16": (G.F16, F.MOSTLY_F16), "bf16": (G.BF16, F.MOSTLY_BF16), "q8_0": (G.Q8_0, F.MOSTLY_Q8_0),
    "q6_k": (G.Q6_K, F.MOSTLY_Q6_K), "q5_k_m": (G.Q5_K, F.MOSTLY_Q5_K_M), "q5_1": (G.Q5_1, F.MOSTLY_Q5_1),
    "q5_0": (G.Q5_0, F.MOSTLY_Q5_0), "q4_k_m": (G.Q4_K, F.MOSTLY_Q4_K_M), "q4_1": (G.Q4_1, F.MOSTLY_Q4_1),
    "q4_0": (G.Q4_0, F.MOSTLY_Q4_0),
}  # fmt: skip
"""Name -> the type most matrices get, and what llama.cpp calls such a file; the exactest first."""
NARROW = {G.Q4_K: G.Q5_0, G.Q5_K: G.Q5_1, G.Q6_K: G.Q8_0}
"""What is taken instead where a row is no multiple of a type's block."""


def check_kind(kind: str) -> None:
    """Raises UserError for a kind there is not."""
    if kind not in KINDS:
        raise UserError(f"There is no kind of GGUF called {kind!r}.", f"kinds: {', '.join(KINDS)}")


def type_of(kind: str, name: str, shape: Sequence[int], layers: int, *, head: str) -> G:
    """The type of one tensor.

    Args:
        kind: of the file.
        name: the tensor's, in the file.
        shape: as transformers has it.
        layers: of the model.
        head: the tensor that makes the logits: output.weight, or the embedding where it is tied.
    """
    if len(shape) < 2:
        return G.F32
    made = KINDS[kind][0]
    if made in (G.F32, G.F16, G.BF16):
        return made
    if made is not G.Q8_0:
        if name == head:
            made = G.Q6_K
        elif kind in ("q4_k_m", "q5_k_m"):
            if name.endswith("attn_qkv.weight"):
                made = G.Q5_K if kind == "q4_k_m" else G.Q6_K
            elif name.endswith(("attn_v.weight", "ffn_down.weight")) and _dear(layer_of(name) or 0, layers):
                made = G.Q6_K
    for other in (made, NARROW.get(made), G.F16):
        if other is not None and shape[-1] % GGML_QUANT_SIZES[other][0] == 0:
            return other
    raise AssertionError("a row of float16 has any length")


def _dear(layer: int, layers: int) -> bool:
    """Layers whose values and last projections get more bits: the first and last eighth, and every third between."""
    return layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2


def row_size(kind: G, columns: int) -> int:
    """Bytes that a row takes."""
    block, size = GGML_QUANT_SIZES[kind]
    return columns // block * size
