"""Our sentence vectors are those of the model's own implementation."""

import numpy as np


def test_numpy_and_transformers_agree():
    import torch
    from transformers import BertModel

    from pete.engines.sentence import Embedder, _installed

    texts = [
        "A kettle.",
        "We open at nine, or when somebody has found the key; the key is usually with Derek.",
        "Caf\u00e9 42\u20ac? " * 20,
    ]
    ours = Embedder()
    model = BertModel.from_pretrained(_installed(), add_pooling_layer=False).eval()
    for text in texts:
        ids = torch.tensor([ours._tokenizer.encode(text).ids])
        with torch.no_grad():
            theirs = model(input_ids=ids).last_hidden_state.mean(1)[0].numpy()
        assert np.abs(ours([text])[0] - theirs / np.linalg.norm(theirs)).max() < 1e-4
