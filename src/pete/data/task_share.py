"""Writing and rewriting in one training: how many rows of each are learned from, and which."""

import hashlib
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence

from pete.config import DataConfig
from pete.data.examples import DataFinding, Example, Split
from pete.data.render import Renderer
from pete.words import counted

Splits = dict[Split, list[Example]]
FOLLOWING = ("light", "close")
"""Kinds of draft that follow their text's sentences: what was altered between the two is how it is said."""
LOOSE = ("plain", "polished", "notes", "dictated")
"""Kinds that say what the text says in sentences of their own: who learns from them beside the others bends more. See docs/log.md."""


def learned_from(splits: Mapping[Split, Sequence[Example]], data: DataConfig, renderer: Renderer) -> tuple[Splits, list[DataFinding]]:
    """The splits as a training uses them, and what was left out of them.

    A draft that is too long together with its text is left out everywhere. In training and validation a text that has drafts which
    follow it is learned from those, not from loose ones; and the task that has more rows than its share is thinned: drafts, so that
    every text and every kind keeps its part; or rows of writing whose text remains, with a draft. Without rewriting, everything stays
    as it is.
    """
    fitting, findings = _fitting(splits, data.max_length, renderer)
    chosen: Splits = {**fitting, **{name: _following(fitting[name]) for name in ("train", "valid")}}
    if data.rewrite_share and (gone := len(fitting["train"]) - len(chosen["train"])):
        message = f"{counted(gone, 'draft')} to rewrite not trained on: the texts have others that follow them, {' or '.join(FOLLOWING)}"
        findings.append(DataFinding("loose drafts", message, gone))
    thinned: Splits = {**chosen, **{name: _thinned(chosen[name], data.rewrite_share) for name in ("train", "valid")}}
    return thinned, findings + _said(chosen["train"], thinned["train"], data.rewrite_share)


def texts_in(rows: Sequence[Example]) -> int:
    """What a pass is a pass over: the rows of writing, and each text more that has drafts alone."""
    to_write = [row.completion for row in rows if row.task == "write"]
    return len(to_write) + len({row.completion for row in rows if row.task == "rewrite"} - set(to_write))


def _fitting(splits: Mapping[Split, Sequence[Example]], max_length: int, renderer: Renderer) -> tuple[Splits, list[DataFinding]]:
    drafts = [row for part in splits.values() for row in part if row.task == "rewrite"]
    if not drafts:
        return {name: list(part) for name, part in splits.items()}, []
    tried = renderer.tried(drafts, max_length)
    long = {where for where, _ in tried.long}
    message = (
        f"{counted(len(tried.long), 'draft')} left out: longer than {tried.limit} tokens together with the text that was made of it "
        "(raise data.max_length, or cut both into parts)"
    )
    findings = [DataFinding.of("drafts too long", message, tried.long)] if tried.long else []
    return {name: [row for row in part if row.task == "write" or row.source not in long] for name, part in splits.items()}, findings


def _following(rows: Sequence[Example]) -> list[Example]:
    """All rows but the loose drafts of texts that have drafts which follow them."""
    followed = {row.completion for row in rows if row.draft_kind in FOLLOWING}
    return [row for row in rows if row.draft_kind not in LOOSE or row.completion not in followed]


def _thinned(rows: Sequence[Example], share: float) -> list[Example]:
    drafts = [row for row in rows if row.task == "rewrite"]
    prompts = len(rows) - len(drafts)
    most = round(prompts * share / (1 - share)) if share < 1 else len(drafts)
    if not drafts or not prompts:
        return list(rows)
    if len(drafts) > most:
        kept = set(map(id, _spread(drafts, most)))
        return [row for row in rows if row.task == "write" or id(row) in kept]
    if share == 0:
        return list(rows)
    too_many = prompts - round(len(drafts) * (1 - share) / share)
    keys, texts = {row.augmented_from for row in drafts if row.augmented_from}, {row.completion for row in drafts}
    said_again = [row for row in rows if row.task == "write" and ((row.augmented_from or row.key) in keys or row.completion in texts)]
    said_again.sort(key=lambda row: (not row.augmented_from, _place(row)))  # what was made of a row goes before the row
    gone = set(map(id, said_again[: max(0, too_many)]))
    return [row for row in rows if id(row) not in gone]


def _spread(drafts: Sequence[Example], count: int) -> list[Example]:
    """So many drafts: each text has one before any has two, and of the kinds the one with the fewest is next."""
    left = sorted(drafts, key=_place)
    chosen: list[Example] = []
    used: Counter[str] = Counter()
    while left and len(chosen) < count:
        queues: dict[str, deque[Example]] = {}
        for row in left:
            queues.setdefault(row.draft_kind, deque()).append(row)
        texts: set[str] = set()
        taken: set[int] = set()
        while queues and len(chosen) < count:
            kind = min(queues, key=lambda kind: (used[kind], kind))
            row = queues[kind].popleft()
            if not queues[kind]:
                del queues[kind]
            if row.completion in texts:
                continue
            texts.add(row.completion)
            taken.add(id(row))
            used[kind] += 1
            chosen.append(row)
        left = [row for row in left if id(row) not in taken]
    return chosen


def _place(row: Example) -> bytes:
    """Where a row stands among others, whatever their order is."""
    return hashlib.sha256(f"{row.completion}\0{row.prompt}".encode()).digest()


def _said(before: Sequence[Example], after: Sequence[Example], share: float) -> list[DataFinding]:
    rows, left = _counts(before), _counts(after)
    if not rows["rewrite"] or share == 0:  # that is asked for, and the plan counts what is left
        return []
    findings = []
    for task, what in (("rewrite", "draft"), ("write", "row")):
        if gone := rows[task] - left[task]:
            of = "to rewrite" if task == "rewrite" else "of writing"
            message = f"{gone:,} of {counted(rows[task], what)} {of} not trained on: data.rewrite_share is {share:g}"
            findings.append(DataFinding("rewrite share", message, gone))
    return findings


def _counts(rows: Iterable[Example]) -> Counter[str]:
    return Counter(row.task for row in rows)
