"""The self-test finds nothing wrong here, and each fault that has been seen in the field is found by the check meant for it."""

import json

import pytest
import torch
import torch.nn.functional as F

from pete.engines.torch.kernels import attend, lora_linear, token_losses
from pete.engines.torch.selftest_checks import CHECKS, Operations, main, run_checks
from tests.engines import DEVICE


def test_every_check_holds_on_this_device():
    results = list(run_checks(DEVICE))
    assert [name for name, _, _ in results] == list(CHECKS) and len(results) == 10
    assert [(name, wrong) for name, wrong, _ in results if wrong] == []
    assert sum(seconds for _, _, seconds in results) < 60  # about 1.5 s on an idle machine


@pytest.mark.parametrize("name", [name for name in CHECKS if name not in ("random state", "twenty steps")])
def test_a_check_never_mixes_the_device_with_the_cpu_nor_asks_it_for_float64(name, monkeypatch):
    """The meta device stands for a GPU: tensors on it go with no others, and here it has no float64, as a Mac's has not."""

    def cpu(tensor: torch.Tensor) -> torch.Tensor:
        return torch.zeros(tensor.shape, dtype=tensor.dtype) if tensor.is_meta else tensor

    def double(tensor: torch.Tensor) -> torch.Tensor:
        assert not tensor.is_meta, "float64 on the device"
        return tensor.to(torch.float64)

    monkeypatch.setattr(torch.Tensor, "cpu", cpu)
    monkeypatch.setattr(torch.Tensor, "double", double)
    compared = []

    def look(what: str, ours: torch.Tensor, reference: torch.Tensor, close: float = 0.0) -> str:
        assert not reference.is_meta, f"{what} is held against the device itself"
        compared.append(what)
        return ""

    monkeypatch.setattr("pete.engines.torch.selftest_checks._differs", look)
    use = Operations(optimizer=torch.optim.AdamW)  # PyTorch has no fused one for the meta device
    assert CHECKS[name](use, "meta") == "" and compared


class _ReadsPast(torch.autograd.Function):
    """A product over more than 32,768 loses what lies beyond (pytorch#177116)."""

    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(weight)
        return x @ weight.t()

    @staticmethod
    def backward(ctx, grad):  # pyright: ignore[reportIncompatibleMethodOverride]
        (weight,) = ctx.saved_tensors
        return grad[..., :32768] @ weight[:32768], None


def wrong_forward(x, weight):
    return F.linear(x, weight) * 1.01


def unsteady_linear():
    calls = []

    def linear(x, weight):
        calls.append(0)
        y = F.linear(x, weight)
        return y + 1e-6 if len(calls) == 5 else y

    return linear


def nan_attention(q, k, v, attn_mask):
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=attn_mask)
    out[0, 0, 0, 0] = float("nan")
    return out


def blind_attention(q, k, v, attn_mask):
    return F.scaled_dot_product_attention(q, k, v, is_causal=True) if attn_mask is None else F.scaled_dot_product_attention(q, k, v)


def leaking_attend(module, q, k, v, view, *, scaling):
    """Examples that lie end to end see each other."""
    return F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scaling).transpose(1, 2), None


def long_attend(module, q, k, v, view, *, scaling):
    """Only the long ones, which go another way, are wrong."""
    out, _ = attend(module, q, k, v, view, scaling=scaling)
    return (out * 1.01 if not view.layout.padded else out), None


def forgetful_checkpoint(function, x, use_reentrant):
    """The second computation drops other elements than the first (pytorch#127676)."""
    return torch.utils.checkpoint.checkpoint(lambda h: F.dropout(function(h), 0.1), x, use_reentrant=False, preserve_rng_state=False)


class StillAdamW(torch.optim.AdamW):
    """Does not touch what is not contiguous in the eyes of a faulty kernel: here, anything."""

    def step(self, closure=None):
        return None


def plain_adam(parameters, lr, weight_decay):
    """Decay mixed into the gradient instead of the weight."""
    return torch.optim.Adam(parameters, lr=lr, weight_decay=weight_decay)


def cut_losses(hidden, head, labels):
    """Classes above 32,768 do not count."""
    logits = F.linear(hidden, head.weight)
    return logits[:, :32768].logsumexp(-1) - logits.gather(1, labels[:, None])[:, 0]


class _HalfGrad(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad):  # pyright: ignore[reportIncompatibleMethodOverride]
        return grad / 2


def half_grad_losses(hidden, head, labels):
    return token_losses(_HalfGrad.apply(hidden), head, labels)  # type: ignore[arg-type]


def deaf_lora(x, weight, bias, a, b, scale, dropout):
    """The adapter's branch gets no gradient."""
    return lora_linear(x, weight, bias, a.detach(), b.detach(), scale, dropout) + 0 * (a.sum() + b.sum())


def missing(*_, **__):
    raise NotImplementedError("The operator 'aten::linear' is not currently implemented for the MPS device\nlong story")


FAULTS = {
    "head gradient beyond 32,768": ("output head", {"linear": _ReadsPast.apply}, "its gradient is off"),
    "head forward": ("output head", {"linear": wrong_forward}, "the product is off"),
    "unsteady product": ("repeated product", {"linear": unsteady_linear()}, "repetition 4"),
    "wrong product": ("repeated product", {"linear": wrong_forward}, "the product is off"),
    "NaN in attention": ("padded attention", {"attention": nan_attention}, "1 values that are not numbers"),
    "padding that is seen": ("padded attention", {"attention": blind_attention}, "padded rows is off"),
    "examples that see each other": ("packed attention", {"attend": leaking_attend}, "the example of 40 tokens"),
    "long examples": ("packed attention", {"attend": long_attend}, "the example of 520 tokens"),
    "checkpoint": ("gradient checkpointing", {"checkpoint": forgetful_checkpoint}, "the gradient of the"),
    "AdamW that stands still": ("AdamW", {"optimizer": StillAdamW}, "five steps"),
    "Adam instead of AdamW": ("AdamW", {"optimizer": plain_adam}, "five steps"),
    "classes cut off": ("loss over 50,304", {"losses": cut_losses}, "the loss is off"),
    "half the gradient": ("loss over 50,304", {"losses": half_grad_losses}, "its gradient is off"),
    "classes cut off in bfloat16": ("the same in bfloat16", {"losses": cut_losses}, "the loss is off"),
    "half the gradient in bfloat16": ("the same in bfloat16", {"losses": half_grad_losses}, "its gradient is off"),
    "a seed without effect": ("random state", {"seed": lambda number: None}, "drew other numbers"),
    "adapter without gradient": ("twenty steps", {"lora": deaf_lora}, "the loss leaves the CPU's at step 2"),
    "not implemented": ("output head", {"linear": missing}, "NotImplementedError: The operator 'aten::linear'"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found_by_its_check(fault, monkeypatch):
    name, broken, words = FAULTS[fault]
    monkeypatch.setattr("pete.engines.torch.selftest_checks.CHECKS", {name: CHECKS[name]})
    ((found, wrong, _),) = run_checks("cpu", Operations(**broken))
    assert found == name and words in wrong and "\n" not in wrong


def test_every_check_has_a_fault():
    assert {name for name, _, _ in FAULTS.values()} == set(CHECKS)


def test_a_stuck_random_source_is_found(monkeypatch):
    stuck = torch.rand(1000)
    monkeypatch.setattr("pete.engines.torch.selftest_checks.torch.rand", lambda *_, **__: stuck)
    assert CHECKS["random state"](Operations(), "cpu") == "two draws gave the same numbers"


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="there is one here")
def test_a_device_that_is_not_there_is_refused(capsys):
    main("mps")
    assert "there is none here" in json.loads(capsys.readouterr().out)["refused"]
