"""The operations training stands on, computed on a device and held against the CPU in float64 or plain float32.

`python -m pete.engines.torch.selftest_checks DEVICE` prints one JSON line for the device, then one for each check. It is a
process of its own, because a faulty GPU driver may end the process instead of giving a wrong number, and because a
gigabyte of the output head's memory is given back that way. `selftest.py` starts it.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint
from transformers.masking_utils import causal_mask_function

from pete.engines.torch.device import gpus_here
from pete.engines.torch.kernels import PADDED_UP_TO, Packed, View, attend, lora_linear, token_losses
from pete.engines.torch.policy import choose_device
from pete.errors import ConfigError

VOCABULARY = 50304
"""Pythia's: above 32,768, where products on M1 and M2 used to go wrong (pytorch#177116)."""
CLOSE = 2e-3
"""Largest allowed difference, as a share of the largest value; the faults that were seen in the field are of order 1."""
ROUGH = 3e-2
"""The same for bfloat16, which keeps 8 bits of each number."""
SLICE = 4096


def fused_adamw(parameters: Sequence[Tensor], **settings: Any) -> torch.optim.AdamW:
    """The optimizer as the engine makes it: one kernel an update."""
    return torch.optim.AdamW(parameters, fused=True, **settings)


@dataclass(frozen=True)
class Operations:
    """What is tested: the functions training calls. A test of the self-test puts a broken one in its place."""

    linear: Callable[..., Tensor] = F.linear
    attention: Callable[..., Tensor] = F.scaled_dot_product_attention
    attend: Callable[..., tuple[Tensor, None]] = attend
    checkpoint: Callable[..., Any] = checkpoint
    lora: Callable[..., Tensor] = lora_linear
    losses: Callable[..., Tensor] = token_losses
    optimizer: Callable[..., Any] = fused_adamw
    seed: Callable[[int], object] = torch.manual_seed


def check_head(use: Operations, device: str) -> str:
    """The output head, forwards and backwards: the backward pass sums over 50,304."""
    width = 256 if device == "cpu" else 2048  # Pythia-1.4b's width where it is quick
    draw = _source(1)
    x, weight, upstream = draw(32, width), draw(VOCABULARY, width) / width**0.5, draw(32, VOCABULARY)
    here = _leaf(x, device)
    y = use.linear(here, weight.to(device))
    y.backward(upstream.to(device))
    forward, grad = torch.empty(32, VOCABULARY, dtype=torch.float64), torch.zeros(32, width, dtype=torch.float64)
    for start in range(0, VOCABULARY, SLICE):  # the whole weight in float64 would be 800 MB
        part = slice(start, start + SLICE)
        forward[:, part] = x.double() @ weight[part].double().t()
        grad += upstream[:, part].double() @ weight[part].double()
    return _differs("the product", y, forward) or _differs("its gradient", _grad(here), grad)


def check_repeat(use: Operations, device: str) -> str:
    """The same 3-D product again and again, bit for bit."""
    draw = _source(2)
    x, weight = draw(4, 96, 768), draw(2304, 768) / 768**0.5
    here, there = x.to(device), weight.to(device)
    first = use.linear(here, there).cpu()
    for turn in range(8):
        if not torch.equal(first, use.linear(here, there).cpu()):
            return f"repetition {turn + 1} gave other numbers than the first"
    return _differs("the product", first, x.double() @ weight.double().t())


def check_attention(use: Operations, device: str) -> str:
    """Attention with padding on the right: no NaN, and what the formula says."""
    draw, lengths, width = _source(3), (5, 33, 48), 48
    q, k, v = (draw(3, 4, width, 32) for _ in range(3))
    places = torch.arange(width)
    seen = (places <= places[:, None]) & (places < torch.tensor(lengths)[:, None, None])  # [rows, n, n], causal, no padding
    out = use.attention(q.to(device), k.to(device), v.to(device), attn_mask=seen[:, None].to(device)).cpu()
    real = places < torch.tensor(lengths)[:, None]
    expected = _attention(q, k, v, seen[:, None])
    return _differs("attention over padded rows", out.transpose(1, 2)[real], expected.transpose(1, 2)[real])


def check_packed(use: Operations, device: str) -> str:
    """Attention as Pete computes it, over examples that lie end to end: short ones together, long ones one by one."""
    draw = _source(4)
    for lengths in ((7, 40, 31), (PADDED_UP_TO + 8, 24)):
        packed = Packed.of(lengths, torch.device(device), torch.float32)
        q, k, v = (draw(1, 2, sum(lengths) + packed.idle, 16) for _ in range(3))
        here, view = (t.to(device) for t in (q, k, v)), View(causal_mask_function, packed)
        out = use.attend(torch.nn.Identity(), *here, view, scaling=0.25)[0].cpu()
        start = 0
        for length in lengths:
            part = slice(start, start + length)
            seen = torch.ones(length, length, dtype=torch.bool).tril()
            expected = _attention(q[:, :, part], k[:, :, part], v[:, :, part], seen).transpose(1, 2)
            wrong = _differs(f"the example of {length} tokens", out[:, part], expected)
            if wrong:
                return wrong
            start += length
    return ""


def check_checkpoint(use: Operations, device: str) -> str:
    """Gradients through a recomputed block are those of the same block kept in memory."""
    draw = _source(5)
    x, weights = draw(64, 96), [draw(96, 96) / 10, draw(96, 96) / 10]
    grads = []
    for recomputed in (False, True):
        one, two = (_leaf(w, device) for w in weights)
        here = _leaf(x, device)

        def block(h: Tensor, one: Tensor = one, two: Tensor = two) -> Tensor:
            return F.gelu(h @ one) @ two

        y = use.checkpoint(block, here, use_reentrant=False) if recomputed else block(here)
        y.square().sum().backward()
        grads.append([_grad(here), _grad(one), _grad(two)])
    names = ("the gradient of the input", "the gradient of the first weight", "the gradient of the second weight")
    return next(filter(None, (_differs(n, b, a.double()) for n, a, b in zip(names, *grads, strict=True))), "")


def check_adamw(use: Operations, device: str) -> str:
    """Five steps of AdamW against its formula (Loshchilov & Hutter 2017)."""
    draw, rate, decay = _source(6), 1e-2, 0.1
    start = draw(16, 64)
    parameter = torch.nn.Parameter(_leaf(start, device))
    optimizer = use.optimizer([parameter], lr=rate, weight_decay=decay)
    value, mean, square = start.double(), torch.zeros(16, 64).double(), torch.zeros(16, 64).double()
    for step in range(1, 6):
        grad = draw(16, 64)
        parameter.grad = grad.to(device)
        optimizer.step()
        mean = 0.9 * mean + 0.1 * grad.double()
        square = 0.999 * square + 0.001 * grad.double() ** 2
        value = value * (1 - rate * decay) - rate * (mean / (1 - 0.9**step)) / ((square / (1 - 0.999**step)).sqrt() + 1e-8)
    return _differs("what five steps changed", parameter.detach().cpu() - start, value - start.double())


def check_loss(use: Operations, device: str) -> str:
    """Cross-entropy over 50,304 classes, and its gradient."""
    return _loss(use, device, torch.float32, CLOSE)


def check_bfloat16(use: Operations, device: str) -> str:
    """The same in bfloat16, which training may choose where it is quick; where it is not there, training chooses float32."""
    try:
        tiny = torch.ones(2, 2, dtype=torch.bfloat16, device=device)
        torch.mm(tiny, tiny)
    except (RuntimeError, TypeError):
        return ""
    return _loss(use, device, torch.bfloat16, ROUGH)


def check_random(use: Operations, device: str) -> str:
    """The same seed draws the same numbers again: what resuming stands on."""
    use.seed(1)
    first, second = torch.rand(1000, device=device), torch.rand(1000, device=device)
    use.seed(1)
    again = torch.rand(1000, device=device)
    if torch.equal(first, second):
        return "two draws gave the same numbers"
    return "" if torch.equal(first, again) else "the same seed drew other numbers"


def check_training(use: Operations, device: str) -> str:
    """Twenty steps of a tiny LoRA model: the same losses as on the CPU, and falling."""
    ours, reference = _train(use, device), _train(Operations(), "cpu")
    gap = max(abs(a - b) / b for a, b in zip(ours, reference, strict=True))
    if not gap < 1e-2:
        step = next(i for i, (a, b) in enumerate(zip(ours, reference, strict=True), 1) if not abs(a - b) / b < 1e-2)
        return f"the loss leaves the CPU's at step {step}: {ours[step - 1]:.4f}, there {reference[step - 1]:.4f}"
    return "" if ours[-1] < 0.8 * ours[0] else f"the loss did not fall: {ours[0]:.3f}, after 20 steps {ours[-1]:.3f}"


CHECKS: dict[str, Callable[[Operations, str], str]] = {
    "output head": check_head,
    "repeated product": check_repeat,
    "padded attention": check_attention,
    "packed attention": check_packed,
    "gradient checkpointing": check_checkpoint,
    "AdamW": check_adamw,
    "loss over 50,304": check_loss,
    "the same in bfloat16": check_bfloat16,
    "random state": check_random,
    "twenty steps": check_training,
}
"""(operations, device) -> what is wrong, in words; empty when nothing is."""


def run_checks(device: str, use: Operations | None = None) -> Iterator[tuple[str, str, float]]:
    """(check, what is wrong or empty, seconds) for each check, in order, as they end."""
    use = use or Operations()
    for name, check in CHECKS.items():
        start = time.perf_counter()
        try:
            wrong = check(use, device)
        except Exception as error:  # an operation that is not there, no memory: also an answer
            wrong = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"
        yield name, wrong, time.perf_counter() - start


def _source(seed: int) -> Callable[..., Tensor]:
    """Normal numbers [shape] that are the same on every device: drawn on the CPU."""
    generator = torch.Generator().manual_seed(seed)
    return lambda *shape: torch.randn(*shape, generator=generator)


def _leaf(tensor: Tensor, device: str) -> Tensor:
    """A copy that gets a gradient; on the CPU `to` alone would hand out the original."""
    return tensor.clone().to(device).requires_grad_()


def _grad(tensor: Tensor) -> Tensor:
    """On the CPU, where it is compared: a Mac's GPU has no float64."""
    assert tensor.grad is not None
    return tensor.grad.cpu()


def _differs(what: str, ours: Tensor, reference: Tensor, close: float = CLOSE) -> str:
    found = ours.detach().cpu().double()
    if not bool(torch.isfinite(found).all()):
        return f"{what} has {int((~torch.isfinite(found)).sum())} values that are not numbers"
    gap = float((found - reference).abs().max() / reference.abs().max())
    return "" if gap < close else f"{what} is off by {gap:.2g} of its largest value"


def _loss(use: Operations, device: str, dtype: torch.dtype, close: float) -> str:
    draw, width = _source(7), 64
    hidden, weight = draw(70, width).to(dtype), (draw(VOCABULARY, width) / 4).to(dtype)
    labels = torch.arange(70) * 718  # up to the last classes
    head = torch.nn.Linear(width, VOCABULARY, bias=False)
    head.weight = torch.nn.Parameter(weight.to(device), requires_grad=False)
    here, there = _leaf(hidden, device), _leaf(hidden.double(), "cpu")
    losses = use.losses(here, head, labels.to(device))
    losses.sum().backward()
    expected = F.cross_entropy(there @ weight.double().t(), labels, reduction="none")
    expected.sum().backward()
    return _differs("the loss", losses, expected.detach(), close) or _differs("its gradient", _grad(here), _grad(there), close)


def _attention(q: Tensor, k: Tensor, v: Tensor, seen: Tensor) -> Tensor:
    """softmax(q k' / sqrt(d)) v in float64; scale 1/sqrt(d) is .25 for the 16 of `check_packed`."""
    scores = q.double() @ k.double().transpose(-1, -2) / q.shape[-1] ** 0.5
    return scores.masked_fill(~seen, float("-inf")).softmax(-1).nan_to_num() @ v.double()


def _train(use: Operations, device: str) -> list[float]:
    """The losses of twenty steps: embedding, one block with LoRA on its two products, head."""
    draw, width, heads, vocabulary, lengths = _source(8), 64, 4, 96, (20, 31, 12)
    embedding, qkv, out, head_weight = (draw(n, width).to(device) / 8 for n in (vocabulary, 3 * width, width, vocabulary))
    adapters = [torch.nn.Parameter(_leaf(t, device)) for n in (3 * width, width) for t in (draw(8, width) / 8, torch.zeros(n, 8))]
    head = torch.nn.Linear(width, vocabulary, bias=False)
    head.weight = torch.nn.Parameter(head_weight, requires_grad=False)
    packed = Packed.of(lengths, torch.device(device), torch.float32)
    ids = (torch.arange(sum(lengths)) * 7 % 31).to(device)
    at = torch.arange(1, len(ids)).to(device)
    optimizer = use.optimizer(adapters, lr=3e-2, weight_decay=0.01)
    losses = []
    for _ in range(20):
        x = F.embedding(packed.ids(ids), embedding)
        parts = use.lora(F.layer_norm(x, (width,)), qkv, None, adapters[0], adapters[1], 2.0, 0.0)
        q, k, v = parts.view(1, -1, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
        mixed = use.attend(head, q, k, v, View(causal_mask_function, packed), scaling=(width // heads) ** -0.5)[0].reshape(1, -1, width)
        x = F.layer_norm(x + use.lora(mixed, out, None, adapters[2], adapters[3], 2.0, 0.0), (width,))
        loss = use.losses(x[0].index_select(0, at - 1), head, ids.index_select(0, at)).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(adapters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(float(loss.detach()))
    return losses


def main(requested: str) -> None:
    """Print the device, then each check as it ends, then the operators that ran on the CPU instead."""

    def say(**record: object) -> None:
        print(json.dumps(record), flush=True)

    try:
        choice = choose_device(requested, gpus_here())
    except ConfigError as error:
        say(refused=error.message)
        return
    say(device=choice.value, reason=choice.reason, checks=list(CHECKS))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for name, wrong, seconds in run_checks(choice.value):
            say(check=name, wrong=wrong, seconds=round(seconds, 3))
    say(fallback=sorted({str(w.message).split("'")[1] for w in caught if "fall back to run on the CPU" in str(w.message)}))


if __name__ == "__main__":
    main(sys.argv[1])
