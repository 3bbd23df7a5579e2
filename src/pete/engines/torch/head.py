"""From hidden states to logits by the model's own forward: scales, caps and multipliers included, whatever the class does there.

The causal model is called with its body's forward replaced by one that returns given hidden states, so exactly the code between body
and logits runs, on as few positions as are wanted. Where that code is nothing but the output head, the head is taken by itself.
"""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPast


class _Given(BaseModelOutputWithPast):
    """Hidden states as a body returns them, and nothing else that a body may return."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


def body_name(model: Any) -> str:
    """The attribute that holds the model without its head.

    Raises:
        NotImplementedError: there is no such one part.
    """
    names = [name for name, child in model.named_children() if isinstance(child, PreTrainedModel)]
    if len(names) != 1:
        raise NotImplementedError(f"it has {len(names)} bodies, not one")
    return names[0]


def own_logits(model: Any, hidden: Tensor) -> Tensor:
    """What the model's forward makes of its body's hidden states: [n, width] -> [n, vocabulary]."""
    return _after_body(model, hidden, {})


def is_plain(model: Any) -> bool:
    """Whether the model's forward does nothing to hidden states but multiply them with the output head.

    A question of structure, not of values, so that a model without contents can be asked: the head receives the hidden states
    themselves, and what it returns is returned untouched.
    """
    head = model.get_output_embeddings()
    name = next((name for name, module in model.named_children() if module is head), None)
    if name is None or not isinstance(head, torch.nn.Linear):
        return False
    hidden = torch.empty(1, head.in_features, dtype=head.weight.dtype, device=head.weight.device)
    given = torch.empty(1, 1, head.out_features, dtype=head.weight.dtype, device=head.weight.device)
    asked: list[Tensor] = []

    def answer(x: Tensor) -> Tensor:
        asked.append(x)
        return given

    with torch.no_grad():
        made = _after_body(model, hidden, {name: _with_forward(head, answer)})
    return len(asked) == 1 and _same(made, given) and _same(asked[0], hidden) and hidden._version == given._version == 0


def _same(one: Tensor, other: Tensor) -> bool:
    return one.untyped_storage()._cdata == other.untyped_storage()._cdata and one.numel() == other.numel() and one.dtype == other.dtype


def _after_body(model: Any, hidden: Tensor, instead: Mapping[str, torch.nn.Module]) -> Tensor:
    given, name = _Given(last_hidden_state=hidden[None]), body_name(model)  # type: ignore[arg-type]
    bodiless = with_modules(model, {name: _with_forward(getattr(model, name), lambda *_, **__: given), **instead})
    return bodiless(inputs_embeds=hidden[None], use_cache=False).logits[0]


def with_modules(module: Any, instead: Mapping[str, torch.nn.Module]) -> Any:
    """The same module, sharing everything with it but some of its children."""
    other = copy.copy(module)
    other._modules = {**module._modules, **instead}
    return other


def _with_forward(module: torch.nn.Module, forward: Any) -> torch.nn.Module:
    """The same module, doing something else when it is called."""
    other = copy.copy(module)
    other.forward = forward
    return other
