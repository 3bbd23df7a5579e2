"""The train, validation and test split: by topic and answer, stratified by category, the same for a seed on every machine."""

import datetime
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from pete.config import DataConfig
from pete.data.examples import SPLITS, DataFinding, Example, Split, load_examples, same_answer, write_examples, written
from pete.data.near import near_to_each_other
from pete.errors import DataError
from pete.run import RunDir, write_json
from pete.words import counted


def split_rows(rows: Sequence[Example], data: DataConfig) -> dict[Split, list[Example]]:
    """Cut rows by topic within each category, so that each split sees every category.

    Rows of a topic, and rows with the same or nearly the same completion, are on one side: what shares either, also by way of a
    third row, is one group. A group in which a row carries a split of its own follows it; a row without a topic is its own. Nearly
    the same completions in rows that carry different splits stay where their rows were put: the check of the data names them.

    Rows that were made from others (`augmented_from`) move nobody, nor do edit pairs of a text that is a row: the rest is cut as if
    they were not there, and then they join those they were made from, in training alone. One whose row is held out, gone or says
    something else now is in no split. Drafts join their row wherever it is.

    Raises:
        DataError: rows of one group carry different splits (by file:line), or nothing is left to train on.
    """
    splits: dict[Split, list[Example]] = {name: [] for name in SPLITS}
    by_category: dict[str, dict[str, list[Example]]] = {}
    own = written(row for row in rows if not row.augmented_from)
    for name, members in _groups(own).items():
        chosen: Split | None = next((row.split for row in members if row.split is not None), None)
        if chosen is not None:
            splits[chosen] += members
        else:
            by_category.setdefault(members[0].category, {})[name] = members
    for groups in by_category.values():
        for name, target in _distributed(groups, Counter(), data).items():
            splits[target] += groups[name]
    if not splits["train"]:
        raise DataError(
            f"Nothing is left to train on: {len(rows)} rows, all in valid or test.",
            "add examples, or lower data.valid_share and data.test_share",
        )
    cut = set(map(id, own))
    if others := [row for row in rows if id(row) not in cut]:
        _join(others, splits)
    return splits


def split_new(new: Sequence[Example], old: Sequence[Example], data: DataConfig) -> list[Split]:
    """The split of each new row beside old ones that keep theirs: shares and categories come out right for all of them together.

    What shares a topic or an answer with a row that has a split goes there too.

    Raises:
        DataError: old rows of one group carry different splits.
    """
    settled = [row for row in written(old) if row.split is not None]
    by_category: dict[str, dict[str, list[Example]]] = {}
    chosen: dict[int, Split] = {}
    for name, members in _groups([*settled, *new]).items():
        given: Split | None = next((row.split for row in members if row.split is not None), None)
        if given is not None:
            chosen.update((id(row), given) for row in members)
        else:
            by_category.setdefault(members[0].category, {})[name] = members
    for category, groups in by_category.items():
        there = Counter(split for row in (*settled, *new) if row.category == category and (split := chosen.get(id(row))))
        for name, target in _distributed(groups, there, data).items():
            chosen |= {id(row): target for row in groups[name]}
    return [chosen[id(row)] for row in new]


def _distributed(groups: Mapping[str, list[Example]], there: Mapping[Split, int], data: DataConfig) -> dict[str, Split]:
    """The split of each group of a category, by the hash of its name, beside the rows that are there."""
    total = sum(map(len, groups.values())) + sum(there.values())
    filled = {"test": there.get("test", 0), "valid": there.get("valid", 0)}
    found: dict[str, Split] = {}
    for name in sorted(groups, key=lambda name: hashlib.sha256(f"{data.split_seed}\0{name}".encode()).digest()):
        found[name] = "train"
        for part, share in (("test", data.test_share), ("valid", data.valid_share)):
            if filled[part] + len(groups[name]) <= round(share * total):
                filled[part] += len(groups[name])
                found[name] = part  # type: ignore[assignment]
                break
    return found


def _join(rows: Sequence[Example], splits: dict[Split, list[Example]]) -> None:
    """Put rows made from rows beside those, word for word theirs, where they share neither topic nor answer with another split.

    A draft is wherever its row is; everything else is there to learn from, and in training alone.

    Raises:
        DataError: an edit pair carries another split than its text.
    """
    problems: list[str] = []
    sides: dict[Split, tuple[set[str], set[str], dict[str, list[str]]]] = {}
    for name, part in splits.items():
        texts: dict[str, list[str]] = {}
        for row in part:
            texts.setdefault(row.key, []).append(row.completion)
        sides[name] = ({_topic(row) for row in part}, {same_answer(row) for row in part}, texts)
    for row in rows:
        answer, topic = same_answer(row), _topic(row)
        there: list[Split] = [name for name, (_, answers, texts) in sides.items() if _stands(row, answer, answers, texts)]
        if len(there) != 1 or (row.task == "write" and there != ["train"]):
            continue
        if row.split not in (None, there[0]):
            problems.append(f"{row.source}: {row.split}, but a row with the same text is {there[0]}")
        others = [side for name, side in sides.items() if name != there[0]]
        made = row.augmented_from
        if not any(answer in answers or (made and (topic in topics or made in texts)) for topics, answers, texts in others):
            splits[there[0]].append(row)
    _refuse(problems)


def _stands(row: Example, answer: str, answers: set[str], texts: Mapping[str, list[str]]) -> bool:
    """Whether the row that a row was made from is there; of an edit pair, any row of the same text."""
    if not row.augmented_from:
        return answer in answers
    return any(row.completion in text for text in texts.get(row.augmented_from, ()))


def left_out(rows: Sequence[Example], splits: Mapping[Split, Sequence[Example]]) -> list[DataFinding]:
    """The rows made from others that `split_rows` put nowhere."""
    placed = {id(row) for part in splits.values() for row in part}
    out = [row for row in rows if row.augmented_from and id(row) not in placed]
    findings = []
    for kind, rows_of, what, why, hint in (
        ("augmented, left out", [row for row in out if row.task == "write"], "augmented row", "held out, gone, or says something else",
         "pete data augment --remove, then make them again"),
        ("drafts, left out", [row for row in out if row.task == "rewrite"], "draft", "gone, or says something else",
         "take them out, or make them again"),
    ):  # fmt: skip
        if rows_of:
            made = "it was" if len(rows_of) == 1 else "they were"
            message = f"{counted(len(rows_of), what)} not trained on: the row {made} made from is {why} ({hint})"
            findings.append(DataFinding.of(kind, message, [(row.source, f"of {row.augmented_from}") for row in rows_of]))
    return findings


def _topic(row: Example) -> str:
    """The topic as it is compared; of a row without one, its answer."""
    return " ".join(row.topic.lower().split()) or same_answer(row)


def _groups(rows: Sequence[Example]) -> dict[str, list[Example]]:
    """Rows that share a topic or an answer, by a name that no order of rows changes."""
    root: dict[str, str] = {}

    def find(key: str) -> str:
        while root.setdefault(key, key) != key:
            root[key] = key = root[root[key]]
        return key

    keys = []
    for row in rows:
        answer, topic = same_answer(row), _topic(row)
        keys.append(topic)
        # the smaller name stands for both; an answer gets a mark no topic has
        low, high = sorted((find(topic), find(f"\0{answer}")), key=lambda key: (key.startswith("\0"), key))
        root[high] = low

    def gathered() -> dict[str, list[Example]]:
        groups: dict[str, list[Example]] = {}
        for row, key in zip(rows, keys, strict=True):
            groups.setdefault(find(key), []).append(row)
        return groups

    groups = gathered()
    _refuse_contradictions(groups.values())
    chosen = {name: next((row.split for row in members if row.split is not None), None) for name, members in groups.items()}
    for near in near_to_each_other(tuple(row.completion for row in rows)).groups:
        for first, second in pairwise(sorted({find(keys[number]) for number in near})):
            low, high = sorted((find(first), find(second)), key=lambda key: (key.startswith("\0"), key))
            if low != high and (chosen[low] is None or chosen[high] is None or chosen[low] == chosen[high]):
                root[high] = low
                chosen[low] = chosen[low] or chosen[high]
    return gathered()


def _refuse_contradictions(groups: Iterable[Sequence[Example]]) -> None:
    problems: list[str] = []
    for members in groups:
        given = [row for row in members if row.split is not None]
        if other := next((row for row in given if row.split != given[0].split), None):
            problems.append(f"{other.source}: {other.split}, but {given[0].source} is {given[0].split}")
    _refuse(problems)


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        raise DataError.of_problems(
            "Rows that share a topic or an answer carry different splits: what is learned there would be tested here.",
            problems,
            "give them one split, or none; rows that have nothing to do with each other need different topics",
        )


def write_splits(run: RunDir, splits: dict[Split, list[Example]], sources: Sequence[Path], began: datetime.datetime) -> str:
    """Write data/*.jsonl and manifest.json into the run; returns the fingerprint of what will be trained on.

    Args:
        run: where to.
        splits: the rows.
        sources: the files they were read from.
        began: the moment that chat templates write into the rows; a run that goes on renders them with the same.
    """
    hashes: dict[Split, str] = {name: write_examples(run.split_file(name), rows) for name, rows in splits.items()}
    fingerprint = _fingerprint(hashes)
    manifest = {
        "version": 1,
        "fingerprint": fingerprint,
        "began": began.isoformat(),
        "splits": {name: {"rows": len(splits[name]), "sha256": hashes[name]} for name in SPLITS},
        "sources": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sources},
    }
    write_json(run.manifest_file, manifest)
    return fingerprint


def read_splits(run: RunDir) -> tuple[dict[Split, list[Example]], str]:
    """The rows a run was made of, and their fingerprint as they are now.

    Raises:
        DataError: a file is missing or was damaged.
    """
    splits: dict[Split, list[Example]] = {}
    for name in SPLITS:
        path = run.split_file(name)
        splits[name] = load_examples([path]) if not path.is_file() or path.stat().st_size else []
    hashes: dict[Split, str] = {name: hashlib.sha256(run.split_file(name).read_bytes()).hexdigest() for name in SPLITS}
    return splits, _fingerprint(hashes)


def refuse_changed(run: RunDir, lost: bool = False) -> None:
    """Look whether the rows are those the run was made of: one that was changed since may have been learned, or never held out.

    Args:
        run: the run.
        lost: files that are not there any more are no matter.

    Raises:
        DataError: naming each split that the manifest knows otherwise, or a manifest that is missing or damaged.
    """
    if lost and not run.manifest_file.exists():
        return
    again = "put the files back as they were, or train again: pete train"
    try:
        recorded = json.loads(run.manifest_file.read_text(encoding="utf-8"))["splits"]
        wanted = {name: (int(recorded[name]["rows"]), str(recorded[name]["sha256"])) for name in SPLITS}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{run.manifest_file} cannot say what the run was made of: {error}", again) from None
    problems = []
    for name, (rows, sha256) in wanted.items():
        path = run.split_file(name)
        if lost and not path.exists():
            continue
        data = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(data).hexdigest() != sha256:
            problems.append(f"{path}: {len(data.splitlines())} rows, not the {rows} of the training (sha256 {sha256[:12]})")
    if problems:
        raise DataError.of_problems("Rows of the run were changed after its training:", problems, again)


def _fingerprint(hashes: Mapping[Split, str]) -> str:
    return hashlib.sha256("".join(hashes[name] for name in SPLITS).encode()).hexdigest()
