"""How the next token is drawn: one definition, in numpy, for every engine."""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from pete.config import GenerateConfig
from pete.data.text import WORD, fold, quarters


class Avoid:
    """Phrases to be steered around: a penalty on every token that would complete one, however it is cut into tokens.

    It matches the letters of the answer so far, not ids, so that " game changer", "Game changer" and any odd cut of either are
    one phrase. A phrase starts at the start of a word and, without a trailing *, ends at the end of one.
    """

    def __init__(self, pieces: Sequence[str], phrases: Sequence[str], strength: float) -> None:
        """Prepare for one vocabulary.

        Args:
            pieces: the text of each token id; "" for tokens that are no text.
            phrases: what to steer around; a trailing * stands for any ending.
            strength: taken off the logit of a completing token, in nats at temperature 1; infinite forbids it.
        """
        self.strength = np.float32(strength)
        self._pieces = [_plain(piece) for piece in pieces]
        order = sorted(range(len(self._pieces)), key=self._pieces.__getitem__)
        ordered = [self._pieces[i] for i in order]

        def starting(text: str, whole: bool) -> set[int]:
            """Ids of the tokens that go on with `text`, and end its last word there when `whole`."""
            found = set()
            for at in range(bisect_left(ordered, text), len(ordered)):
                if not ordered[at].startswith(text):
                    break
                rest = ordered[at][len(text) :]
                if not (whole and rest[:1] and _in_word(rest[0])):
                    found.add(order[at])
            return found

        anywhere: set[int] = set()
        ends: dict[str, set[int]] = {}
        for phrase in dict.fromkeys(map(_plain, phrases)):
            text, whole = phrase.removesuffix("*"), not phrase.endswith("*")
            if not text:
                continue
            for cut in range(len(text)):
                ends.setdefault(text[:cut], set()).update(starting(text[cut:], whole))
            anywhere |= {i for i, piece in enumerate(self._pieces) if _holds(piece, text, whole)}
        self._longest = max(map(len, ends), default=0)
        self._anywhere = np.array(sorted(anywhere), dtype=np.int64)
        self._ends = {prefix: np.array(sorted(ids | anywhere), dtype=np.int64) for prefix, ids in ends.items() if ids}

    def completing(self, said: Sequence[int]) -> np.ndarray:
        """Ids that would complete a phrase right after the answer's ids so far."""
        tail = ""
        for token in reversed(said):
            if len(tail) > self._longest:
                break
            tail = (self._pieces[token] if 0 <= token < len(self._pieces) else "") + tail
        found = self._anywhere
        for length in range(min(self._longest, len(tail)) + 1):
            start = len(tail) - length
            ids = self._ends.get(tail[start:])
            if ids is not None and not (start and _in_word(tail[start - 1])):
                found = ids if found is self._anywhere else np.union1d(found, ids)
        return found


def _plain(text: str) -> str:
    return fold(text.lower())


def _in_word(character: str) -> bool:
    """Whether a word goes on with it; in scripts without spaces every letter may begin and end one."""
    return (character.isalnum() or character == "_") and quarters(character) == WORD


def _holds(piece: str, text: str, whole: bool) -> bool:
    """Whether a token has the phrase inside, from the start of a word that is not the token's own start."""
    at = piece.find(text, 1)
    while at > 0:
        after = piece[at + len(text) : at + len(text) + 1]
        if not _in_word(piece[at - 1]) and not (whole and after and _in_word(after)):
            return True
        at = piece.find(text, at + 1)
    return False


def _likeliest(logits: np.ndarray, count: int) -> np.ndarray:
    """Ids of the `count` largest logits (0: all of them), largest first, equal ones by id; NaN, from a diverged model, stays in."""
    ids = np.arange(len(logits))
    if 0 < count < len(logits):
        ids = np.flatnonzero(~(logits < np.partition(logits, -count)[-count]))
    return ids[np.lexsort((ids, -logits[ids]))][: count or None]


def draw(logits: np.ndarray, seen: Sequence[int], sampling: GenerateConfig, rng: np.random.Generator, avoid: Avoid | None = None) -> int:
    """Draw a token id from float32 logits [vocabulary].

    Penalty on what would complete an avoided phrase, then repetition penalty over `seen` (Keskar et al. 2019), then
    temperature, top-k, and nucleus (Holtzman et al. 2020).
    `seen` is the answer so far and not the prompt: an answer has to repeat the prompt's facts.
    Temperature 0 takes the likeliest.
    """
    penalised = sampling.repetition_penalty != 1.0 and len(seen) > 0
    if avoid is not None or penalised:
        logits = logits.copy()
    if avoid is not None:
        logits[avoid.completing(seen)] -= avoid.strength
    if penalised:
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
