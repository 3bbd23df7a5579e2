"""Rewriting without a model: vectors that count words, a voice that likes short words, and a model that says what it was told to."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from pete.config import GenerateConfig
from pete.data.passages import Room
from pete.generate.meaning import Meaning, compare
from pete.generate.meaning.parts import content
from pete.generate.rewrite.choose import Chosen, Draw, Strength
from pete.generate.rewrite.passages import Passage
from pete.generate.rewrite.rewriter import Rewriter
from pete.generate.stream import Tuned


def bag(texts: Sequence[str]) -> np.ndarray:
    """Unit vectors of the stems of a text."""
    found = np.full((len(texts), 257), 1e-3, np.float32)
    for row, text in enumerate(texts):
        for word in content(text):
            found[row, zlib.crc32(word.encode()) % 256] += 1
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def same_meaning(draft: str, rewrite: str) -> Meaning:
    """As `compare`, with these vectors."""
    return compare(draft, rewrite, bag)


def short_words(text: str) -> float:
    """A voice: the shorter the words, the more it is the author's."""
    said = text.split()
    return -sum(map(len, said)) / max(1, len(said))


@dataclass
class ToldModel:
    """Stands for a `Tuned`: its answers to a draft are looked up, and where there are none the draft comes back."""

    answers: dict[str, Sequence[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    drawn: list[tuple[int, int]] = field(default_factory=list)
    """(rows, seed) of each time that it was asked."""
    stop: str = "end"
    config: Any = field(default_factory=lambda: SimpleNamespace(generate=GenerateConfig()))  # type: ignore[call-arg]
    engine: Any = field(default_factory=lambda: SimpleNamespace(queues=False))
    renderer: Any = field(default_factory=lambda: SimpleNamespace(context=400, encode=str.split))

    def ask(self, conversations: Any, sampling: GenerateConfig) -> list[Any]:
        """An answer to each; of the same request one after the other."""
        drafts = [turns[-1].content.partition("\n\n")[2] for turns in conversations]
        self.asked += dict.fromkeys(drafts)
        self.drawn.append((len(drafts), sampling.seed))
        said = [self.answers.get(draft, [draft]) for draft in drafts]
        return [SimpleNamespace(text=one[drafts[:n].count(drafts[n]) % len(one)], stop=self.stop) for n, one in enumerate(said)]


TOLD = {"Our establishment opens on Tuesdays at 9.": "We open on Tuesdays at 9."}


class Told(Rewriter):
    """Draws from its model, and takes what it was told instead."""

    def choose(self, passage: Passage, draws: Sequence[Draw], strength: Strength) -> Chosen:
        """As it was told, or else from what was drawn."""
        told = TOLD.get(passage.text)
        return super().choose(passage, [Draw(told, "end")] if told else draws, strength)


def told(tuned: Tuned) -> Rewriter:
    """One over a model of noise."""
    return Told(tuned, same_meaning, short_words, Room(lambda text: len(text.split()), 60), frozenset({"English"}))


def rewriter(
    answers: dict[str, Sequence[str]] | None = None, words: int = 60, voice: Callable[[str], float] | None = short_words, **more: Any
) -> Rewriter:
    """One that answers so."""
    tuned: Any = ToldModel(answers or {}, **more)
    return Rewriter(tuned, same_meaning, voice, Room(lambda text: len(text.split()), words), frozenset({"English"}))
