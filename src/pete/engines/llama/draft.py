"""Speculative decoding: a smaller model with the same tokens guesses what comes next, and the larger one reads the guesses in one step.

Guesses decide how many tokens a step gives, never which: each token is drawn from the larger model's logits, by the row's own
sampling and random numbers, and a guess is only taken for read while it is the token that was drawn.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from pete.config import GenerateConfig
from pete.data.batch import common_beginning
from pete.data.tokenizer import TOKENIZER
from pete.engines.llama.runtime import Context
from pete.engines.protocol import Base
from pete.engines.sampling import draw
from pete.errors import BaseModelError

FIRST, MOST = 4, 8
"""Guesses of a row's first step, and of any: one that is all right asks for two more next time, a wrong one for as many as were right."""


class DraftError(BaseModelError):
    """What is to guess speaks other tokens than what answers."""


@dataclass
class Guessed:
    """How many tokens have been guessed, and how many of them were drawn."""

    proposed: int = 0
    accepted: int = 0


def check_tokens(base: Base, draft: Base) -> None:
    """Hold every token id of two bases against each other.

    Raises:
        DraftError: an id is not the same text in both.
    """
    ours, theirs = (Tokenizer.from_file(str(one.folder / TOKENIZER)).get_vocab(with_added_tokens=True) for one in (base, draft))
    differ = {token for token in ours.keys() | theirs.keys() if ours.get(token) != theirs.get(token)}
    if differ:
        one = min(differ, key=lambda token: (ours.get(token, theirs.get(token)), token))
        found = f"{ours.get(one, 'none')} in {base.name}, {theirs.get(one, 'none')} in {draft.name}"
        raise DraftError(
            f"engine.llama.draft: {draft.name} cannot guess for {base.name}: {len(differ)} of their tokens differ ({one!r} is {found}).",
            "a smaller base of the same family has the same tokens; or leave engine.llama.draft out",
        )


class Draft:
    """A smaller model with one row, which follows whatever row it guesses for."""

    def __init__(self, context: Context, words: int, guessed: Guessed) -> None:
        """Begin with nothing read.

        Args:
            context: of the smaller model, with one row.
            words: ids that the larger one knows; beyond may be padding.
            guessed: is counted on.
        """
        self.length, self._context, self._words, self._guessed = context.length, context, words, guessed
        self._held: list[int] = []
        self._unused = np.random.default_rng(0)  # the likeliest token is taken, nothing is drawn

    def guess(self, ids: Sequence[int], said: Sequence[int], sampling: GenerateConfig, ends: Collection[int], count: int) -> list[int]:
        """So many tokens that may follow, fewer where one of them ends the answer.

        Args:
            ids: of the row, the last drawn token included.
            said: the answer so far; what it repeats is as unlikely to be guessed as it is to be drawn.
            sampling: of the row.
            ends: ids that end it.
            count: at least one.
        """
        likeliest = sampling.model_copy(update={"temperature": 0.0})
        keep = min(common_beginning([self._held, ids]), len(ids) - 1)
        keep = keep if self._context.forget(0, keep) else 0
        self._held, new, guesses = list(ids[:keep]), list(ids[keep:]), []
        while True:
            places = range(len(self._held), len(self._held) + len(new))
            logits = self._context.decode(new, places, [0] * len(new), [False] * (len(new) - 1) + [True])[0, : self._words]
            self._held += new
            guesses.append(draw(logits, [*said, *guesses], likeliest, self._unused))
            if len(guesses) == count or guesses[-1] in ends:
                return guesses
            new = guesses[-1:]

    def heard(self, proposed: int, accepted: int) -> int:
        """Count what became of guesses; how many to make next time."""
        self._guessed.proposed += proposed
        self._guessed.accepted += accepted
        return min(MOST, proposed + 2) if accepted == proposed else accepted + 1
