"""What belongs to the machinery and not into an answer: special tokens, template markers, the next turn of the conversation."""

from pete.evaluate.log import Mark, Sample
from pete.generate.leak_patterns import leaks


class Leak:
    """Leaks counted in the raw text (before extraction) and in the clean one, second turns, and answers of which nothing was left."""

    name = "leak"

    def score(self, sample: Sample) -> dict[str, float]:
        """`raw`, `clean`, `turn` (in the clean text), `turn_raw`, `emptied`; `any` is what a reader would see."""
        shown, raw = leaks(sample.text), leaks(sample.raw)
        # the end mark itself, which the raw text of a finished answer carries and should
        ended = sample.stop == "end" and raw and raw[-1][0] == "special token" and raw[-1][1].end() == len(sample.raw)
        body = sample.raw[: raw.pop()[1].start()] if ended else sample.raw
        given, said = {kind for kind, _ in shown}, {kind for kind, _ in raw}
        clean, turn = sample.leaks_clean > 0 or "special token" in given, "second turn" in given
        return {
            "raw": float(sample.leaks_raw > 0 or "special token" in said),
            "clean": float(clean),
            "turn": float(turn),
            "turn_raw": float("second turn" in said),
            "emptied": float(bool(body.strip()) and not sample.text.strip()),
            "any": float(clean or turn),
        }

    def marks(self, sample: Sample) -> list[Mark]:
        """Each of them."""
        return [Mark(start=hit.start(), end=hit.end(), kind="leak", note=kind) for kind, hit in leaks(sample.text)]
