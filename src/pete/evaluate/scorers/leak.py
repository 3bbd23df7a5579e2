"""What belongs to the machinery and not into an answer: special tokens, template markers, the next turn of the conversation."""

from pete.evaluate.log import Mark, Sample
from pete.generate.slips import leaks


class Leak:
    """Leaks counted in the raw text (before extraction) and in the clean one, second turns, and answers of which nothing was left."""

    name = "leak"

    def score(self, sample: Sample) -> dict[str, float]:
        """`raw`, `clean`, `turn` (in the clean text), `turn_raw`, `emptied`; `any` is what a reader would see."""
        body = sample.raw.removesuffix(_end_of(sample))
        shown, raw = _kinds(sample.text), _kinds(body)
        clean, turn = sample.leaks_clean > 0 or "special token" in shown, "second turn" in shown
        return {
            "raw": float(sample.leaks_raw > 0 or "special token" in raw),
            "clean": float(clean),
            "turn": float(turn),
            "turn_raw": float("second turn" in raw),
            "emptied": float(bool(body.strip()) and not sample.text.strip()),
            "any": float(clean or turn),
        }

    def marks(self, sample: Sample) -> list[Mark]:
        """The markers and the lines that begin another turn."""
        return [Mark(start=slip.start, end=slip.end, kind="leak", note=slip.kind) for slip in leaks(sample.text)]


def _kinds(text: str) -> set[str]:
    return {slip.kind for slip in leaks(text)}


def _end_of(sample: Sample) -> str:
    """The end mark itself, which the raw text of a finished answer carries and should."""
    last = next((slip.mark for slip in reversed(leaks(sample.raw[-40:])) if slip.kind == "special token"), "")
    return last if sample.stop == "end" and last and sample.raw.endswith(last) else ""
