"""PyTorch on cpu, mps and cuda: models and LoRA layers from transformers and peft, the hot path from torch_kernels."""

import dataclasses
import functools
import gc
import json
import math
import resource
import sys
import types
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import peft
import psutil
import torch
from peft.tuners.lora import Linear as LoraLinear
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import AttentionInterface, AttentionMaskInterface, AutoConfig, AutoModelForCausalLM
from transformers.pytorch_utils import Conv1D
from transformers.utils import logging as transformers_logging

from pete.adapter import HONOURED, MERGE_IT, read_weights, write_weights
from pete.config import Config, GenerateConfig, LoraConfig, ModelConfig
from pete.data.batch import Batch, common_beginning
from pete.engines.base_models.checks import OFFER_EMBEDDED, check_vocabulary
from pete.engines.base_models.resolve import resolve_base
from pete.engines.protocol import Base, Forecast, LossSum, MemoryUse, StepResult, Trainer
from pete.engines.sampling import draw
from pete.engines.torch.device import gpus_here
from pete.engines.torch.forecast import kept_beside, seconds_a_step, sharing, side_by_side, step_bytes, timed
from pete.engines.torch.head import body_name, is_plain, own_logits
from pete.engines.torch.kernels import TOGETHER, Cache, Packed, attend, laid_out, lora_linear, token_losses, visible
from pete.engines.torch.policy import choose_device, choose_dtype, measured_matmul
from pete.engines.torch.proof import prove, prove_shape, refusing
from pete.errors import AdapterError, BaseModelError, ConfigError, WorkError
from pete.machine.memory import read_memory

ADAPTER = "default"
OPTIMIZER = "optimizer.safetensors"
FEW_ROWS = 32

UNREADABLE = (OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, ImportError, SafetensorError)
"""What transformers raises about a config.json or weights that make no model; memory that ran out is another matter."""
EXPERT_LAYERS = {"gate_proj", "up_proj", "down_proj", "w1", "w2", "w3"}
"""Where experts are fused, peft takes each of these for the experts' parameters, which we compute without an adapter."""
FORGOTTEN = {
    "peft_type", "task_type", "auto_mapping", "base_model_name_or_path", "revision", "inference_mode", "runtime_config",
    "init_lora_weights", "loftq_config", "eva_config", "corda_config", "lora_ga_config", "ensure_weight_tying",
}  # fmt: skip
"""Of a loaded adapter's settings, what peft must not act on: its weights are made already, and its base is the one in memory."""

AttentionInterface.register("pete", attend)
AttentionMaskInterface.register("pete", visible)


class TorchEngine(Trainer):
    """The engine protocol on PyTorch."""

    name = "torch"
    packages = ("torch", "transformers", "peft", "numpy")

    def __init__(self, config: Config) -> None:
        transformers_logging.set_verbosity_error()
        transformers_logging.disable_progress_bar()
        self._config = config
        self.optim = config.optim
        self.seed = config.train.seed
        self.recompute = config.train.gradient_checkpointing
        self.device = choose_device(config.engine.device, gpus_here()).value
        self._together = TOGETHER.get(self.device, 0)  # of this device also where a forecast is made on none
        self._adapted: list[LoraLinear] = []
        self._model: Any = None
        self._peft: Any = None
        self._optimizer: torch.optim.AdamW | None = None
        self._updates = 0
        self._peak = 0

    # --- before loading ------------------------------------------------------------------------------------------

    def estimate(
        self, base: Base, model: ModelConfig, lora: LoraConfig, *, largest: Batch, typical: Batch | None, scored: Batch | None
    ) -> Forecast:
        """See the protocol."""
        dtype = choose_dtype(model.dtype, self.device, measured_matmul).value

        def open_shape(device: str, layers: int | None) -> "TorchEngine":
            engine = TorchEngine(self._config)
            engine._load_shape(base, dtype, device, layers)
            engine.add_lora(lora)
            return engine

        prove_shape(TorchEngine(self._config), base, dtype)
        layers = _shape_of(base).get_text_config().num_hidden_layers
        if not base.missing:
            self._read_base(base, dtype, device_map={"": "meta"})  # names and shapes, no numbers
        parts = {"program": psutil.Process().memory_info().rss} if self.device == "cpu" else {}
        available = self._available(sum(parts.values())) // sharing(self._config, self.device)
        shape = open_shape("meta", None)

        def train() -> None:
            shape._peft.train()
            shape._losses(largest).sum().backward()

        def score() -> None:
            shape._model.eval()
            assert scored is not None
            shape._losses(scored)

        weights, adapter = list(shape._model.parameters()), list(shape._trainable().values())
        parts |= step_bytes(weights, adapter, train, score if scored else None)
        parts |= kept_beside(self.device, parts["activations"])
        fits = sum(parts.values()) <= available

        def seconds(layers: int) -> float:
            assert typical is not None
            engine, step = open_shape(self.device, layers), [typical]
            found = timed(lambda: engine.train_step(step, 0.0))
            engine._release()  # the real weights come next, and need the room
            return found

        speed = len(typical.ids) / seconds_a_step(seconds, layers, parts["weights"]) if fits and typical else math.nan
        return Forecast(parts, available, speed, side_by_side(self._config, self.device))

    def _available(self, own: int) -> int:
        if self.device == "mps":
            share = self._config.engine.torch.mps_high_watermark
            return int(torch.mps.recommended_max_memory() * share) if share > 0 else read_memory().total
        if self.device == "cuda":
            return torch.cuda.mem_get_info()[0]
        return read_memory().available + own

    def _load_shape(self, base: Base, dtype: str, device: str, layers: int | None) -> None:
        """A model of the base's shape, or of its first layers: no weights read, all of them one small number."""
        shape = _shape_of(base)
        if layers is not None:
            shape.num_hidden_layers = layers
            if getattr(shape, "layer_types", None):
                shape.layer_types = shape.layer_types[:layers]
        rope = getattr(shape, "rope_parameters", None) or {}
        for settings in (rope, *rope.values()):
            if isinstance(settings, dict) and settings.get("rope_type") == "dynamic":  # asks for a position's value, which meta has not;
                settings["rope_type"] = "default"  # within the context it is the same
        try:
            with torch.device("meta"):
                self._model = AutoModelForCausalLM.from_config(shape, dtype=getattr(torch, dtype), attn_implementation="pete")
        except UNREADABLE as error:
            raise _unreadable(base, error) from None
        self.base, self.device, self.dtype = base, device, dtype
        if device != "meta":
            self._model.to_empty(device=device)
            with torch.no_grad():
                for tensor in [*self._model.parameters(), *self._model.buffers()]:
                    tensor.fill_(0.01)
        self._prepare()
        self._check_vocabulary()

    # --- loading -------------------------------------------------------------------------------------------------

    def load(self, model: ModelConfig, adapter: Path | None = None) -> None:
        """See the protocol."""
        self._release()
        self.base = resolve_base(model)
        choice = choose_dtype(model.dtype, self.device, measured_matmul)
        self.dtype, self.dtype_reason = choice.value, choice.reason
        self._model = self._read_base(self.base, self.dtype)
        with refusing(self.base, self._model.config.model_type):
            self._prepare()
        self._check_vocabulary()
        prove(self)
        if adapter is not None:
            self._load_adapter(adapter)

    @staticmethod
    def _read_base(base: Base, dtype: str, **where: Any) -> Any:
        """The base with every tensor that its shape has; where one is missing, transformers would put new random numbers.

        Raises:
            BaseModelError: tensors are missing, extra or of another shape, by name.
        """
        try:
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                base.folder,
                config=_shape_of(base),
                dtype=getattr(torch, dtype),
                attn_implementation="pete",
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,  # without tied heads and the buffers of older versions, which transformers leaves out itself
                ignore_mismatched_sizes=True,
                **where,
            )
        except UNREADABLE as error:
            raise _unreadable(base, error) from None
        model, found = loaded
        problems = [f"{name} is missing" for name in sorted(found["missing_keys"])]
        problems += [f"{name} is {list(has)} and should be {list(wants)}" for name, has, wants in sorted(found["mismatched_keys"])]
        problems += [f"{name} is extra" for name in sorted(found["unexpected_keys"])]
        problems += [" ".join(str(error).split()) for error in found["error_msgs"]]
        if problems:
            more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
            raise BaseModelError(
                f"{base.name} is no whole {model.config.model_type}: {'; '.join(problems[:3])}{more}.",
                f"download it again, or save it whole (all shards, head included); {OFFER_EMBEDDED}",
            )
        return model

    def _check_vocabulary(self) -> None:
        check_vocabulary(self.base.folder, self._model.get_input_embeddings().num_embeddings, self.base.name)

    def _prepare(self) -> None:
        self._model.requires_grad_(False)
        self._model.to(self.device)
        self._model.eval()
        self.parameters = sum(p.numel() for p in self._model.parameters())
        self._layers = self._model.config.get_text_config().num_hidden_layers
        self._plain = is_plain(self._model)
        self._dtype = getattr(torch, self.dtype)

    def _release(self) -> None:
        self._model = self._peft = self._optimizer = None
        self._adapted, self._updates = [], 0
        gc.collect()  # modules, adapters and hooks hold each other: without this the old weights stay while the new ones come
        if self.device in ("mps", "cuda"):  # a forecast has "meta"
            getattr(torch, self.device).empty_cache()

    def add_lora(self, lora: LoraConfig) -> int:
        """See the protocol; raises ConfigError when a target names no layer of this model, or one that is not trained."""
        torch.manual_seed(self.seed)
        targets = self._linear_layers() if lora.targets == ("all-linear",) else lora.targets
        names = {name for name, _ in self._model.named_modules()}
        if lost := [t for t in targets if not any(f".{name}".endswith(f".{t}") for name in names)]:
            raise ConfigError(f"lora.targets: {self.base.name} has no layer called {', '.join(lost)}.", self._offer_layers())
        if self._has_experts() and (inside := sorted({t.rsplit(".", 1)[-1] for t in targets} & EXPERT_LAYERS)):
            raise ConfigError(f"lora.targets: {', '.join(inside)} cannot be trained in a mixture of experts.", self._offer_layers())
        alpha: Any = int(lora.alpha) if lora.alpha.is_integer() else lora.alpha  # 32, as every other tool writes it
        settings = peft.LoraConfig(
            r=lora.rank, lora_alpha=alpha, lora_dropout=lora.dropout, target_modules=list(targets), bias="none", task_type="CAUSAL_LM"
        )  # fmt: skip
        trainable = self._wrap(settings)
        if outside := self._outside_the_body():
            raise ConfigError(
                f"lora.targets: {outside} cannot be trained: only linear layers of the body are, and head and embeddings stay as they are.",
                self._offer_layers(),
            )
        return trainable

    def _outside_the_body(self) -> str:
        """Adapted layers that Pete does not compute: the loss takes the head's weight and never calls it, embeddings are not linear."""
        head = self._model.get_output_embeddings()
        layers = [(name, m) for name, m in self._model.named_modules() if isinstance(m, BaseTunerLayer)]
        plain = [m for _, m in layers if isinstance(m, LoraLinear) and _is_linear(m.base_layer) and m is not head]
        return ", ".join(sorted({name.rsplit(".", 1)[-1] for name, m in layers if m not in plain}))

    def _linear_layers(self) -> list[str]:
        """The last names of the linear layers of the body: those that can be trained."""
        head = self._model.get_output_embeddings()
        heads = (head, getattr(head, "base_layer", None))
        layers = [(name, m) for name, m in self._model.named_modules() if m not in heads]
        whole = (name.removesuffix(".base_layer") for name, m in layers if isinstance(m, LoraLinear) or _is_linear(m))
        found = {name.rsplit(".", 1)[-1] for name in whole if ".lora_" not in name}
        return sorted(found - EXPERT_LAYERS if self._has_experts() else found)

    def _has_experts(self) -> bool:
        """Whether experts are fused into parameters of three dimensions."""
        return any(p.dim() == 3 and ".experts" in name for name, p in self._model.named_parameters())

    def _offer_layers(self) -> str:
        return f"layers of {self.base.name}: {', '.join(self._linear_layers())}; or all-linear"

    def _wrap(self, settings: peft.LoraConfig) -> int:
        settings.revision = self.base.revision
        try:
            with warnings.catch_warnings():  # peft calls what transformers has renamed, and says that Conv1D is the other way round
                warnings.simplefilter("ignore")
                self._peft = peft.get_peft_model(self._model, settings, adapter_name=ADAPTER)
        except ValueError as error:
            raise ConfigError(f"lora.targets: {error}", self._offer_layers()) from None
        settings.base_model_name_or_path = self.base.name  # peft puts the folder on this machine there
        self._adapted = [module for module in self._peft.modules() if isinstance(module, LoraLinear)]
        for module in self._adapted:
            module.forward = types.MethodType(_lora_forward, module)  # type: ignore[method-assign]
        if self.recompute:  # takes effect in training only; the config refuses it together with dropout
            self._model.activation_checkpointing_enable({"use_reentrant": False})
            self._model.disable_input_require_grads()  # only the reentrant kind needs them
        self._model.eval()
        return sum(p.numel() for p in self._trainable().values())

    def _trainable(self) -> dict[str, torch.nn.Parameter]:
        return {name: p for name, p in self._peft.named_parameters() if p.requires_grad}

    def _load_adapter(self, folder: Path) -> None:
        settings, tensors = read_weights(folder, self.base.name, self.base.fingerprint)
        try:
            self._wrap(settings_of(settings))
        except (ConfigError, TypeError, ValueError, KeyError, AttributeError) as error:
            raise AdapterError(f"{folder} does not fit {self.base.name}: {error}", "load it with the base it was made for") from None
        if outside := self._outside_the_body():
            raise AdapterError(f"{folder}: it also adapts {outside}, and Pete loads adapters of the body's linear layers only.", MERGE_IT)
        ours = {_saved_name(name): p for name, p in self._trainable().items()}
        wrong = [n for n, p in ours.items() if n not in tensors or tuple(tensors[n].shape) != tuple(p.shape)] + [
            n for n in tensors if n not in ours
        ]
        if wrong:
            raise AdapterError(
                f"{folder} does not fit {self.base.name}: {len(wrong)} tensors are missing, extra or misshapen, the first {wrong[0]}.",
                "load it with the base it was made for",
            )
        with torch.no_grad():
            for name, parameter in ours.items():
                parameter.copy_(torch.from_numpy(tensors[name]))
        if (folder / OPTIMIZER).is_file():
            self._restore(folder)

    @property
    def adapter_active(self) -> bool:
        """See the protocol."""
        return not any(module.disable_adapters for module in self._adapted)

    @adapter_active.setter
    def adapter_active(self, active: bool) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        for module in self._adapted:  # peft's own switch, without its walk over all modules for every token
            module._disable_adapters = not active

    # --- training ------------------------------------------------------------------------------------------------

    def train_step(self, micro: Sequence[Batch], lr: float) -> StepResult:
        """See the protocol."""
        tokens = sum(int(batch.trained.sum()) for batch in micro)
        nats = self._backward(dict(enumerate(micro)), tokens)
        return StepResult(nats, tokens, self._update(nats, lr))

    def _backward(self, micro: Mapping[int, Batch], tokens: int) -> float:
        """Add to the gradient of a step of so many trained tokens what these of its micro-batches, by their places, have in it; their nats.

        What dropout leaves out depends on the seed, the step and the micro-batch's place: on nothing that came before, and on no device.
        """
        if self._optimizer is None:
            self._optimizer = self._new_optimizer()
        self._peft.train()
        exact = None if self.device == "mps" else torch.float64
        sums = [torch.zeros((), dtype=exact, device=self.device)]
        for place, batch in micro.items():
            torch.manual_seed(int(np.random.SeedSequence([self.seed, self._updates, place]).generate_state(1)[0]))
            try:
                losses = self._losses(batch)
                (losses.sum() / tokens).backward()
                sums.append(losses.detach().sum(dtype=exact))  # a number only at the end: nothing waits for the device between
            except RuntimeError as error:
                if "out of memory" not in str(error).lower() and "can't allocate memory" not in str(error).lower():
                    raise
                raise WorkError(
                    f"The {self.device} ran out of memory in a micro-batch of {len(batch.lengths)} rows and {len(batch.ids)} tokens, "
                    f"the longest row {max(batch.lengths)}: {error}",
                    "the checkpoints so far are good; begin a new run with --set train.micro_batch=1, or with "
                    "--set train.gradient_checkpointing=true --set lora.dropout=0, after closing other programs",
                ) from None
            if self.device == "mps":
                self.memory()  # the highest point is here, and mps keeps no record of it
        return float(torch.stack(sums).cpu().double().sum())

    def _update(self, nats: float, lr: float) -> float:
        """Take the step of the gradient, unless it or the nats are no numbers; its norm before clipping."""
        assert self._optimizer is not None
        norm = float(torch.nn.utils.clip_grad_norm_(self._trainable().values(), self.optim.clip_norm))
        if math.isfinite(norm) and math.isfinite(nats):
            for group in self._optimizer.param_groups:
                group["lr"] = lr
            self._optimizer.step()
            self._updates += 1
        self._optimizer.zero_grad(set_to_none=True)
        return norm

    def _new_optimizer(self) -> torch.optim.AdamW:
        return torch.optim.AdamW(self._trainable().values(), lr=0.0, weight_decay=self.optim.weight_decay, fused=True)

    def _hidden(self, ids: torch.Tensor, positions: torch.Tensor, layout: Packed | Cache, cache: Cache | None = None) -> torch.Tensor:
        body = getattr(self._model, body_name(self._model))
        if cache is None:  # a mask of ones keeps transformers from looking for examples in the positions: the layout knows them
            extra = {"attention_mask": torch.ones_like(ids), "use_cache": False}
        else:
            extra = {"past_key_values": cache, "use_cache": True}
        with laid_out(layout):
            return body(input_ids=ids, position_ids=positions, **extra).last_hidden_state

    @property
    def _head(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """Hidden states [n, width] -> logits [n, vocabulary]."""
        return self._model.get_output_embeddings() if self._plain else functools.partial(own_logits, self._model)

    def _losses(self, batch: Batch) -> torch.Tensor:
        """Losses at the trained tokens."""
        packed = Packed.of(batch.lengths, torch.device(self.device), self._dtype, batch.shared, self._together)
        ids = torch.from_numpy(batch.ids.astype(np.int64)).to(self.device)
        at = torch.from_numpy(np.flatnonzero(batch.trained)).to(self.device)
        hidden = self._hidden(packed.ids(ids), packed.positions, packed)[0]
        return token_losses(hidden.index_select(0, packed.places[at - 1]), self._head, ids.index_select(0, at))

    # --- scoring -------------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def loss(self, batch: Batch) -> LossSum:
        """See the protocol."""
        self._model.eval()
        return LossSum.of(batch, self._losses(batch).cpu().numpy().astype(np.float64))

    @torch.inference_mode()
    def logits(self, ids: Sequence[int]) -> np.ndarray:
        """See the protocol."""
        self._model.eval()
        packed = Packed.of([len(ids)], torch.device(self.device), self._dtype)
        tensor = torch.tensor(list(ids), device=self.device)
        hidden = self._hidden(packed.ids(tensor), packed.positions, packed)[0, len(ids) - 1 : len(ids)]
        return self._logits(hidden)[0]

    def _logits(self, hidden: torch.Tensor) -> np.ndarray:
        return self._head(hidden).float().cpu().numpy()

    # --- generating ----------------------------------------------------------------------------------------------

    def stream(
        self, prompts: Sequence[Sequence[int]], sampling: GenerateConfig, ends: Collection[int], done: set[int] | None = None
    ) -> Iterator[tuple[int, int]]:
        """See the protocol."""
        self._model.eval()
        done = set() if done is None else done
        rngs = [np.random.default_rng([sampling.seed, row]) for row in range(len(prompts))]
        said: list[list[int]] = [[] for _ in prompts]
        active = list(range(len(prompts)))
        room = min(sampling.max_new_tokens, self.base.context - max(map(len, prompts)))
        packed = Packed.of([len(p) for p in prompts], torch.device(self.device), self._dtype, common_beginning(prompts), self._together)
        cache = Cache(packed, self._layers, room)
        logits = self._read(prompts, packed, cache)
        for produced in range(1, room + 1):
            tokens = {row: draw(logits[place], said[row], sampling, rngs[row]) for place, row in enumerate(active)}
            for row, token in tokens.items():
                said[row].append(token)
                if token in ends:
                    done.add(row)
                yield row, token
            still = [row for row in active if row not in done]
            if not still or produced == room:
                return
            if len(still) < len(active):
                cache.keep([active.index(row) for row in still])
                active = still
            logits = self._extend([said[row][-1] for row in active], cache)

    @torch.inference_mode()
    def _read(self, texts: Sequence[Sequence[int]], packed: Packed, cache: Cache) -> np.ndarray:
        ids = torch.tensor([token for text in texts for token in text], device=self.device)
        hidden = self._hidden(packed.ids(ids), packed.positions, packed, cache)[0]
        ends = torch.tensor(list(packed.lengths), device=self.device).cumsum(0) - 1
        return self._logits(hidden.index_select(0, packed.places[ends]))

    @torch.inference_mode()
    def _extend(self, last: Sequence[int], cache: Cache) -> np.ndarray:
        cache.advance()
        ids = torch.tensor(list(last), device=self.device)[:, None]
        hidden = self._hidden(ids, cache.used[:, None], cache, cache)
        cache.used += 1
        return self._logits(hidden[:, -1])

    # --- saving --------------------------------------------------------------------------------------------------

    def _settings(self) -> dict[str, Any]:
        """The adapter's settings as its file has them."""
        settings = self._peft.peft_config[ADAPTER].to_dict()
        settings = {key: value for key, value in settings.items() if key != "auto_mapping"} | {"inference_mode": True}
        return json.loads(json.dumps(settings, default=_plain))

    def save(self, folder: Path, *, with_optimizer: bool) -> None:
        """See the protocol."""
        trainable = self._trainable()
        write_weights(
            folder,
            self._settings(),
            {_saved_name(n): p.detach().cpu().numpy() for n, p in trainable.items()},
        )
        if not with_optimizer:
            return
        optimizer = self._optimizer or self._new_optimizer()
        state: dict[str, torch.Tensor] = {}
        for name, parameter in trainable.items():
            for key, value in optimizer.state.get(parameter, {}).items():
                state[f"{name}/{key}"] = torch.as_tensor(value).detach().cpu().contiguous()
        save_file(state or {"empty": torch.zeros(1)}, folder / OPTIMIZER)

    def _restore(self, folder: Path) -> None:
        state = load_file(folder / OPTIMIZER)
        self._optimizer = self._new_optimizer()
        for name, parameter in self._trainable().items():
            kept = {key: state[f"{name}/{key}"] for key in ("step", "exp_avg", "exp_avg_sq") if f"{name}/{key}" in state}
            if kept:
                self._optimizer.state[parameter] = {key: value.to(self.device) for key, value in kept.items()}
                self._updates = int(kept["step"])

    def memory(self) -> MemoryUse:
        """Driver memory on mps, reserved memory on cuda, resident memory on cpu."""
        resident = psutil.Process().memory_info().rss
        if self.device == "mps":
            now = torch.mps.driver_allocated_memory()  # freed blocks included: what the system sees
            self._peak = max(self._peak, now)
            return MemoryUse(now, self._peak, resident)
        if self.device == "cuda":
            return MemoryUse(torch.cuda.memory_reserved(), torch.cuda.max_memory_reserved(), resident)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return MemoryUse(resident, peak, resident)


def _lora_forward(module: LoraLinear, x: torch.Tensor) -> torch.Tensor:
    base: Any = module.base_layer
    if module.disable_adapters:
        return base(x)
    a: Any = module.lora_A[ADAPTER].weight
    b: Any = module.lora_B[ADAPTER].weight
    scale = module.scaling[ADAPTER]
    if not torch.is_grad_enabled() and x.numel() <= FEW_ROWS * x.shape[-1]:
        # a token at a time, the adapter's two thin products are four times as fast in float32 as in bfloat16
        return base(x) + ((x.float() @ a.t()) @ b.t()).mul_(scale).to(x.dtype)
    dropout = module.lora_dropout[ADAPTER]
    p = dropout.p if module.training and isinstance(dropout, torch.nn.Dropout) else 0.0
    weight = base.weight.t() if isinstance(base, Conv1D) else base.weight  # GPT-2 keeps it the other way round
    return lora_linear(x, weight, base.bias, a, b, scale, p)


def settings_of(settings: Mapping[str, Any]) -> peft.LoraConfig:
    """What peft makes of an adapter's settings, as far as they are honoured."""
    known = {field.name for field in dataclasses.fields(peft.LoraConfig)} & HONOURED - FORGOTTEN
    return peft.LoraConfig(
        **{key: value for key, value in settings.items() if key in known}, task_type="CAUSAL_LM", inference_mode=False
    )  # fmt: skip


def _shape_of(base: Base) -> Any:
    """The base's configuration as transformers reads it."""
    try:
        return AutoConfig.from_pretrained(base.folder, local_files_only=True)
    except Exception as error:  # whatever the validator of this architecture raises
        raise _unreadable(base, error) from None


def _unreadable(base: Base, error: Exception) -> BaseModelError:
    said = " ".join(str(error).split())[:300]
    return BaseModelError(
        f"{base.name}: transformers cannot make a model of {base.folder} ({type(error).__name__}: {said}).",
        f"download the base again, or use another; {OFFER_EMBEDDED}",
    )


def _is_linear(module: Any) -> bool:
    """A product with one matrix and nothing else: some routers are linear layers by name and return a choice."""
    return type(module).forward in (torch.nn.Linear.forward, Conv1D.forward)


def _saved_name(name: str) -> str:
    """Peft leaves the adapter's own name out of the file."""
    return name.replace(f".{ADAPTER}.", ".")


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, set | frozenset) else str(value)
