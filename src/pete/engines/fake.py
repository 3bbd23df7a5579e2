"""The fake engine: a bigram model in numpy that really learns, in microseconds. It obeys the protocol to the letter.

The "base" is a fixed random table of next-byte logits; the adapter adds A[previous] @ B, trained with AdamW. Tests of
everything above the engines run on it, and so can yours.
"""

import json
import math
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from pete.adapter import read_weights, write_weights
from pete.config import Config, GenerateConfig, LoraConfig, ModelConfig
from pete.data.batch import Batch
from pete.engines.protocol import Base, Forecast, LossSum, MemoryUse, StepResult, Trainer
from pete.engines.sampling import draw
from pete.errors import AdapterError
from pete.machine.memory import read_memory
from pete.places import cache_root
from pete.run import write_atomic

END = "<|end|>"
CONTEXT = 2048
NAMES = ("base_model.model.bigram.lora_A.weight", "base_model.model.bigram.lora_B.weight")


def byte_tokenizer() -> Tokenizer:
    """256 byte tokens and an end mark: any text, no download."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={symbol: i for i, symbol in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)  # type: ignore[assignment]
    tokenizer.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    tokenizer.add_special_tokens([AddedToken(END, special=True, normalized=False)])
    return tokenizer


def fake_base() -> Base:
    """The fake model's folder: a tokenizer and a config, written on first use."""
    folder = cache_root() / "fake-v2"
    if not (folder / "config.json").is_file():
        write_atomic(folder / "tokenizer.json", byte_tokenizer().to_str())
        write_atomic(folder / "tokenizer_config.json", json.dumps({"eos_token": END}))
        write_atomic(folder / "config.json", json.dumps({"model_type": "fake", "max_position_embeddings": CONTEXT}))
    return Base("fake", folder, "1", "fake-1", CONTEXT, made_here=True)


class FakeEngine(Trainer):
    """The engine protocol on a table."""

    name = "fake"
    dtype_reason = "numpy"

    def __init__(self, config: Config) -> None:
        self.optim = config.optim
        self.seed = config.train.seed
        self._lora: LoraConfig | None = None

    def load(self, model: ModelConfig, adapter: Path | None = None) -> None:
        """See the protocol; the model is always the fake one."""
        self.base = fake_base()
        self.adapter_active = True
        self._lora = None
        self._vocabulary = byte_tokenizer().get_vocab_size()
        self._table = np.random.default_rng(7).normal(0, 0.5, (self._vocabulary, self._vocabulary)).astype(np.float32)
        self.parameters = self._table.size
        if adapter is None:
            return
        settings, tensors = read_weights(adapter, self.base.name, self.base.fingerprint)
        a, b = (tensors.get(name) for name in NAMES)
        if a is None or b is None or a.shape != (settings["r"], self._vocabulary) or b.shape != (self._vocabulary, settings["r"]):
            raise AdapterError(f"{adapter} does not fit the fake base.", "train one: pete train")
        self._begin(LoraConfig(rank=settings["r"], alpha=settings["lora_alpha"], dropout=settings["lora_dropout"], targets=("bigram",)))
        self._weights = [a.T.copy(), b.T.copy()]
        if (adapter / "optimizer.safetensors").is_file():
            state = load_file(adapter / "optimizer.safetensors")
            self._updates = int(state["updates"][0])
            self._moments = [(state[f"first.{i}"], state[f"second.{i}"]) for i in range(2)]
            random = json.loads((adapter / "random.json").read_text())
            self._rng.bit_generator.state = random

    def estimate(
        self, base: Base, model: ModelConfig, lora: LoraConfig, *, largest: Batch, typical: Batch | None, scored: Batch | None
    ) -> Forecast:
        """The table, and the speed of an honest guess: nothing here is worth timing."""
        vocabulary = byte_tokenizer().get_vocab_size()
        return Forecast({"weights": vocabulary**2 * 4}, read_memory().available, 100_000.0)

    def add_lora(self, lora: LoraConfig) -> int:
        """See the protocol."""
        self._begin(lora)
        a = self._rng.normal(0, 0.1, (self._vocabulary, lora.rank)).astype(np.float32)
        self._weights = [a, np.zeros((lora.rank, self._vocabulary), dtype=np.float32)]
        return sum(w.size for w in self._weights)

    def _begin(self, lora: LoraConfig) -> None:
        self._lora = lora
        self._scale = np.float32(lora.alpha / lora.rank)
        self._rng = np.random.default_rng(self.seed)
        shapes = ((self._vocabulary, lora.rank), (lora.rank, self._vocabulary))
        self._moments = [(np.zeros(s, dtype=np.float32), np.zeros(s, dtype=np.float32)) for s in shapes]
        self._updates = 0

    def _pairs(self, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
        at = np.flatnonzero(batch.trained)
        return batch.ids[at - 1].astype(int), batch.ids[at].astype(int)

    def _log_shares(self, previous: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        logits = self._table[previous]
        if self._lora is not None and self.adapter_active:
            logits = logits + (self._weights[0][previous] if rows is None else rows) @ self._weights[1] * self._scale
        logits = logits - logits.max(-1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(-1, keepdims=True))

    def train_step(self, micro: Sequence[Batch], lr: float) -> StepResult:
        """See the protocol."""
        assert self._lora is not None
        a, b = self._weights
        grads = [np.zeros_like(a), np.zeros_like(b)]
        total = sum(int(batch.trained.sum()) for batch in micro)
        nats = 0.0
        for batch in micro:
            previous, label = self._pairs(batch)
            keep = (self._rng.random((len(label), a.shape[1])) >= self._lora.dropout).astype(np.float32) / np.float32(
                1 - self._lora.dropout
            )
            rows = a[previous] * keep
            log_shares = self._log_shares(previous, rows)
            nats -= float(log_shares[np.arange(len(label)), label].sum())
            error = np.exp(log_shares)
            error[np.arange(len(label)), label] -= 1.0
            error *= self._scale / total
            np.add.at(grads[0], previous, (error @ b.T) * keep)
            grads[1] += rows.T @ error
        norm = math.sqrt(sum(float((g**2).sum()) for g in grads))
        if math.isfinite(norm) and math.isfinite(nats):
            self._updates += 1
            shrink = min(1.0, self.optim.clip_norm / (norm + 1e-6))
            for i, grad in enumerate(grads):
                first, second = self._moments[i]
                grad = grad * shrink
                first[...] = 0.9 * first + 0.1 * grad
                second[...] = 0.999 * second + 0.001 * grad**2
                self._weights[i] *= np.float32(1 - lr * self.optim.weight_decay)
                step = (first / (1 - 0.9**self._updates)) / (np.sqrt(second / (1 - 0.999**self._updates)) + 1e-8)
                self._weights[i] -= np.float32(lr) * step.astype(np.float32)
        return StepResult(nats, total, norm)

    def loss(self, batch: Batch) -> LossSum:
        """See the protocol."""
        previous, label = self._pairs(batch)
        return LossSum.of(batch, -self._log_shares(previous)[np.arange(len(label)), label])

    def logits(self, ids: Sequence[int]) -> np.ndarray:
        """See the protocol."""
        return self._log_shares(np.array(ids[-1:]))[0]

    def stream(
        self, prompts: Sequence[Sequence[int]], sampling: GenerateConfig, ends: Collection[int], done: set[int] | None = None
    ) -> Iterator[tuple[int, int]]:
        """See the protocol."""
        done = set() if done is None else done
        rngs = [np.random.default_rng([sampling.seed, row]) for row in range(len(prompts))]
        texts = [list(prompt) for prompt in prompts]
        for _ in range(min(sampling.max_new_tokens, CONTEXT - max(map(len, prompts)))):
            active = [row for row in range(len(prompts)) if row not in done]
            if not active:
                return
            for row in active:
                token = draw(self.logits(texts[row]), texts[row][len(prompts[row]) :], sampling, rngs[row])
                texts[row].append(token)
                if token in ends:
                    done.add(row)
                yield row, token

    def save(self, folder: Path, *, with_optimizer: bool) -> None:
        """See the protocol."""
        assert self._lora is not None
        settings = {
            "peft_type": "LORA",
            "base_model_name_or_path": "fake",
            "r": self._lora.rank,
            "lora_alpha": self._lora.alpha,
            "lora_dropout": self._lora.dropout,
        }
        write_weights(folder, settings, {name: w.T for name, w in zip(NAMES, self._weights, strict=True)})
        if with_optimizer:
            state = {f"{kind}.{i}": m for i, pair in enumerate(self._moments) for kind, m in zip(("first", "second"), pair, strict=True)}
            state["updates"] = np.array([self._updates])
            save_file({name: np.ascontiguousarray(value) for name, value in state.items()}, folder / "optimizer.safetensors")
            (folder / "random.json").write_text(json.dumps(self._rng.bit_generator.state))

    def memory(self) -> MemoryUse:
        """The table and the adapter."""
        size = self._table.nbytes
        return MemoryUse(size, size, size)
