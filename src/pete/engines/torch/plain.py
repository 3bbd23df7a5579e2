"""transformers and peft as everybody else uses them: what an exported folder or adapter is to a program that knows nothing of Pete."""

import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from pete.config import GenerateConfig, ModelConfig
from pete.data.batch import Batch
from pete.engines.one_by_one import Reading, stream_one_by_one
from pete.engines.protocol import Base, Generator, LossSum, MemoryUse
from pete.errors import WorkError


class PlainTransformers(Generator):
    """A folder loaded with AutoModelForCausalLM and AutoTokenizer, one row at a time, on the CPU."""

    name = f"transformers {version('transformers')}"
    packages = ("torch", "transformers", "peft", "numpy")

    def __init__(self, folder: Path, adapter: Path | None = None, dtype: str = "float32") -> None:
        """Load.

        Args:
            folder: a model in Hugging Face's format.
            adapter: a PEFT folder that is put on it; its tokenizer is read then.
            dtype: to compute in.

        Raises:
            WorkError: transformers or peft cannot load it as it is.
        """
        transformers_logging.set_verbosity_error()
        transformers_logging.disable_progress_bar()
        self.base = Base(folder.name, folder, "local", "", 0)
        self.dtype = dtype
        try:
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                folder, dtype=getattr(torch, dtype), local_files_only=True, use_safetensors=True, output_loading_info=True
            )
            model, found = loaded
            if wrong := [*found["missing_keys"], *found["unexpected_keys"], *found["mismatched_keys"]]:
                raise ValueError(f"{len(wrong)} tensors are missing, extra or misshapen, the first {wrong[0]}")
            if adapter is not None:
                from peft import PeftModel

                self.name = f"peft {version('peft')}"
                with warnings.catch_warnings():  # peft calls what transformers has renamed
                    warnings.simplefilter("ignore")
                    model = PeftModel.from_pretrained(model, str(adapter))
            self._tokenizer: Any = AutoTokenizer.from_pretrained(adapter or folder, local_files_only=True)
        except Exception as error:  # it may fail in any way
            reason = (str(error).splitlines() or [""])[0][:200]
            raise WorkError(
                f"{self.name} cannot load what was exported: {reason}", "please report this; --to adapter still works"
            ) from None
        self._model: Any = model.eval()
        self._asked = {} if adapter is None else {"enable_thinking": False}  # an exported template says so itself
        self._ends: Any = model.generation_config if adapter is None else None

    @property
    def engine(self) -> Generator:
        """Itself."""
        return self

    def prompt_ids(self, messages: Sequence[Mapping[str, object]]) -> list[int] | None:
        """What apply_chat_template makes of a conversation; nothing of none, and None where an adapter came without a template."""
        if self._tokenizer.chat_template is None:
            return None
        if not messages:
            return []
        return list(self._tokenizer.apply_chat_template(list(messages), add_generation_prompt=True, return_dict=False, **self._asked))

    def ends(self) -> Collection[int] | None:
        """Every end that generation_config.json names; of an adapter None: its base's would be read."""
        if self._ends is None:
            return None
        named = self._ends.eos_token_id
        return named if isinstance(named, list) else [named]

    def load(self, model: ModelConfig, adapter: Path | None = None) -> None:
        """It is loaded when it is made."""
        raise NotImplementedError

    @torch.inference_mode()
    def logits(self, ids: Sequence[int]) -> np.ndarray:
        """See the protocol."""
        return self._model(torch.tensor([list(ids)])).logits[0, -1].float().numpy()

    @torch.inference_mode()
    def loss(self, batch: Batch) -> LossSum:
        """See the protocol."""
        losses, start = [], 0
        for length in batch.lengths:
            ids = torch.from_numpy(batch.ids[start : start + length].astype(np.int64))
            at = np.flatnonzero(batch.trained[start : start + length])
            shares = self._model(ids[None]).logits[0].float().log_softmax(-1)
            losses.append(-shares[at - 1, ids[at]].numpy())
            start += length
        return LossSum.of(batch, np.concatenate(losses))

    def stream(
        self, prompts: Sequence[Sequence[int]], sampling: GenerateConfig, ends: Collection[int], done: set[int] | None = None
    ) -> Iterator[tuple[int, int]]:
        """See the protocol; the rows come one after the other."""

        def begin() -> Reading:
            cache: Any = None

            @torch.inference_mode()
            def read(new: list[int]) -> np.ndarray:
                nonlocal cache
                made = self._model(torch.tensor([new]), past_key_values=cache, use_cache=True)
                cache = made.past_key_values
                return made.logits[0, -1].float().numpy()

            return read

        return stream_one_by_one(begin, prompts, sampling, ends, done)

    def memory(self) -> MemoryUse:
        """The process."""
        used = psutil.Process().memory_info().rss
        return MemoryUse(used, used, used)
