"""How the next token is drawn: one definition, in numpy, for every engine."""

from collections.abc import Sequence

import numpy as np

from pete.config import GenerateConfig


def _likeliest(logits: np.ndarray, count: int) -> np.ndarray:
    """Ids of the `count` largest logits (0: all of them), largest first, equal ones by id; NaN, from a diverged model, stays in."""
    ids = np.arange(len(logits))
    if 0 < count < len(logits):
        ids = np.flatnonzero(~(logits < np.partition(logits, -count)[-count]))
    # one whole number each, logit above id: sorting 49,152 of those takes 2 ms, and sorting by the two 7
    below = (0.0 - logits[ids]).astype(np.float32, copy=False)
    bits = below.view(np.uint32)
    order = np.where(np.isnan(below), np.uint32(0xFFFFFFFF), np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31)))
    keys = order.astype(np.uint64) << np.uint64(32) | ids.astype(np.uint64)
    keys.sort()
    return (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)[: count or None]


def draw(logits: np.ndarray, seen: Sequence[int], sampling: GenerateConfig, rng: np.random.Generator) -> int:
    """Draw a token id from float32 logits [vocabulary].

    Repetition penalty over `seen` (Keskar et al. 2019), then temperature, top-k, and nucleus (Holtzman et al. 2020).
    `seen` is the answer so far and not the prompt: an answer has to repeat the prompt's facts.
    Temperature 0 takes the likeliest.
    """
    if sampling.repetition_penalty != 1.0 and len(seen) > 0:
        logits = logits.copy()
        ids = np.unique(np.asarray(seen))
        values = logits[ids]
        logits[ids] = np.where(values > 0, values / sampling.repetition_penalty, values * sampling.repetition_penalty)
    if sampling.temperature == 0:
        return int(logits.argmax())
    ids = _likeliest(logits, sampling.top_k)
    scaled = logits[ids].astype(np.float64) / sampling.temperature
    shares = np.exp(scaled - scaled[0])
    shares /= shares.sum()
    if sampling.top_p < 1.0:
        keep = int(np.searchsorted(np.cumsum(shares), sampling.top_p)) + 1
        ids, shares = ids[:keep], shares[:keep] / shares[:keep].sum()
    return int(ids[min(int(np.searchsorted(np.cumsum(shares), rng.random(), side="right")), len(ids) - 1)])
