"""Memorised spans: the longest run of words an answer shares with a training row, against what the author shares unseen."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from pete.data.text import Corpus, grams, words, words_in
from pete.evaluate.advice import MORE_DROPOUT
from pete.evaluate.log import Mark, Sample
from pete.evaluate.scorers.spec import Context, Gate, Metric, Scorer, Spec, Unknown, mark, scored, shown, source_of

SHORTEST_LIMIT = 8
"""Words: an author's own unseen texts share up to 7 or 8 with the rest of their work."""
BEYOND_AUTHOR = 2
SHORTEST = 3
"""Words of the shortest span that is looked for."""
COPIED = 8
"""Words from which a shared span counts as covered."""


@dataclass(frozen=True)
class Source:
    """A training completion and what to call it."""

    text: str
    name: str


class Originality:
    """`span` (words), `covered` (share of words in spans of 8 and more), `nearest` (share of 3-grams also in one training row)."""

    def __init__(self, training: Sequence[Source], author: Sequence[tuple[str, str]]) -> None:
        """Index the training completions.

        Args:
            training: what the model was trained on.
            author: (completion, prompt) of the author's own unseen rows; they set the limit.
        """
        self._training = sorted(training, key=lambda s: (s.text, s.name))
        rows = [words(source.text) for source in self._training]
        self._corpus = Corpus(rows)
        self._trigrams: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for number, row in enumerate(rows):
            for gram in set(grams(row, 3)):
                self._trigrams[gram].append(number)
        spans = sorted(max(map(len, self._corpus.copied(words(text), words(prompt), SHORTEST)), default=0) for text, prompt in author)
        self.author_p99 = spans[math.ceil(0.99 * len(spans)) - 1] if spans else 0
        self.limit = max(SHORTEST_LIMIT, self.author_p99 + BEYOND_AUTHOR)

    @property
    def measures(self) -> dict[str, float]:
        """The author's own 99th percentile, and the limit made from it (words)."""
        return {"author_p99": float(self.author_p99), "limit": float(self.limit)}

    def score(self, sample: Sample) -> dict[str, float]:
        """Adds `any`: 1 when the longest span reaches the limit."""
        said = words(sample.text)
        spans = self._corpus.copied(said, words(sample.prompt), SHORTEST)
        longest = max(map(len, spans), default=0)
        covered = {i for s in spans if len(s) >= COPIED for i in range(s.first, s.last)}
        return {
            "any": float(longest >= self.limit),
            "span": float(longest),
            "covered": len(covered) / len(said) if said else 0.0,
            "nearest": self.nearest(said)[1],
        }

    def marks(self, sample: Sample) -> list[Mark]:
        """Every span of 8 words and more, with the training row it stands in."""
        said = words_in(sample.text)
        return [
            mark("copied", said[s.first].start, said[s.last - 1].end, self._training[s.document].name)
            for s in self._corpus.copied(words(sample.text), words(sample.prompt), COPIED)
        ]

    def nearest(self, said: Sequence[str]) -> tuple[str, float]:
        """The training row that holds most of the text's 3-grams, and the share of them."""
        mine = set(grams(said, 3))
        held = Counter(number for gram in mine for number in self._trigrams.get(gram, ()))
        if not held:
            return "", 0.0
        number, count = min(held.items(), key=lambda item: (-item[1], item[0]))
        return self._training[number].name, count / len(mine)


def from_rows(context: Context) -> Scorer:
    """The scorer over the run's training rows; raises Unknown where they are gone."""
    if context.training is None:
        raise Unknown("The training rows (data/train.jsonl) are missing: originality and the voice of the answers are unknown.")
    sources = [Source(row.completion, row.id or source_of(row)) for row in context.training]
    return Originality(sources, [(row.completion, row.prompt) for row in context.author.values()])


def _why(sample: Sample) -> str:
    rows = [f"stands in {mark.note}" for mark in sample.marks if mark.kind == "copied"]
    return ", ".join([shown("originality.span", "originality.nearest")(sample), *rows[:1]])


SPEC = Spec(
    "originality", 100, from_rows,
    metrics=(Metric("originality.any", "memorised training text", "share of answers", "less", binary=True),),
    gates=(
        Gate(
            "originality", "memorised from the training rows", "originality.any", "at most", 0.02,
            "It writes rather than recites", "It recites training rows", MORE_DROPOUT, scored("originality.span"), _why,
        ),
    ),
    tag="copied", legend={"copied": "word for word in a training row"}, rules={"copied": "copied"},
    tasks=("write", "rewrite"),
)  # fmt: skip
