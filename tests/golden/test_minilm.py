"""Sentence vectors are those of the model's own implementation, transformers', and stay what they were."""

import numpy as np

GOLDEN = {
    "A kettle.": [-0.08998, 0.06168, -0.0385, 0.04695, -0.11143, 0.01324],
    "We open at nine, or when somebody has found the key; the key is usually with Derek.":
        [0.04572, -0.07054, 0.00446, -0.02265, -0.03736, 0.10752],
    "Caf\u00e9 42\u20ac? " * 20: [0.11851, -0.05131, 0.00479, -0.00257, -0.0063, 0.11637],
}  # fmt: skip
"""The first numbers of each text's vector."""


def test_the_vectors_stay_what_they_were():
    from pete.engines.sentence import Embedder

    vectors = Embedder()(list(GOLDEN))
    assert np.abs(vectors[:, :6] - np.array(list(GOLDEN.values()))).max() < 1e-4
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-5


def test_they_are_what_transformers_computes_of_a_text_alone():
    import torch
    from transformers import AutoModel, AutoTokenizer

    from pete.engines.sentence import Embedder, _installed

    vectors = Embedder()(list(GOLDEN))
    model, tokenizer = AutoModel.from_pretrained(_installed()).eval(), AutoTokenizer.from_pretrained(_installed())
    for text, ours in zip(GOLDEN, vectors, strict=True):
        with torch.no_grad():
            theirs = model(**tokenizer(text, return_tensors="pt", truncation=True, max_length=256)).last_hidden_state.mean(1)[0].numpy()
        assert np.abs(ours - theirs / np.linalg.norm(theirs)).max() < 1e-4
