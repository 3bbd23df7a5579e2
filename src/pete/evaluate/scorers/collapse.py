"""Mode collapse: answers to different prompts that begin with the same four words."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from pete.data.text import grams, same_prompt, words
from pete.evaluate.advice import MORE_RANDOM
from pete.evaluate.log import Sample
from pete.evaluate.scorers.spec import Gate, Metric, Spec, scored

OPENING = 4


class Collapse:
    """`any`: 1 when the first four words also begin an answer of the same model to another prompt."""

    def __init__(self, samples: Sequence[Sample], author: Sequence[Sample] = ()) -> None:
        """`samples`: all answers. `author`: his rows; as many prompts of them count as were asked: more texts, more twins."""
        self._prompts: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for sample in samples:
            self._prompts[(sample.model, *_opening(sample.text))].add(sample.prompt_id)
        most, times = len({s.prompt_id for s in samples}), max((s.number + 1 for s in samples), default=1)
        by_prompt: dict[str, list[Sample]] = defaultdict(list)
        for row in sorted(author, key=lambda s: hashlib.sha256(f"{s.prompt}\0{s.text}".encode()).digest()):
            by_prompt[same_prompt(row.prompt)].append(row)
        # rows of one prompt may begin alike, as answers to one prompt may
        self._author = {row.prompt_id: key for key in list(by_prompt)[:most] for row in by_prompt[key][:times]}
        self._rows = {row.prompt_id for row in author}
        for row in author:
            if row.prompt_id in self._author:
                self._prompts[("author", *_opening(row.text))].add(self._author[row.prompt_id])

    def score(self, sample: Sample) -> dict[str, float]:
        """Shorter answers have no opening to share."""
        if sample.prompt_id in self._rows and sample.prompt_id not in self._author:
            return {}
        own = self._author.get(sample.prompt_id)
        opening = _opening(sample.text)
        others = self._prompts[(sample.model if own is None else "author", *opening)] - {own or sample.prompt_id}
        return {"any": float(bool(opening) and len(others) > 0)}


def _opening(text: str) -> tuple[str, ...]:
    return next(iter(grams(words(text), OPENING)), ())


SPEC = Spec(
    "collapse", 110,
    make=lambda context: Collapse(context.log.samples, context.author_answers),
    metrics=(Metric("collapse.any", "begins like another answer", "share of answers", "less", binary=True),),
    gates=(
        Gate(
            "collapse", "begins like another answer", "collapse.any", "at most", 0.15,
            "Answers do not begin alike", "Answers begin alike", MORE_RANDOM,
            badness=scored("collapse.any"), why=lambda sample: "begins: " + " ".join(sample.text.split()[:OPENING]),
        ),
    ),
    tag="begins like another",
)  # fmt: skip
