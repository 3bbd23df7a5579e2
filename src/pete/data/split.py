"""Train, valid, test: rows of a topic stay together, and the same seed cuts the same way on every machine."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from pete.config import DataConfig
from pete.data.examples import SPLITS, Example, Split, load_examples, write_examples
from pete.errors import DataError
from pete.run import RunDir, write_json


def split_rows(rows: Sequence[Example], data: DataConfig, seed: int) -> dict[Split, list[Example]]:
    """Cut rows by topic within each category, so that each split sees every category and no topic twice.

    Rows that carry a split of their own keep it. Rows without a topic are their own topic; rows with the same
    completion share one, so that a repeated answer never sits on both sides.

    Raises:
        DataError: nothing is left to train on.
    """
    groups: dict[str, list[Example]] = {}
    by_answer: dict[str, str] = {}
    splits: dict[Split, list[Example]] = {name: [] for name in SPLITS}
    for row in rows:
        if row.split is not None:
            splits[row.split].append(row)
            continue
        answer = " ".join(row.completion.lower().split())
        topic = by_answer.setdefault(answer, row.topic.lower().strip() or answer)
        groups.setdefault(topic, []).append(row)

    by_category: dict[str, list[str]] = {}
    for topic, members in groups.items():
        by_category.setdefault(members[0].category, []).append(topic)
    for topics in by_category.values():
        topics.sort(key=lambda topic: hashlib.sha256(f"{seed}\0{topic}".encode()).digest())
        total = sum(len(groups[topic]) for topic in topics)
        filled = {"test": 0, "valid": 0}
        for topic in topics:
            members = groups[topic]
            target: Split = "train"
            for name, share in (("test", data.test_share), ("valid", data.valid_share)):
                if filled[name] + len(members) <= round(share * total):
                    filled[name] += len(members)
                    target = name  # type: ignore[assignment]
                    break
            splits[target] += members
    if not splits["train"]:
        raise DataError(
            f"Nothing is left to train on: {len(rows)} rows, all in valid or test.",
            "add examples, or lower data.valid_share and data.test_share",
        )
    return splits


def write_splits(run: RunDir, splits: dict[Split, list[Example]], sources: Sequence[Path]) -> str:
    """Write data/*.jsonl and manifest.json into the run; returns the fingerprint of what will be trained on."""
    hashes: dict[Split, str] = {name: write_examples(run.split_file(name), rows) for name, rows in splits.items()}
    fingerprint = _fingerprint(hashes)
    manifest = {
        "version": 1,
        "fingerprint": fingerprint,
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


def _fingerprint(hashes: Mapping[Split, str]) -> str:
    return hashlib.sha256("".join(hashes[name] for name in SPLITS).encode()).hexdigest()
