"""An answer that gives the prompt back: it would be perfectly relevant, and no answer."""

from pete.evaluate.log import Sample
from pete.evaluate.words import Corpus, words

SPAN = 5
"""Words in a row: names and figures have to come back, sentences do not."""
LIMIT = 0.5


class Echo:
    """`share` of the answer's words that stand in the prompt five and more in a row; `any` above a half."""

    name = "echo"

    def score(self, sample: Sample) -> dict[str, float]:
        """Both numbers."""
        said = words(sample.text)
        lent = {i for span in Corpus([words(sample.prompt)]).spans(said, SPAN) for i in range(span.first, span.last)}
        share = len(lent) / len(said) if said else 0.0
        return {"any": float(share > LIMIT), "share": share}
