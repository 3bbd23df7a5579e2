"""Drafts that teach nothing, or something else than rewriting: the text itself, nearly so, or much longer or shorter than it."""

from collections.abc import Sequence

from pete.data.examples import DataFinding, Example
from pete.data.text import grams, same_prompt, words
from pete.words import counted

NEARLY = 0.9
"""Of the pairs of neighbouring words that draft and text have between them, those that both have: one word in twenty changed."""
RATIO = 3
"""Times as many words as the other side: so much is made up, or thrown away."""
LEAST = 20
"""Words of the longer side: of a line three times as many are soon written."""


def draft_findings(rows: Sequence[Example]) -> list[DataFinding]:
    """What there is to question in rows of rewriting, by their two texts alone."""
    same: list[tuple[str, str]] = []
    near: list[tuple[str, str]] = []
    uneven: list[tuple[str, str]] = []
    for row in rows:
        if row.task != "rewrite":
            continue
        if same_prompt(row.prompt) == same_prompt(row.completion):
            same.append((row.source, row.draft_kind))
            continue
        before, after = words(row.prompt), words(row.completion)
        if _alike(before, after) >= NEARLY:
            near.append((row.source, row.draft_kind))
        longer, shorter = max(len(before), len(after)), min(len(before), len(after))
        if longer >= LEAST and longer > RATIO * shorter:
            uneven.append((row.source, f"{len(before)} to {len(after)} words"))
    findings = []
    for kind, message, places in (
        ("draft is text", "the text that was made of it: nothing is rewritten (take the pair out)", same),
        ("draft nearly text", "nearly the text that was made of it: leaving things as they are is what it teaches", near),
        ("uneven draft", f"more than {RATIO} times as long as the text, or less than a third: to add or to leave out is what it teaches",
         uneven),
    ):  # fmt: skip
        if places:
            are = "is" if len(places) == 1 else "are"
            severity = "error" if kind == "draft is text" else "warning"
            findings.append(DataFinding.of(kind, f"{counted(len(places), 'draft')} {are} {message}", places, severity))
    return findings


def _alike(before: Sequence[str], after: Sequence[str]) -> float:
    """The share of all their pairs of neighbouring words that two texts have in common."""
    one, other = set(before), set(after)
    if len(one & other) < NEARLY * len(one | other) - 2:  # words alone say that it cannot be
        return 0.0
    pairs = [set(grams(text, 2)) or {tuple(text)} for text in (before, after)]
    return len(pairs[0] & pairs[1]) / len(pairs[0] | pairs[1])
