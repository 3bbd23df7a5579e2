"""Prompt repetition: an answer that gives the prompt back would be perfectly relevant, and no answer."""

from pete.data.text import Corpus, words
from pete.evaluate.advice import MORE_RANDOM
from pete.evaluate.log import Sample
from pete.evaluate.scorers.spec import Gate, Metric, Spec, scored, shown

SPAN = 5
"""Words in a row: names and figures have to come back, sentences do not. Of a shorter prompt all of them."""
LIMIT = 0.5


class Echo:
    """`share` of the answer's words that stand in the prompt, five and more in a row or all it has; `any` above a half."""

    def score(self, sample: Sample) -> dict[str, float]:
        """Both numbers."""
        said, asked = words(sample.text), words(sample.prompt)
        share = len(Corpus([asked]).covered(said, min(SPAN, len(asked)))) / len(said) if said and asked else 0.0
        return {"any": float(share > LIMIT), "share": share}


SPEC = Spec(
    "echo", 70,
    make=lambda _: Echo(),
    metrics=(Metric("echo.any", "prompt repetition", "share of answers", "less", binary=True),),
    gates=(
        # relevance presupposes it; the author's own text is at 0%
        Gate(
            "echo", "gives the prompt back", "echo.any", "at most", 0.05,
            "Answers do not give the prompt back", "Answers give the prompt back", MORE_RANDOM, scored("echo.share"), shown("echo.share"),
        ),
    ),
    tag="gives the prompt back",
)  # fmt: skip
