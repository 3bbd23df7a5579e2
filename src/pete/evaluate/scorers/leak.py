"""Leaks: special tokens, template markers and the next turn of the conversation, which belong into no answer."""

from pete.evaluate.advice import LESS_RANDOM
from pete.evaluate.log import Mark, Sample
from pete.evaluate.scorers.spec import Gate, Metric, Spec, mark, scored, shown
from pete.generate.leak_patterns import leaks


class Leak:
    """Leaks counted in the raw text (before extraction) and in the clean one, and second turns."""

    def score(self, sample: Sample) -> dict[str, float]:
        """`raw`, `clean`, `turn` (in the clean text), `turn_raw`; `any` is what a reader would see."""
        shown, raw = leaks(sample.text), leaks(sample.raw)
        if sample.stop == "end" and raw and raw[-1][0] == "special token" and raw[-1][1].end() == len(sample.raw):
            raw.pop()  # the end mark itself, which the raw text of a finished answer carries and should
        given, said = {kind for kind, _ in shown}, {kind for kind, _ in raw}
        clean, turn = sample.leaks_clean > 0 or "special token" in given, "second turn" in given
        return {
            "raw": float(sample.leaks_raw > 0 or "special token" in said),
            "clean": float(clean),
            "turn": float(turn),
            "turn_raw": float("second turn" in said),
            "any": float(clean or turn),
        }

    def marks(self, sample: Sample) -> list[Mark]:
        """Each of them."""
        return [mark("leak", hit.start(), hit.end(), kind) for kind, hit in leaks(sample.text)]


SPEC = Spec(
    "leak", 130,
    make=lambda _: Leak(),
    metrics=(Metric("leak.any", "leaks, as a reader sees them", "share of answers", "less", binary=True),),
    gates=(
        # none is allowed, so that only the number of prompts is left to ask for: none of 56 is at most 6.4% of all
        Gate(
            "leaks", "leaks in the clean text", "leak.any", "at most", 0.0,
            "No control mark reaches the reader", "Control marks reach the reader", LESS_RANDOM,
            scored("leak.any"), shown("leak.clean", "leak.turn"), room=0.065,
        ),
    ),
    tag="leaks a control mark", legend={"leak": "a control mark of the model"}, rules={"leak": "leak"},
    tasks=("write", "rewrite"),
)  # fmt: skip
