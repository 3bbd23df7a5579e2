"""What became of a text, word by word."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

_TOKEN = re.compile(r"\w+(?:['\u2019.,:/-]\w+)*|\s+|[^\w\s]")


@dataclass(frozen=True)
class Change:
    """A stretch of both texts: the same in each, or what stood in the one and what stands in the other."""

    gone: str
    new: str

    @property
    def same(self) -> bool:
        """Whether nothing changed here."""
        return self.gone == self.new


def word_diff(draft: str, rewrite: str) -> list[Change]:
    """Both texts in stretches; all that is gone, joined, is the draft, and all that is new the rewrite.

    Whole words change, never letters within one; blanks and stops between two changes belong to them.
    """
    a, b = _TOKEN.findall(draft), _TOKEN.findall(rewrite)
    changes: list[Change] = []
    for kind, i, j, k, m in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        changes.append(Change("".join(a[i:j]), "".join(b[k:m])))
        if kind != "equal" and len(changes) > 2 and not re.search(r"\w", changes[-2].gone) and changes[-2].same:
            before, between, this = changes[-3:]
            changes[-3:] = [Change(before.gone + between.gone + this.gone, before.new + between.new + this.new)]
    return changes


def in_brackets(changes: Sequence[Change]) -> str:
    """A diff where there are no colours, as git writes it: [-gone-]{+new+}."""
    return "".join(
        change.gone if change.same else (f"[-{change.gone}-]" if change.gone else "") + (f"{{+{change.new}+}}" if change.new else "")
        for change in changes
    )
