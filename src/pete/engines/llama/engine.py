"""The llama engine: llama.cpp answers and scores from a GGUF of the tuned model, and from one of the base."""

import resource
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil

from pete.config import Config, GenerateConfig, ModelConfig
from pete.data.batch import Batch, common_beginning
from pete.engines.base_models.resolve import look_up_base
from pete.engines.gguf.known import check_ours
from pete.engines.llama.draft import Draft, Guessed
from pete.engines.llama.files import Files, make_files
from pete.engines.llama.rows import LlamaRows
from pete.engines.llama.runtime import PACKAGE, Context, Weights, has_gpu
from pete.engines.protocol import Generator, LossSum, MemoryUse

CACHE = min(2 << 30, psutil.virtual_memory().total // 8)
"""Bytes that keys and values of rows may take. With less room than rows, rows wait for each other."""
WORTH = 8
"""Tokens that all prompts begin with, from which on they are read once for all rows: to copy them costs what reading some costs."""
TOGETHER = 32
"""Rows of a stream that are computed at once; the next one joins where one ends. More are no faster on a processor."""
SCORED = 256
"""Tokens whose logits are held at once: a large vocabulary makes a megabyte of each."""
SHORTEST, LONGEST = 2048, 4096
"""Places of a row that joins by itself, where the model has as many: at least, and at most if it is one of several."""


class LlamaEngine(Generator):
    """The engine protocol on llama.cpp: base, tuned model and what guesses for them are files, opened when they are first asked for."""

    name = "llama"
    packages = (PACKAGE, "numpy")
    queues = True

    def __init__(self, config: Config) -> None:
        self._config = config
        self._gpu = config.engine.device != "cpu" and has_gpu()
        self.device = "gpu" if self._gpu else "cpu"
        self.dtype, self.dtype_reason = config.engine.llama.kind, "engine.llama.kind"

    def load(self, model: ModelConfig, adapter: Path | None = None) -> None:
        """See the protocol. The files are made now where they are not in the cache.

        Raises:
            BaseModelError: an architecture that has no map to GGUF, or a draft with other tokens.
        """
        config = self._config.model_copy(update={"model": model})
        self._open(make_files(config, adapter))
        base = look_up_base(model)
        self.base = replace(base, context=min(base.context, self.weights.context))  # where llama.cpp knows no window, it ends there

    @classmethod
    def open_file(cls, config: Config, path: Path, base: Path | None = None, draft: Path | None = None) -> "LlamaEngine":
        """An engine on files that Pete wrote.

        Args:
            config: decides the device.
            path: a GGUF of the tuned model.
            base: one of the base; without it the base is the same.
            draft: one of a smaller model with the same tokens, which guesses for them.

        Raises:
            BaseModelError: a file of somebody else's, by its hash: llama.cpp's parser is not made for hostile ones.
        """
        files = Files(path, base or path, draft)
        for file in {files.tuned, files.base, *filter(None, [draft])}:
            check_ours(file)
        engine = cls(config)
        engine._open(files)
        return engine

    def _open(self, files: Files) -> None:
        self._files = files
        self._weights: dict[Path, Weights] = {}
        self._room: LlamaRows | None = None
        self._drafts: Draft | None = None
        self._guessed = Guessed()
        self.adapter_active = True
        self.parameters = self.weights.parameters

    @property
    def weights(self) -> Weights:
        """Those of the model that answers now."""
        return self._weights_of(self._files.tuned if self.adapter_active else self._files.base)

    def _weights_of(self, path: Path) -> Weights:
        if path not in self._weights:
            self._weights[path] = Weights(path, gpu=self._gpu)
        return self._weights[path]

    @property
    def guessed(self) -> tuple[int, int]:
        """See the protocol."""
        return self._guessed.proposed, self._guessed.accepted

    def _draft(self) -> Draft | None:
        """What guesses; one for all rows, with room for the longest of them that is worth it."""
        if self._files.draft is not None and self._drafts is None:
            weights = self._weights_of(self._files.draft)
            length = min(weights.context, self.weights.context, max(SHORTEST, CACHE // weights.bytes_a_token))
            self._drafts = Draft(Context(weights, rows=1, length=length), self.weights.vocabulary, self._guessed)
        return self._drafts

    # --- scoring -------------------------------------------------------------------------------------------------

    def loss(self, batch: Batch) -> LossSum:
        """See the protocol; what all rows begin with, before anything is trained, is computed once."""
        context = self._rows(1, max(batch.lengths)).context
        ends = np.cumsum(batch.lengths)[:-1]
        rows = list(zip(np.split(batch.ids, ends), np.split(batch.trained, ends), strict=True))
        shared = max(min(batch.shared, *(int(trained.argmax()) for _, trained in rows)) - 1, 0)  # its last token foresees a trained one
        context.forget(0)
        if shared:
            context.decode(batch.ids[:shared].tolist(), range(shared), [0] * shared, [False] * shared)
        return LossSum.of(batch, np.concatenate([_losses(context, ids.tolist(), trained, shared) for ids, trained in rows]))

    def logits(self, ids: Sequence[int]) -> np.ndarray:
        """See the protocol."""
        context = self._rows(1, len(ids)).context
        context.forget(0)
        return context.decode(ids, range(len(ids)), [0] * len(ids), [False] * (len(ids) - 1) + [True])[0].copy()

    # --- generating ----------------------------------------------------------------------------------------------

    def stream(
        self, prompts: Sequence[Sequence[int]], sampling: GenerateConfig, ends: Collection[int], done: set[int] | None = None
    ) -> Iterator[tuple[int, int]]:
        """See the protocol."""
        done = set() if done is None else done
        longest = max(map(len, prompts)) + sampling.max_new_tokens
        rows = self._rows(min(len(prompts), TOGETHER), min(longest, self.weights.context))
        numbers = {rows.join_as(row, prompt, sampling, ends): row for row, prompt in enumerate(prompts)}
        shared = common_beginning(prompts)
        rows.begin_with(prompts[0][: shared if shared >= WORTH else 0])
        gone: set[int] = set()
        try:
            while drawn := rows.step():
                for number, token in drawn:
                    row = numbers[number]
                    if token is not None and row not in done:
                        if token in ends:
                            done.add(row)
                        yield row, token
                for number, row in numbers.items():
                    if row in done and row not in gone:
                        gone.add(row)
                        rows.leave(number)
        finally:
            for number in numbers:
                rows.leave(number)

    def rows(self, most: int = 1) -> LlamaRows:
        """See the protocol; what a conversation has read stays computed for its next turn."""
        length = min(self.weights.context, max(SHORTEST, CACHE // (self.weights.bytes_a_token * most)))
        length = min(length, LONGEST) if most > 1 else length
        return LlamaRows(Context(self.weights, rows=self._fitting(most, length), length=length), reuse=True, draft=self._draft)

    def _rows(self, count: int, length: int) -> LlamaRows:
        """Empty rows of at least this length for the model that answers now; the same as before where they serve again."""
        weights, count = self.weights, self._fitting(count, length)
        room = self._room
        if room is None or room.busy or room.context.weights is not weights or room.context.rows < count or room.context.length < length:
            self._room = room = None  # before the next one is made; a stream that goes on keeps its own
            self._room = room = LlamaRows(Context(weights, rows=count, length=length), reuse=False, draft=self._draft)
        return room

    def _fitting(self, rows: int, length: int) -> int:
        """So many of these rows as the cache has room for; one at least."""
        return max(1, min(rows, CACHE // (self.weights.bytes_a_token * length)))

    def memory(self) -> MemoryUse:
        """Resident memory: weights are mapped from their files, and on a Mac the GPU shares it."""
        resident = psutil.Process().memory_info().rss
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return MemoryUse(resident, peak, resident)


def _losses(context: Context, ids: list[int], trained: np.ndarray, held: int) -> np.ndarray:
    """Nats at the trained tokens of a row whose first `held` tokens are computed: float64 [trained]."""
    if not context.forget(0, held):
        held = 0
    losses = []
    for start in range(held, len(ids) - 1, SCORED):
        part = range(start, min(start + SCORED, len(ids) - 1))
        wanted = [bool(trained[place + 1]) for place in part]
        logits = context.decode([ids[place] for place in part], part, [0] * len(part), wanted)
        labels = [ids[place + 1] for place, take in zip(part, wanted, strict=True) if take]
        below = logits - logits.max(-1, initial=-np.inf, keepdims=True)
        said = below[np.arange(len(labels)), labels].astype(np.float64)
        losses.append(np.log(np.exp(below, out=below).sum(-1, dtype=np.float64)) - said)
    return np.concatenate(losses) if losses else np.zeros(0)
