"""llama.cpp's library: what is opened, what is refused, and its quantiser."""

import os
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType
from gguf.quants import dequantize, quantize

from pete.engines.llama import runtime
from pete.errors import WorkError

Q8 = GGMLQuantizationType.Q8_0
Q4_K = GGMLQuantizationType.Q4_K


def test_only_the_version_whose_structures_are_known_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    assert runtime.missing() == ""
    monkeypatch.setattr(runtime, "VERSION", "1.0")
    assert runtime.missing() == "xllamacpp is 2026.10.11549, and Pete knows 1.0"
    monkeypatch.setattr(runtime, "PACKAGE", "no_such_package")
    assert runtime.missing() == "the package no_such_package is not installed"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux keeps a program from some cores")
def test_it_computes_with_the_cores_that_it_may_use() -> None:
    """Two threads on one core wait for each other in every layer."""
    may = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(may)})
        assert runtime.threads() == 1
    finally:
        os.sched_setaffinity(0, may)
    assert 1 <= runtime.threads() <= len(may)


def test_the_structures_are_those_of_the_library() -> None:
    """A field more or less moves all behind it: the defaults that llama.cpp documents stand where they should."""
    library = runtime._library()
    context = library.llama_context_default_params()
    assert (context.n_ctx, context.n_batch, context.n_ubatch, context.n_seq_max) == (512, 2048, 512, 1)
    assert (context.yarn_beta_fast, context.yarn_beta_slow, context.type_k, context.type_v) == (-1.0, -1.0, 1, 1)
    assert (context.offload_kqv, context.op_offload, context.swa_full, context.embeddings, context.n_samplers) == (
        True,
        True,
        True,
        False,
        0,
    )
    model = library.llama_model_default_params()
    assert (model.n_gpu_layers, model.split_mode, model.use_extra_bufts, model.vocab_only, model.check_tensors) == (
        -1,
        1,
        True,
        False,
        False,
    )


def test_the_quantiser_writes_what_ggufs_own_does() -> None:
    values = np.random.default_rng(0).normal(size=(5, 64)).astype(np.float32)
    assert np.array_equal(runtime.quantize_rows(values, Q8, 68), quantize(values, Q8))


def test_importance_moves_the_error_to_where_it_does_not_matter() -> None:
    values = np.random.default_rng(0).normal(size=(8, 512)).astype(np.float32)
    weights = np.where(np.arange(512) % 8 == 0, 100.0, 0.01).astype(np.float32)
    errors = []
    for importance in (None, weights):
        back = dequantize(runtime.quantize_rows(values, Q4_K, 288, importance), Q4_K)
        errors.append(float((((back - values) ** 2) * weights).sum()))
    assert errors[1] < errors[0] / 2


def test_a_file_that_is_no_gguf_is_an_error_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "torn.gguf").write_bytes(b"GGUF\x03\x00\x00\x00")
    with pytest.raises(WorkError, match=r"llama.cpp cannot load torn.gguf: .*read") as found:
        runtime.Weights(tmp_path / "torn.gguf", gpu=False)
    assert found.value.hint
