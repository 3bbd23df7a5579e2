"""Which type each tensor gets."""

import pytest

from pete.engines.gguf.kinds import KINDS, G, check_kind, row_size, type_of
from pete.errors import UserError

EMBEDDING, VALUE, DOWN, QUERY = "token_embd.weight", "blk.{}.attn_v.weight", "blk.{}.ffn_down.weight", "blk.3.attn_q.weight"


@pytest.mark.parametrize(
    ("kind", "name", "columns", "wanted"),
    [
        ("q8_0", EMBEDDING, 512, G.Q8_0),
        ("f16", EMBEDDING, 500, G.F16),
        ("q8_0", QUERY, 500, G.F16),
        ("q4_0", EMBEDDING, 512, G.Q6_K),
        ("q4_0", EMBEDDING, 576, G.Q8_0),
        ("q4_0", QUERY, 576, G.Q4_0),
        ("q4_k_m", QUERY, 512, G.Q4_K),
        ("q4_k_m", QUERY, 576, G.Q5_0),
        ("q4_k_m", VALUE.format(0), 512, G.Q6_K),
        ("q4_k_m", VALUE.format(4), 512, G.Q4_K),
        ("q4_k_m", DOWN.format(6), 512, G.Q6_K),
        ("q5_k_m", DOWN.format(31), 512, G.Q6_K),
        ("q5_k_m", DOWN.format(31), 576, G.Q8_0),
        ("q5_k_m", "blk.5.attn_qkv.weight", 512, G.Q6_K),
        ("q6_k", QUERY, 512, G.Q6_K),
    ],
)
def test_as_llama_cpps_quantiser_chooses(kind, name, columns, wanted):
    assert type_of(kind, name, (64, columns), 32, head=EMBEDDING) == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_stay(kind):
    assert type_of(kind, "blk.0.attn_norm.weight", (512,), 32, head=EMBEDDING) == G.F32
    check_kind(kind)


def test_sizes_and_names():
    assert (row_size(G.F16, 512), row_size(G.Q8_0, 512), row_size(G.Q4_K, 512)) == (1024, 544, 288)
    with pytest.raises(UserError, match="no kind of GGUF called 'q3'"):
        check_kind("q3")
