"""What llama.cpp multiplies each matrix with, looked at while it computes; and what the quantiser makes of it."""

import json
from types import SimpleNamespace

import numpy as np
from gguf.quants import dequantize

from pete.data.render import Renderer
from pete.engines.base_models.merge import MergedWeights
from pete.engines.gguf import write_gguf
from pete.engines.gguf.importance import importance_of
from pete.engines.gguf.kinds import G
from pete.engines.llama.runtime import quantize_rows
from pete.export.workshop import Workshop
from tests.unit.engines.gguf.conftest import TEMPLATE, WIDTH, by_bytes

ROWS = [[5, 300, 41, 7], [9, 10, 11]]


def test_the_first_matrices_get_the_normed_embeddings(tiny, tmp_path):
    base = tiny(by_bytes())
    write_gguf(base, None, tmp_path / "it.gguf", "f32")
    found = importance_of(tmp_path / "it.gguf", ROWS)
    layer = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
    assert found.keys() == {f"blk.0.{part}.weight" for part in layer} | {"token_embd.weight"}
    weights = MergedWeights(base, None)
    embedded = weights.tensor("model.embed_tokens.weight")[[token for row in ROWS for token in row]]
    normed = embedded / np.sqrt((embedded**2).mean(-1, keepdims=True) + 1e-5) * weights.tensor("model.layers.0.input_layernorm.weight")
    wanted = (normed**2).mean(0)
    for part in ("attn_q", "attn_k", "attn_v"):
        np.testing.assert_allclose(found[f"blk.0.{part}.weight"], wanted, rtol=1e-4)
    assert found["blk.0.ffn_down.weight"].shape == (2 * WIDTH,) and found["token_embd.weight"].shape == (WIDTH,)


def test_columns_that_matter_are_rounded_less():
    rng = np.random.default_rng(0)
    values, importance = rng.normal(size=(64, 256)).astype(np.float32), np.exp(3 * rng.normal(size=256)).astype(np.float32)
    for kind, size in ((G.Q4_0, 144), (G.Q4_K, 144)):
        plain, weighed = (
            dequantize(quantize_rows(values, int(kind), size, weights), kind) for weights in (None, importance)
        )  # fmt: skip
        costs = [float((importance * (values - made) ** 2).sum()) for made in (plain, weighed)]
        assert costs[1] < 0.9 * costs[0]


def test_an_export_looks_at_the_runs_own_training_text(tiny, tmp_path):
    base = tiny(by_bytes(), TEMPLATE)
    train = tmp_path / "train.jsonl"
    train.write_text("".join(json.dumps({"prompt": f"Say {n}.", "completion": f"It is {n}."}) + "\n" for n in range(3)))
    renderer = Renderer(base.folder, template="", system="", context=128)
    run = SimpleNamespace(split_file=lambda split: {"train": train}[split])
    source = SimpleNamespace(base=base, adapter=None, renderer=renderer, run=run)
    found = Workshop(source, "q4_k_m", tmp_path, tmp_path).importance  # type: ignore[arg-type]
    assert found is not None and found["blk.0.ffn_down.weight"].shape == (2 * WIDTH,) and not (tmp_path / "full.gguf").exists()
    source.run = None
    assert Workshop(source, "q4_k_m", tmp_path, tmp_path).importance is None  # type: ignore[arg-type]
