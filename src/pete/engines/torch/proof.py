"""The proof of a base: what the torch engine computes for it is what transformers computes, or the base is refused by name.

Several rows in one pack, next-token logits and greedily drawn tokens are held against transformers' own forward: eager attention,
one row at a time, on the same weights. Only the first layers take part, as many as it takes to have one of every kind. Windows and
chunks are narrowed meanwhile, so that a short row is longer than they are: a rule that is followed at 16 tokens is followed at 4096.

A base is proven when it is first loaded, and remembered. Before that, a plan proves its shape, with weights that are made up.
"""

import copy
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from transformers import AutoConfig, AutoModelForCausalLM

from pete.config import GenerateConfig
from pete.data.batch import Batch
from pete.engines.base_models.checks import OFFER_EMBEDDED
from pete.engines.proofs import Proof
from pete.engines.protocol import Base
from pete.engines.torch import head as torch_head
from pete.engines.torch import kernels as torch_kernels
from pete.errors import BaseModelError, PeteError

if TYPE_CHECKING:
    from pete.engines.torch.engine import TorchEngine

WINDOW = 16
ROWS = (35, 7, 20)
"""Tokens of the rows of the pack: one goes far beyond the window, one stays within it."""
SHARED = 4
"""Tokens that all of them begin with, which are computed once."""
DRAWN = 8
BLOCK = 8
"""A gap is the median of so many neighbouring tokens, where it is worst: an error that begins late in a row is not thinned out by its
beginning, and one token that rounding sends to another expert is no error."""
TOLERANCE = {"float32": 1e-3, "bfloat16": 0.1}
"""Largest gap, as a share of the spread of the reference. Rounding makes 1e-6 to 2e-5 in float32 and up to 0.05 in bfloat16; a
window, scale, cap or sink that is left out makes 0.2 and more (tests/engines/test_proof.py makes each of these faults)."""
KINDS = "gpt_neox, llama, qwen2, qwen3, mistral, gemma2, gemma3_text, phi3, granite, smollm3"
TAKE_ANOTHER = f"take a base of a kind that it can: {KINDS} and others (docs/engines.md); {OFFER_EMBEDDED}"
NARROWED = ("sliding_window", "attention_chunk_size")
SMALL_VOCABULARY, FEW_EXPERTS = 512, 8
CODE = tuple(Path(__file__).with_name(f"{name}.py") for name in ("engine", "head", "kernels", "proof"))
"""What is proven by it; a change asks for every proof anew."""


@dataclass(frozen=True)
class Gap:
    """How far apart the engine and transformers are, as shares of the reference's spread."""

    losses: float
    logits: float
    drawn: float

    @property
    def widest(self) -> tuple[str, float]:
        """What is furthest apart, and how far."""
        named = {"losses of a pack": self.losses, "next-token logits": self.logits, "greedy tokens": self.drawn}
        return max(named.items(), key=lambda item: item[1])


def prove(engine: "TorchEngine", folder: Path | None = None) -> None:
    """Prove the base that an engine has loaded, before an adapter is on it; at once where that was done before.

    Args:
        engine: with its base's weights.
        folder: where proofs are kept; the cache unless given.

    Raises:
        BaseModelError: what differs and by how much; or the base itself computes NaN.
    """
    proof = _proof(folder, engine.base.fingerprint, engine.dtype, engine.device)
    if proof.recall() is not None:
        return
    kind = engine._model.config.model_type
    with refusing(engine.base, kind):
        _refuse_damaged(engine)
        gap = measure(engine)
        judge(gap, engine.base, kind, engine.dtype)
        _refuse_overflow(engine)
    proof.keep({"base": engine.base.name, "kind": kind, **vars(gap)})


def prove_shape(engine: "TorchEngine", base: Base, dtype: str, folder: Path | None = None) -> None:
    """The same for a base that is not loaded, perhaps not even downloaded: its shape, with made-up weights in float32 on the CPU.

    Args:
        engine: an engine with nothing loaded; the shape is loaded into it.
        base: whose folder holds config.json.
        dtype: that the base will be loaded in.
        folder: where proofs are kept; the cache unless given.

    Raises:
        BaseModelError: as prove.
    """
    text = (base.folder / "config.json").read_bytes()
    proof = _proof(folder, hashlib.sha256(text).hexdigest(), "float32", "cpu")
    if proof.recall() is not None or _proof(folder, base.fingerprint, dtype, engine.device).recall() is not None:
        return
    kind = str(json.loads(text).get("model_type", ""))
    with refusing(base, kind):
        engine._model = _made_up(AutoConfig.from_pretrained(base.folder))
        engine.base, engine.device, engine.dtype = base, "cpu", "float32"
        engine._prepare()
        gap = measure(engine)
        judge(gap, base, kind, "float32")
    engine._release()
    proof.keep({"base": base.name, "kind": kind, **vars(gap)})


@contextmanager
def refusing(base: Base, kind: str) -> Iterator[None]:
    """Inside, whatever goes wrong in the base's own code is told as a kind of base that cannot be run.

    Raises:
        BaseModelError: with the kind and the reason.
    """
    try:
        yield
    except (PeteError, MemoryError):
        raise
    except Exception as error:
        if "memory" in str(error).lower():
            raise
        raise BaseModelError(
            f"{base.name} is of the kind {kind!r}, which Pete cannot compute exactly: {_reason(error)}.",
            TAKE_ANOTHER,
        ) from None


def _reason(error: Exception) -> str:
    first = (str(error).splitlines() or [""])[0].rstrip(".")[:200]
    if isinstance(error, NotImplementedError):
        return first
    if isinstance(getattr(error, "obj", None), torch_kernels.Cache) or "past_key_values" in first:
        return "it keeps more between tokens than keys and values"
    if "'View'" in first:
        return "it makes its own attention mask"
    return f"its code does not go with Pete's ({type(error).__name__}: {first})"


def measure(engine: "TorchEngine") -> Gap:
    """How far the engine is from transformers on its loaded base's first layers; NaN where the engine computes NaN.

    Raises:
        BaseModelError: the base itself computes NaN.
    """
    config = engine._model.config
    small = copy.copy(engine)
    small._model = first_layers(engine._model, layers_of_every_kind(engine._model))
    longest = min(ROWS[0], engine.base.context - DRAWN)
    rng = np.random.default_rng(0)
    beginning, *rest = [rng.integers(0, _vocabulary(engine._model), min(n, longest)).astype(np.int32) for n in (SHARED, *ROWS)]
    rows = [np.append(beginning, row[SHARED:]) for row in rest]
    greedy = GenerateConfig.model_validate({"max_new_tokens": DRAWN, "temperature": 0.0, "repetition_penalty": 1.0})
    with _narrowed(config):
        with torch.inference_mode():
            trained = np.concatenate([np.arange(len(row)) > 0 for row in rows])
            losses = small._losses(Batch(np.concatenate(rows), trained, tuple(map(len, rows)))).cpu().double()
        logits = small.logits(rows[0].tolist())
        seen, usual = [], small._logits  # what each token was drawn from: an error in it need not change the token

        def noted(hidden: torch.Tensor) -> np.ndarray:
            seen.append(usual(hidden))
            return seen[-1]

        small._logits = noted
        drawn: list[list[int]] = [[] for _ in rows]
        for row, token in small.stream([row.tolist() for row in rows], greedy, ()):
            drawn[row].append(token)
        whole = [np.append(row, said).astype(np.int64) for row, said in zip(rows, drawn, strict=True)]
        reference = [_reference(small._model, ids, engine.device) for ids in whole]
    if not all(bool(r.isfinite().all()) for r in reference):
        raise _computes_nan(engine, "transformers' own forward gives it from the first layers on")
    gaps = []
    for place, (row, said, theirs) in enumerate(zip(rows, drawn, reference, strict=True)):
        last, labels = len(row) - 1, torch.from_numpy(row[1:].astype(np.int64))
        nats = F.cross_entropy(theirs[:last], labels, reduction="none")
        off = (losses.split([len(r) - 1 for r in rows])[place] - nats).abs() / _spread(nats)
        vectors = [torch.from_numpy(ours[place]) for ours in seen] + [torch.from_numpy(logits)] * (place == 0)
        wanted = [*theirs[last:-1], theirs[last]]
        apart = [(v.double() - w).square().mean().sqrt() / _spread(w) for v, w in zip(vectors, wanted, strict=False)]
        lost = [(w.max() - w[token]) / _spread(w) for w, token in zip(wanted, said, strict=False)]
        gaps.append(Gap(_worst(off), _worst(torch.stack(apart)), _worst(torch.stack(lost))))
    return Gap(*(float(np.max([getattr(gap, name) for gap in gaps])) for name in ("losses", "logits", "drawn")))  # NaN stays


def _reference(model: Any, ids: np.ndarray, device: str) -> torch.Tensor:
    """Logits of transformers' own forward for a row alone: [n, vocabulary], float64 on the CPU."""
    usual = model.config._attn_implementation
    model.config._attn_implementation = "eager"
    try:
        with torch.inference_mode():
            return model(input_ids=torch.from_numpy(ids)[None].to(device), use_cache=False).logits[0].float().cpu().double()
    finally:
        model.config._attn_implementation = usual


def _spread(reference: torch.Tensor) -> torch.Tensor:
    return reference.std() + 1e-3 * reference.abs().mean() + 1e-12


def _worst(values: torch.Tensor) -> float:
    """The largest median of BLOCK neighbours."""
    return float(torch.stack([block.median() for block in values.split(BLOCK)]).max())


def judge(gap: Gap, base: Base, kind: str, dtype: str) -> None:
    """Refuse a base whose gap rounding does not explain.

    Raises:
        BaseModelError: what is furthest apart, and how far.
    """
    what, widest = gap.widest
    if not all(value <= TOLERANCE[dtype] for value in vars(gap).values()):  # NaN passes no comparison
        raise BaseModelError(
            f"{base.name} is of the kind {kind!r}, which Pete does not compute as transformers does: {what} are {widest:.2g} of their "
            f"spread apart, and rounding in {dtype} explains {TOLERANCE[dtype]:g}.",
            TAKE_ANOTHER,
        )


# --- a base that is broken in itself -------------------------------------------------------------------------------------


def _computes_nan(engine: "TorchEngine", where: str) -> BaseModelError:
    wider = "" if engine.dtype == "float32" else f"; one that overflows in {engine.dtype} may be right with --set model.dtype=float32"
    return BaseModelError(
        f"The base {engine.base.name} itself computes NaN: {where}. Nothing was trained yet.",
        f"get the base again, or another revision of it{wider}",
    )


def _refuse_damaged(engine: "TorchEngine") -> None:
    for name, parameter in engine._model.named_parameters():
        low, high = torch.aminmax(parameter.detach())
        if not bool(low.isfinite() & high.isfinite()):
            raise _computes_nan(engine, f"{name} holds values that are no numbers")


def _refuse_overflow(engine: "TorchEngine") -> None:
    """All layers, on a few tokens: a base may hold good numbers and overflow deep inside."""
    ids = np.arange(min(DRAWN, _vocabulary(engine._model)))
    if not bool(_reference(engine._model, ids, engine.device).isfinite().all()):
        raise _computes_nan(engine, f"its logits of {len(ids)} tokens are no numbers in {engine.dtype}")


# --- few layers, narrow windows, made-up weights ---------------------------------------------------------------------------


def layers_of_every_kind(model: Any) -> int:
    """How many of its first layers have one of every kind among them; two at least."""
    stack = _stack(model)[1]
    types = getattr(model.config.get_text_config(), "layer_types", None) or [None] * len(stack)
    kinds = [(kind, *_traits(layer)) for kind, layer in zip(types, stack, strict=False)]
    return max(2, *(kinds.index(kind) + 1 for kind in set(kinds)))


def _traits(layer: torch.nn.Module) -> Iterator[object]:
    """What tells one layer from another: its parts, their shapes, and each plain setting, but for its number."""
    for name, module in layer.named_modules():
        settings = {k: v for k, v in vars(module).items() if isinstance(v, int | float | str | None) and k not in ("layer_idx", "training")}
        yield name, type(module).__name__, *sorted(settings.items())
        yield tuple((name, tuple(p.shape)) for name, p in module.named_parameters(recurse=False))


def _stack(model: Any) -> tuple[str, torch.nn.ModuleList]:
    """The list of layers of a model's body, and its name there."""
    layers = model.config.get_text_config().num_hidden_layers  # a model that was cut has fewer
    body = getattr(model, torch_head.body_name(model))
    lists = [(name, m) for name, m in body.named_children() if isinstance(m, torch.nn.ModuleList) and 1 <= len(m) <= layers]
    if len(lists) != 1:
        raise NotImplementedError("its body is not one list of layers")
    return lists[0]


def first_layers(model: Any, count: int) -> Any:
    """The same model, on the same weights, with its first layers only."""
    name, stack = _stack(model)
    body = torch_head.body_name(model)
    short = torch_head.with_modules(getattr(model, body), {name: torch.nn.ModuleList(list(stack)[:count])})
    return torch_head.with_modules(model, {body: short})


@contextmanager
def _narrowed(config: Any) -> Iterator[None]:
    """Inside, no window or chunk is wider than WINDOW: masks, ours and eager's, are made of the configuration at each forward."""
    text = config.get_text_config()
    wide = {name: width for name in NARROWED if (width := getattr(text, name, None) or 0) > WINDOW}
    try:
        for name in wide:
            setattr(text, name, WINDOW)
        yield
    finally:
        for name, width in wide.items():
            setattr(text, name, width)


def _made_up(config: Any) -> Any:
    """A model of this shape, its vocabulary and experts fewer, its first layers real and filled with numbers that say something."""
    config = copy.deepcopy(config)
    text = config.get_text_config()
    text.vocab_size = min(text.vocab_size, SMALL_VOCABULARY)
    text.pad_token_id = None
    for name in ("num_experts", "num_local_experts"):
        if isinstance(getattr(text, name, None), int):
            setattr(text, name, min(getattr(text, name), FEW_EXPERTS))
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="pete")
    model = first_layers(model, layers_of_every_kind(model))
    model.to_empty(device="cpu")
    for parameter in model.parameters():
        parameter._is_hf_initialized = True  # ours to fill: only what a model derives from its configuration is computed below
    model.apply(model._init_weights)
    noise = torch.randn(99_991, generator=torch.Generator().manual_seed(0))  # a prime: no two rows of a matrix are alike
    with torch.no_grad():
        for parameter in model.parameters():
            scale, middle = (1.5 * parameter.shape[-1] ** -0.5, 0.0) if parameter.dim() > 1 else (0.1, 1.0)
            flat = parameter.view(-1)
            for start in range(0, len(flat), len(noise)):
                part = flat[start : start + len(noise)]
                part.copy_(noise[: len(part)]).mul_(scale).add_(middle)
    return model


def _vocabulary(model: Any) -> int:
    return model.get_input_embeddings().num_embeddings


def _proof(folder: Path | None, what: str, dtype: str, device: str) -> Proof:
    return Proof.of("base", [what, dtype, device], files=CODE, packages=("torch", "transformers"), folder=folder)
