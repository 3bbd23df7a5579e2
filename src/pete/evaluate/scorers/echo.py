"""An answer that gives the prompt back: it would be perfectly relevant, and no answer."""

from pete.data.text import Corpus, words
from pete.evaluate.log import Sample

SPAN = 5
"""Words in a row: names and figures have to come back, sentences do not. Of a shorter prompt all of them."""
LIMIT = 0.5


class Echo:
    """`share` of the answer's words that stand in the prompt, five and more in a row or all it has; `any` above a half."""

    name = "echo"

    def score(self, sample: Sample) -> dict[str, float]:
        """Both numbers."""
        said, asked = words(sample.text), words(sample.prompt)
        share = len(Corpus([asked]).covered(said, min(SPAN, len(asked)))) / len(said) if said and asked else 0.0
        return {"any": float(share > LIMIT), "share": share}
