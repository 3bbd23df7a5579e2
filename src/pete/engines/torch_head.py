"""From hidden states to logits by the model's own forward: scales, caps and multipliers included, whatever the class does there.

The causal model is called with its body replaced by one that returns given hidden states, so exactly the code between body and logits
runs, on as few positions as are wanted. Where that code is nothing but the output head, the head is taken by itself.
"""

import copy
from typing import Any

import torch
from torch import Tensor
from transformers.modeling_outputs import MoeModelOutputWithPast


class _Given(torch.nn.Module):
    """A body, or a head, that was computed already."""

    def __init__(self, given: Any) -> None:
        super().__init__()
        self.given, self.asked = given, None

    def forward(self, *asked: Any, **_: Any) -> Any:
        self.asked = asked[0] if asked else None
        return self.given


def own_logits(model: Any, hidden: Tensor) -> Tensor:
    """What the model's forward makes of its body's hidden states: [n, width] -> [n, vocabulary]."""
    return _after_body(model, hidden, {})


def is_plain(model: Any) -> bool:
    """Whether the model's forward does nothing to hidden states but multiply them with the output head.

    A question of structure, not of values, so that a model without contents can be asked: the head receives the hidden states
    themselves, and what it returns is returned untouched.
    """
    head = model.get_output_embeddings()
    names = [name for name, module in model._modules.items() if module is head]
    if not isinstance(head, torch.nn.Linear) or len(names) != 1:
        return False
    hidden = torch.empty(1, head.in_features, dtype=head.weight.dtype, device=head.weight.device)
    given = torch.empty(1, 1, head.out_features, dtype=head.weight.dtype, device=head.weight.device)
    probe = _Given(given)
    with torch.no_grad():
        made = _after_body(model, hidden, {names[0]: probe})
    return _same(made, given) and given._version == 0 and probe.asked is not None and _same(probe.asked, hidden) and hidden._version == 0


def _same(one: Tensor, other: Tensor) -> bool:
    return one.untyped_storage()._cdata == other.untyped_storage()._cdata and one.numel() == other.numel() and one.dtype == other.dtype


def _after_body(model: Any, hidden: Tensor, instead: dict[str, torch.nn.Module]) -> Tensor:
    body = _Given(MoeModelOutputWithPast(last_hidden_state=hidden[None]))  # type: ignore[arg-type]
    bodiless = copy.copy(model)  # shares everything but the table of its children
    bodiless._modules = {**model._modules, model.base_model_prefix: body, **instead}
    return bodiless(inputs_embeds=hidden[None], use_cache=False).logits[0]
