"""What the prompt said must be in the answer: figures exactly, words nearly."""

import difflib
import re
from collections.abc import Mapping, Sequence

from pete.evaluate.log import Sample

CLOSE = 0.85
"""Share of letters two words have in common to be the same: a plural, a hyphen, another spelling."""


class Facts:
    """`kept`: share of the facts a prompt asks for that are in the answer; `any` when one is missing."""

    name = "facts"

    def __init__(self, facts: Mapping[str, Sequence[str]]) -> None:
        """`facts`: by prompt id."""
        self._facts = {key: tuple(values) for key, values in facts.items() if values}

    def score(self, sample: Sample) -> dict[str, float]:
        """Nothing for a prompt that asks for none."""
        wanted = self._facts.get(sample.prompt_id, ())
        if not wanted:
            return {}
        kept = sum(holds(sample.text, fact) for fact in wanted) / len(wanted)
        return {"any": float(kept < 1), "kept": kept}


def holds(text: str, fact: str) -> bool:
    """Whether a fact is in a text: its figures exactly, its words nearly (a plural, a hyphen). "a|b" is either."""
    said = _plain(text)
    return any(_within(said, _plain(one)) for one in fact.split("|"))


def _within(said: Sequence[str], wanted: Sequence[str]) -> bool:
    return bool(wanted) and any(
        all(_alike(a, b) for a, b in zip(said[i : i + len(wanted)], wanted, strict=True)) for i in range(len(said) - len(wanted) + 1)
    )


def _alike(said: str, wanted: str) -> bool:
    if said == wanted:
        return True
    if any(c.isdigit() for c in said + wanted) or min(len(said), len(wanted)) < 4:
        return False
    return difflib.SequenceMatcher(None, said, wanted, autojunk=False).ratio() >= CLOSE


def _plain(text: str) -> list[str]:
    # 1,900 and 1 900 and 1900 are one figure; 14:20 and 14.20 one time; a currency sign is no word
    text = re.sub(r"(?<=\d)[, ](?=\d{3}\b)", "", text.lower())
    return re.findall(r"\d+(?:[.:]\d+)?|[^\W\d_]+", re.sub(r"(?<=\d):(?=\d)", ".", text))
