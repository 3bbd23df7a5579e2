"""What belongs to the machinery and not into an answer: special tokens, template markers, the next turn of the conversation."""

import re

from pete.evaluate.log import Mark, Sample

# by shape, not by one tokenizer's list: a model can also spell out another model's markers
_TOKEN = re.compile(r"<\|[A-Za-z_]{2,30}\|>|<\|(?=\w)|</?s>|\[/?INST\]|<(?:start|end)_of_turn>|<<SYS>>")
_TURN = re.compile(
    r"^[ \t]*(?:#{2,3}[ \t]*(?:Instruction|Response|Input|Human|Assistant|User)\b.*|(?:User|Human|Assistant|System|Instruction)[ \t]*:.*)$",
    re.MULTILINE | re.IGNORECASE,
)


class Leak:
    """Leaks counted in the raw text (before extraction) and in the clean one, second turns, and answers of which nothing was left."""

    name = "leak"

    def score(self, sample: Sample) -> dict[str, float]:
        """`raw`, `clean`, `turn` (in the clean text), `turn_raw`, `emptied`; `any` is what a reader would see."""
        clean = sample.leaks_clean > 0 or bool(_TOKEN.search(sample.text))
        turn = bool(_TURN.search(sample.text))
        body = sample.raw.removesuffix(_end_of(sample))
        return {
            "raw": float(sample.leaks_raw > 0 or bool(_TOKEN.search(body))),
            "clean": float(clean),
            "turn": float(turn),
            "turn_raw": float(bool(_TURN.search(sample.raw))),
            "emptied": float(bool(body.strip()) and not sample.text.strip()),
            "any": float(clean or turn),
        }

    def marks(self, sample: Sample) -> list[Mark]:
        """The markers and the lines that begin another turn."""
        found = [(m, "special token") for m in _TOKEN.finditer(sample.text)] + [(m, "second turn") for m in _TURN.finditer(sample.text)]
        return [Mark(start=m.start(), end=m.end(), kind="leak", note=note) for m, note in found]


def _end_of(sample: Sample) -> str:
    """The end mark itself, which the raw text of a finished answer carries and should."""
    last = next((m.group() for m in reversed(list(_TOKEN.finditer(sample.raw[-40:])))), "")
    return last if sample.stop == "end" and last and sample.raw.endswith(last) else ""
