"""mlx-lm as everybody else uses it: it reads an exported folder back."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
from mlx_lm import load as load_folder
from mlx_lm.models.cache import make_prompt_cache

from pete.config import GenerateConfig, ModelConfig
from pete.data.batch import Batch
from pete.engines.one_by_one import Reading, stream_one_by_one
from pete.engines.protocol import Base, Generator, LossSum, MemoryUse
from pete.errors import WorkError


class MlxReader(Generator):
    """A folder loaded with mlx-lm, one row at a time."""

    name = f"mlx-lm {version('mlx-lm')}"
    packages = ("mlx", "mlx-lm", "numpy")

    def __init__(self, folder: Path) -> None:
        """Load; raises WorkError where mlx-lm cannot."""
        try:
            loaded: Any = load_folder(str(folder))
        except Exception as error:  # it may fail in any way
            reason = (str(error).splitlines() or [""])[0][:200]
            raise WorkError(f"{self.name} cannot load what was exported: {reason}", "--to merged or --to gguf may still work") from None
        self._model, self._tokenizer = loaded[:2]
        self.base = Base(folder.name, folder, "local", "", 0)
        self.device = str(mx.default_device())

    @property
    def engine(self) -> Generator:
        """Itself."""
        return self

    def prompt_ids(self, messages: Sequence[Mapping[str, object]]) -> list[int]:
        """What its tokenizer makes of a conversation; nothing of none."""
        if not messages:
            return []
        return list(self._tokenizer.apply_chat_template(list(messages), add_generation_prompt=True, return_dict=False))

    def ends(self) -> Collection[int]:
        """Ids at which mlx_lm.generate stops."""
        return set(self._tokenizer.eos_token_ids)

    def load(self, model: ModelConfig, adapter: Path | None = None) -> None:
        """It is loaded when it is made."""
        raise NotImplementedError

    def logits(self, ids: Sequence[int]) -> np.ndarray:
        """See the protocol."""
        return np.array(self._model(mx.array([list(ids)]))[0, -1].astype(mx.float32))

    def loss(self, batch: Batch) -> LossSum:
        """See the protocol."""
        losses, start = [], 0
        for length in batch.lengths:
            ids = batch.ids[start : start + length]
            at = np.flatnonzero(batch.trained[start : start + length])
            logits = self._model(mx.array([ids.tolist()]))[0].astype(mx.float32)
            places, labels = mx.array(at - 1), mx.array(ids[at].astype(np.int32))
            shares = logits[places]
            shares = shares - mx.logsumexp(shares, axis=-1, keepdims=True)
            losses.append(-np.array(mx.take_along_axis(shares, labels[:, None], axis=-1)[:, 0]))
            start += length
        return LossSum.of(batch, np.concatenate(losses))

    def stream(
        self, prompts: Sequence[Sequence[int]], sampling: GenerateConfig, ends: Collection[int], done: set[int] | None = None
    ) -> Iterator[tuple[int, int]]:
        """See the protocol; the rows come one after the other."""

        def begin() -> Reading:
            cache = make_prompt_cache(self._model)
            return lambda new: np.array(self._model(mx.array([new]), cache=cache)[0, -1].astype(mx.float32))

        return stream_one_by_one(begin, prompts, sampling, ends, done)

    def memory(self) -> MemoryUse:
        """What MLX has allocated."""
        used = int(mx.get_active_memory())
        return MemoryUse(used, int(mx.get_peak_memory()), used)
