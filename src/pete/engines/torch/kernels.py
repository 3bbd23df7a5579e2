"""The three places where the torch engine computes something other than transformers and peft do, and why.

1. `lora_linear`: a LoRA layer as one autograd function. peft casts each input to float32 for the adapter's products;
   here they run in the base's dtype, the weights stay float32, and the backward pass keeps no second copy of the input.
2. `token_losses`: output head and cross-entropy only where a token is trained, in slices, so that the logits of a
   long batch (tokens x 50,304 floats) never exist at once.
3. `attend`: attention for examples that lie end to end, and for rows of unequal length that generate together. Who may see whom
   is the model's own rule, layer by layer, as transformers' masks are made of it; only the places are ours.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map
from transformers.masking_utils import causal_mask_function

HEAD_SLICE = 256
BUCKET = 64
"""Lengths are rounded up to this. Every new shape costs a new kernel, in time and in memory that is never given back
(oneDNN's on a CPU, Metal's on a Mac); a tail of at most 63 idle tokens costs less."""
PADDED_UP_TO = 512
"""Longest example for which a padded product of all pairs beats a call for each example."""
TOGETHER = {"cpu": 2}
"""Rows of nearly equal length to a padded product, by device: a CPU gains nothing from more. A GPU takes all, for fewer calls."""

Rule = Callable[[int, int, Any, Any], Any]
"""(row, head, places of queries, places of keys) -> True where the query may see the key: plain causality, a window, a chunk."""
IDLE_KEYWORDS = {
    "sliding_window", "is_causal", "position_ids", "cache_position", "use_cache",
    "output_attentions", "output_hidden_states", "return_dict",
}  # fmt: skip
"""What transformers passes on to attention and eager attention does not read: a mask has the window in it, and the positions."""


class _LoraLinear(torch.autograd.Function):
    """y = x W' + b + scale * dropout(x) A' B'   with A [r, in], B [out, r] in float32 and W frozen."""

    @staticmethod
    def forward(ctx, x, weight, bias, a, b, scale, dropout):
        flat = x.reshape(-1, x.shape[-1])
        low_a = a.to(x.dtype)
        low_b = (b * (scale / (1.0 - dropout))).to(x.dtype)
        drop = _drop_mask(flat, dropout) if dropout else None
        h = (flat if drop is None else flat.masked_fill(drop, 0.0)) @ low_a.t()
        y = F.linear(flat, weight, bias)
        y.addmm_(h, low_b.t())
        ctx.save_for_backward(flat, weight, low_a, low_b, h, drop)
        ctx.scale = scale / (1.0 - dropout)
        return y.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx, grad):  # pyright: ignore[reportIncompatibleMethodOverride]
        x, weight, low_a, low_b, h, drop = ctx.saved_tensors
        flat = grad.reshape(-1, grad.shape[-1])
        grad_h = flat @ low_b
        grad_b = (flat.t() @ h).float().mul_(ctx.scale)
        grad_a = (grad_h.t() @ (x if drop is None else x.masked_fill(drop, 0.0))).float()
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = flat @ weight
            if drop is None:
                grad_x.addmm_(grad_h, low_a)
            else:
                grad_x.add_((grad_h @ low_a).masked_fill_(drop, 0.0))
            grad_x = grad_x.view(*grad.shape[:-1], -1)
        return grad_x, None, None, grad_a, grad_b, None, None


def _drop_mask(x: Tensor, dropout: float) -> Tensor:
    """True where an element is dropped."""
    if x.device.type != "cpu":
        return torch.rand(x.shape, device=x.device) < dropout
    # torch draws CPU numbers one after another; one 64-bit draw makes four of 16 bits, a resolution of 1/65536
    words = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    return words.view(torch.int16)[: x.numel()].view(x.shape) < -32768 + round(dropout * 65536)


def lora_linear(x: Tensor, weight: Tensor, bias: Tensor | None, a: Tensor, b: Tensor, scale: float, dropout: float) -> Tensor:
    """A frozen linear layer with its LoRA branch: x [..., in] -> [..., out], in x's dtype."""
    return _LoraLinear.apply(x, weight, bias, a, b, scale, dropout)  # type: ignore[no-any-return]


class _TokenLosses(torch.autograd.Function):
    @staticmethod
    def forward(ctx, hidden, head, labels):
        weight, bias = head.weight, head.bias
        grad = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        losses = torch.empty(len(labels), dtype=torch.float32, device=hidden.device)
        for start in range(0, len(labels), HEAD_SLICE):
            part = slice(start, start + HEAD_SLICE)
            logits = F.linear(hidden[part], weight, bias).float()
            norm = logits.logsumexp(-1, keepdim=True)
            label = labels[part, None]
            losses[part] = (norm - logits.gather(1, label))[:, 0]
            if grad is not None:
                shares = logits.sub_(norm).exp_()
                shares.scatter_add_(1, label, torch.full_like(norm, -1.0))
                grad[part] = shares.to(hidden.dtype) @ weight
        ctx.save_for_backward(grad)
        return losses

    @staticmethod
    def backward(ctx, upstream):  # pyright: ignore[reportIncompatibleMethodOverride]
        (grad,) = ctx.saved_tensors
        return grad * upstream[:, None].to(grad.dtype), None, None


class _OwnLosses(_TokenLosses):
    """The same where the model does more than a product: each slice goes through the model's own code, and its graph is spent at once."""

    @staticmethod
    def forward(ctx, hidden, head, labels):
        grad = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        losses = torch.empty(len(labels), dtype=torch.float32, device=hidden.device)
        for start in range(0, len(labels), HEAD_SLICE):
            part = slice(start, start + HEAD_SLICE)
            with torch.set_grad_enabled(grad is not None):
                piece = hidden[part].detach().requires_grad_(grad is not None)
                found = F.cross_entropy(head(piece).float(), labels[part], reduction="none")
                if grad is not None:
                    grad[part] = torch.autograd.grad(found.sum(), piece)[0]
            losses[part] = found.detach()
        ctx.save_for_backward(grad)
        return losses


def token_losses(hidden: Tensor, head: Callable[[Tensor], Tensor], labels: Tensor) -> Tensor:
    """-log p(label) at each position: hidden [n, width], labels [n] -> float32 [n]. The head is frozen.

    A `torch.nn.Linear` is taken for what it is; any other head is called, slice by slice: [m, width] -> logits [m, vocabulary].
    """
    idle = round_up(len(labels), BUCKET) - len(labels)
    padded, targets = F.pad(hidden, (0, 0, 0, idle)), F.pad(labels, (0, idle))
    computed = _TokenLosses if isinstance(head, torch.nn.Linear) else _OwnLosses
    losses = computed.apply(padded, head, targets)
    return losses[: len(labels)]  # type: ignore[index]


@dataclass(frozen=True)
class Group:
    """Rows that are attended together, in a rectangle."""

    rows: int
    width: int


@dataclass
class Packed:
    """Rows end to end, the tokens that all of them begin with only once; and the rectangles in which they are attended."""

    lengths: Sequence[int]
    idle: int
    """Tokens at the end that belong to no row and are seen by none: they round the length up to a bucket."""
    places: Tensor
    """[sum of lengths]: where each token of each row, row after row, lies in the pack."""
    positions: Tensor
    """[1, n + idle]: each token's place within its own row."""
    groups: Sequence[Group]
    spread: "Spread"
    dtype: torch.dtype
    _firsts: Tensor
    """[n]: each token of the pack, where it first stands among all rows' tokens, row after row."""
    _masks: dict[Rule, Tensor | None] = field(default_factory=dict)

    @classmethod
    def of(cls, lengths: Sequence[int], device: torch.device, dtype: torch.dtype, shared: int = 0, together: int = 0) -> "Packed":
        """Lay out rows.

        Args:
            lengths: of the rows.
            device: for the tables.
            dtype: of attention's scores.
            shared: tokens that all rows begin with.
            together: rows to a rectangle; 0 for all.
        """
        sizes = np.array(lengths)
        before = np.cumsum(sizes - shared) - (sizes - shared)  # tokens of the pack before a row's own
        within = np.concatenate([np.arange(n) for n in lengths])
        places = within + np.where(within < shared, 0, np.repeat(before, sizes))
        firsts = np.unique(places, return_index=True)[1]
        positions = within[firsts]
        idle = round_up(len(firsts), BUCKET) - len(firsts)

        order = np.argsort(-sizes, kind="stable")
        if max(lengths) > PADDED_UP_TO:
            cuts, step = [[row] for row in order], 1
        else:
            some = together or len(order)
            cuts, step = [order[i : i + some] for i in range(0, len(order), some)], BUCKET // 2
        groups = [Group(len(rows), round_up(int(sizes[rows].max()), step)) for rows in cuts]
        taken, back, here = [], np.zeros(len(firsts), np.int64), 0
        heads = np.zeros((len(lengths), shared), np.int64)
        for rows, group in zip(cuts, groups, strict=True):
            for row in rows:
                within, length = np.arange(group.width), int(sizes[row])
                own = within + np.where(within < shared, 0, before[row])
                own[length:] = 0  # padding: what stands there is seen by no token
                back[own[:length]] = here + within[:length]
                heads[row] = here + np.arange(shared)
                taken.append(own)
                here += group.width

        def index(numbers: np.ndarray) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(numbers, np.int64)).to(device)

        spread = Spread(index(np.concatenate(taken)), index(back), index(heads))
        positions = index(np.append(positions, np.zeros(idle)))[None]
        return cls(lengths, idle, index(places), positions, groups, spread, dtype, index(firsts))

    @property
    def padded(self) -> bool:
        """Whether rows are attended in padded rectangles; else one by one."""
        return max(self.lengths) <= PADDED_UP_TO

    def mask(self, rule: Rule) -> Tensor | None:
        """[width, width] of the widest group: 0 or -inf, the same for every row; None where rows go one by one and see all before."""
        if rule not in self._masks:
            self._masks[rule] = None if rule is causal_mask_function and not self.padded else self._mask(rule)
        return self._masks[rule]

    def _mask(self, rule: Rule) -> Tensor | None:
        width = max(group.width for group in self.groups)
        places = torch.arange(width)  # on the CPU: a forecast has no other numbers to look at
        with _OnCpu():
            seen = rule(0, 0, places[:, None], places[None]).expand(width, width)
        causal = places[:, None] >= places
        if bool((seen & ~causal).any()):
            raise NotImplementedError("a layer sees tokens that come later")
        if not self.padded and bool((seen == causal).all()):
            return None
        return _bias(seen, self.dtype).to(self.positions.device)

    def ids(self, ids: Tensor) -> Tensor:
        """The ids of all rows, row after row, as the model reads them: [1, n + idle]."""
        return F.pad(ids.index_select(0, self._firsts), (0, self.idle))[None]

    def rectangle(self, tokens: Tensor) -> Tensor:
        """The pack [n, ...] as [rows, longest, ...], rows in their order; behind a row's end stands something or other."""
        width = max(self.lengths)
        ends = torch.tensor(self.lengths, device=tokens.device).cumsum(0)
        starts = (ends - torch.tensor(self.lengths, device=tokens.device))[:, None]
        every = (starts + torch.arange(width, device=tokens.device)).clamp_(max=len(self.places) - 1)
        return tokens.index_select(0, self.places[every.flatten()]).view(len(self.lengths), width, *tokens.shape[1:])


@dataclass(frozen=True)
class Spread:
    """How the tokens of a pack lie in its rectangles, one rectangle behind the other."""

    taken: Tensor
    """[cells]: which token stands in each cell; any, where it is padding."""
    back: Tensor
    """[n]: the cell of each token; of a shared one, a cell of one row."""
    heads: Tensor
    """[rows, shared]: the cells of the shared tokens, row by row."""

    def out(self, tokens: Tensor) -> Tensor:
        """[n or more, ...] -> [cells, ...]."""
        return _Out.apply(tokens, self)  # type: ignore[no-any-return]

    def home(self, cells: Tensor) -> Tensor:
        """[cells, ...] -> [n, ...]."""
        return _Home.apply(cells, self)  # type: ignore[no-any-return]


class _Out(torch.autograd.Function):
    """Padding is seen by no token, so what comes back from it is zero: each token's gradient is read where the token stands."""

    @staticmethod
    def forward(ctx, tokens, spread):
        ctx.spread, ctx.size = spread, len(tokens)
        return tokens.index_select(0, spread.taken)

    @staticmethod
    def backward(ctx, grad):  # pyright: ignore[reportIncompatibleMethodOverride]
        spread = ctx.spread
        made = grad.new_zeros(ctx.size, *grad.shape[1:])
        torch.index_select(grad, 0, spread.back, out=made[: len(spread.back)])
        rows, shared = spread.heads.shape
        if shared and rows > 1:
            every = grad.index_select(0, spread.heads.flatten()).view(rows, shared, *grad.shape[1:])
            made[:shared] = every.sum(0, dtype=torch.float32)
        return made, None


class _Home(torch.autograd.Function):
    @staticmethod
    def forward(ctx, cells, spread):
        ctx.spread, ctx.size = spread, len(cells)
        return cells.index_select(0, spread.back)

    @staticmethod
    def backward(ctx, grad):  # pyright: ignore[reportIncompatibleMethodOverride]
        return grad.new_zeros(ctx.size, *grad.shape[1:]).index_copy_(0, ctx.spread.back, grad), None


class _OnCpu(TorchFunctionMode):
    """Inside, numbers that a rule keeps on the model's device are looked at on the CPU: a chunk's left padding, of which we have none."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Compute with copies; the meta device, which has no numbers, stands for zeros."""

        def here(value: Any) -> Any:
            if not isinstance(value, Tensor) or value.device.type == "cpu":
                return value
            return torch.zeros(value.shape, dtype=value.dtype) if value.is_meta else value.cpu()

        return func(*tree_map(here, args), **tree_map(here, kwargs or {}))


def _bias(seen: Tensor, dtype: torch.dtype) -> Tensor:
    """What is added to the scores: 0 where a key may be seen, -inf elsewhere."""
    return torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill_(~seen, float("-inf"))


def round_up(number: int, to: int) -> int:
    """The next multiple."""
    return -(-number // to) * to


class Cache:
    """Keys and values of rows that generate together, each row as long as it is: what transformers asks of a cache."""

    def __init__(self, packed: Packed, layers: int, room: int) -> None:
        self.packed: Packed | None = packed
        self.used = torch.tensor(list(packed.lengths), device=packed.positions.device)
        self.rows = len(packed.lengths)
        self.width = round_up(max(packed.lengths) + room, BUCKET)
        self.keys: list[Tensor | None] = [None] * layers
        self.values: list[Tensor | None] = [None] * layers
        self.seen = max(packed.lengths)
        self._masks: dict[Rule, Tensor] = {}

    def get_query_offset(self, *_: object) -> int:
        """Rules are asked with places within a row, not within what was read so far."""
        return 0

    def get_mask_sizes(self, length: int, *_: object) -> tuple[int, int]:
        """As get_query_offset: nothing is shifted."""
        return length, 0

    def update(self, keys: Tensor, values: Tensor, layer: int, *_: object, **__: object) -> tuple[Tensor, Tensor]:
        """While reading prompts: file [1, heads, n, d] by row. While generating: add [rows, heads, 1, d]; return all."""
        if self.packed is not None:
            for store, new in ((self.keys, keys), (self.values, values)):
                rectangle = new.new_zeros(self.rows, new.shape[1], self.width, new.shape[3])
                read = self.packed.rectangle(new[0].transpose(0, 1))
                rectangle[:, :, : read.shape[1]] = read.transpose(1, 2)
                store[layer] = rectangle
            return keys, values
        every = torch.arange(self.rows, device=self.used.device)
        out = []
        for store, new in ((self.keys, keys), (self.values, values)):
            rectangle = store[layer]
            assert rectangle is not None
            rectangle[every, :, self.used] = new[:, :, 0]
            out.append(rectangle[:, :, : self.seen])
        return out[0], out[1]

    def advance(self) -> None:
        """Make room for one more token in every row."""
        self.packed = None
        self.seen = min(round_up(int(self.used.max()) + 1, BUCKET // 2), self.width)
        self._masks.clear()

    def mask(self, rule: Rule, dtype: torch.dtype) -> Tensor:
        """[rows, 1, seen]: 0 or -inf, what each row's new token may see."""
        if rule not in self._masks:
            places = torch.arange(self.seen, device=self.used.device)
            self._masks[rule] = _bias(rule(0, 0, self.used[:, None, None], places[None, None]), dtype)
        return self._masks[rule]

    def keep(self, rows: Sequence[int]) -> None:
        """Forget the rows that have ended."""
        index = torch.tensor(list(rows), device=self.used.device)
        self.used, self.rows = self.used[index], len(rows)
        for store in (self.keys, self.values):
            for layer, rectangle in enumerate(store):
                store[layer] = None if rectangle is None else rectangle[index]


@dataclass(frozen=True)
class View:
    """Who sees whom in a layer: the model's rule, and the layout whose places it is asked with."""

    rule: Rule
    layout: Packed | Cache


_LAYOUT: ContextVar[Packed | Cache] = ContextVar("layout")


@contextmanager
def laid_out(layout: Packed | Cache) -> Iterator[None]:
    """Inside, a model's masks are views of this layout. A mask, unlike a keyword, reaches the attention of every model."""
    token = _LAYOUT.set(layout)
    try:
        yield
    finally:
        _LAYOUT.reset(token)


def visible(*, mask_function: Rule, **_: object) -> View:
    """The mask that transformers makes for our attention: not [n, n] over the pack, but the rule itself, for `attend`."""
    layout = _LAYOUT.get(None)
    if layout is None:
        raise NotImplementedError("its forward does not call its body as one part")
    return View(mask_function, layout)


def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: View,
    *,
    scaling: float,
    dropout: float = 0.0,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    **others: object,
) -> tuple[Tensor, None]:
    """Attention as transformers calls it, for examples that lie end to end (Packed), or one new token in each row (Cache).

    Args:
        module: the attention layer (unused).
        query: [batch, heads, n, d].
        key: [batch, kv_heads, n or seen, d].
        value: as key.
        attention_mask: what `visible` gave the model for a mask.
        scaling: factor of the scores.
        dropout: of the attention weights; the base's own, in training.
        softcap: scores become softcap * tanh(scores / softcap).
        s_aux: [heads], attention sinks: one more score in each softmax, for nothing that is there.
        others: what else transformers passes.

    Returns:
        ([batch, n, heads, d], None).

    Raises:
        NotImplementedError: the model makes its own mask, sees the future, or asks for what is not computed here.
    """
    if not isinstance(attention_mask, View):
        raise NotImplementedError("it makes its own attention mask")
    unknown = sorted(name for name, given in others.items() if given is not None and name not in IDLE_KEYWORDS)
    if unknown:
        raise NotImplementedError(f"its attention asks for {', '.join(unknown)}")

    all_pairs = functools.partial(_all_pairs, scaling=scaling, dropout=dropout, softcap=softcap, sinks=s_aux)
    layout = attention_mask.layout
    if isinstance(layout, Cache):
        return all_pairs(query, key, value, layout.mask(attention_mask.rule, query.dtype)).transpose(1, 2), None
    mask, spread = layout.mask(attention_mask.rule), layout.spread
    groups = query.shape[1] != key.shape[1]
    cells = [spread.out(t[0].transpose(0, 1)).split([g.rows * g.width for g in layout.groups]) for t in (query, key, value)]
    made = []
    for group, *parts in zip(layout.groups, *cells, strict=True):
        rows, width = group.rows, group.width
        q, k, v = (part.view(rows, width, *part.shape[1:]).transpose(1, 2) for part in parts)
        here = None if mask is None else mask[:width, :width]
        if layout.padded:  # right padding plus a causal mask: no real token ever sees padding, and no row of scores is all -inf
            assert here is not None
            out = all_pairs(q, k, v, here)
        elif softcap is None and s_aux is None:
            out = F.scaled_dot_product_attention(q, k, v, here, dropout, is_causal=here is None, scale=scaling, enable_gqa=groups)
        else:
            later = torch.ones(width, width, dtype=torch.bool, device=q.device).triu(1)
            out = all_pairs(q, k, v, _bias(~later, q.dtype) if here is None else here)
        made.append(out.transpose(1, 2).reshape(rows * width, *out.shape[1::2]))
    return F.pad(spread.home(torch.cat(made)), (0, 0, 0, 0, 0, layout.idle))[None], None


def _all_pairs(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor, scaling: float, dropout: float, softcap: float | None, sinks: Tensor | None
) -> Tensor:
    """softmax(q k' * scaling + mask) v. Queries that share a key head ride in one product: [rows, heads, n, d]."""
    rows, heads, n, d = query.shape
    kv, seen = key.shape[1], key.shape[2]
    share = heads // kv
    q = query.reshape(rows * kv, share * n, d)
    k, v = key.reshape(rows * kv, seen, d), value.reshape(rows * kv, seen, value.shape[-1])
    if mask.dim() == 2:  # the same for every row: [n, seen]
        bias = mask.repeat(share, 1).expand(rows * kv, share * n, seen)
    else:  # one for each row: [rows, 1, seen]
        bias = mask[:, None].expand(rows, kv, share * n, seen).reshape(rows * kv, share * n, seen)
    if softcap is None:
        scores = torch.baddbmm(bias, q, k.transpose(1, 2), alpha=scaling)
    else:
        scores = torch.bmm(q, k.transpose(1, 2)).mul(scaling / softcap).tanh().mul(softcap) + bias
    if sinks is None:
        weights = scores.softmax(-1)
    else:
        sink = sinks.to(scores.dtype).view(kv, share, 1).expand(rows, kv, share, n).reshape(rows * kv, share * n, 1)
        weights = torch.cat([scores, sink], dim=-1).softmax(-1)[..., :-1]
    if dropout:
        weights = F.dropout(weights, dropout)
    return torch.bmm(weights, v).view(rows, heads, n, value.shape[-1])
