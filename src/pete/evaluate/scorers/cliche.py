"""Words the persona would not use, and the tails it would not hang on a post."""

import re
from collections.abc import Mapping, Sequence

from pete.data.examples import phrase_pattern, phrases_used
from pete.evaluate.log import Mark, Sample
from pete.evaluate.scorers.spec import Metric, Spec, mark
from pete.generate.leak_patterns import placeholders

HASHTAG = re.compile(r"(?<!\w)#[^\W\d]\w*")
EMOJI = re.compile("[\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff\u2600-\u27bf]")


class Cliche:
    """How often an answer uses what persona.toml says to avoid, hashtags, emoji and [placeholders]."""

    def __init__(self, avoid: Sequence[str]) -> None:
        self._avoid = phrase_pattern(avoid)
        self._phrases = {phrase: phrase_pattern([phrase]) for phrase in avoid}

    def score(self, sample: Sample) -> dict[str, float]:
        """Counts in one answer; `any` is 1 when at least one is not 0."""
        counts = {key: float(len(hits)) for key, hits in self._hits(sample).items()}
        return counts | {"any": float(any(counts.values()))}

    def marks(self, sample: Sample) -> list[Mark]:
        """Each of them, with the phrase of the persona that it is, or what else it is."""
        return [
            mark("cliche", *hit.span(), self._phrase(hit) if key == "avoided" else key)
            for key, hits in self._hits(sample).items()
            for hit in hits
        ]

    def _phrase(self, hit: re.Match[str]) -> str:
        return next(phrase for phrase, pattern in self._phrases.items() if pattern and pattern.fullmatch(hit.string, *hit.span()))

    def _hits(self, sample: Sample) -> Mapping[str, list[re.Match[str]]]:
        return {
            "avoided": phrases_used(self._avoid, sample.text, sample.prompt),
            "hashtags": list(HASHTAG.finditer(sample.text)),
            "emoji": list(EMOJI.finditer(sample.text)),
            "placeholders": placeholders(sample.text, sample.prompt),
        }


SPEC = Spec(
    "cliche", 120,
    make=lambda context: Cliche(context.log.avoid),
    metrics=(Metric("cliche.any", "phrases the voice avoids", "share of answers", "less", binary=True),),
    tag="phrase to avoid", legend={"cliche": "what the voice avoids"}, rules={"avoid": "cliche"},
)  # fmt: skip
