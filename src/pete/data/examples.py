"""Rows of examples: JSONL in, checked, each knowing its file and line."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from pete.errors import DataError

Split = Literal["train", "valid", "test"]
SPLITS: tuple[Split, ...] = ("train", "valid", "test")


class Prompt(BaseModel):
    """Something to ask, with nothing to learn from."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = ""
    category: str = "general"
    format: str = ""
    topic: str = Field("", validation_alias=AliasChoices("topic", "group"), description="rows of a topic stay in one split")
    prompt: str
    source: str = Field("", description="file:line, for messages")


class Question(Prompt):
    """One line of prompts.jsonl for the evaluation, with what its answer has to keep."""

    reference: str = Field("", description="an answer to be near to; optional")
    facts: tuple[str, ...] = Field((), description="must be in the answer; a|b is either")
    checks: dict[str, Any] = Field(default_factory=dict, description="predicates of form: see evaluate/scorers/formatting.py")


class Example(Prompt):
    """One line of examples/*.jsonl: what was asked, and what the voice answered."""

    completion: str
    split: Split | None = Field(None, description="a split chosen by the author; nothing lets us choose")

    def record(self) -> dict[str, Any]:
        """The row as one JSON object, empty fields left out; its source without the folder it was read in."""
        source = Path(self.source).name
        return {key: value for key, value in (self.model_dump() | {"source": source}).items() if value not in ("", None)}


@dataclass(frozen=True)
class Finding:
    """Something worth a look in a dataset that can be trained on all the same."""

    where: str
    message: str


Row = TypeVar("Row", bound=Prompt)


def load_examples(paths: Sequence[Path]) -> list[Example]:
    """Read and check example files.

    Raises:
        DataError: listing every bad row as file:line, what was expected and what was found.
    """
    return _load(paths, Example)


def load_prompts(path: Path) -> list[Question]:
    """Read and check a prompt file; raises DataError as `load_examples` does."""
    return _load([path], Question)


def write_examples(path: Path, rows: Iterable[Example]) -> str:
    """Write rows as JSONL; returns the sha256 of the file."""
    text = "".join(json.dumps(row.record(), ensure_ascii=False) + "\n" for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return hashlib.sha256(text.encode()).hexdigest()


def check_examples(rows: Sequence[Example], categories: Iterable[str], avoid: Sequence[str]) -> list[Finding]:
    """What an editor would question: repeated rows, unknown categories, words the persona avoids."""
    findings: list[Finding] = []
    known = set(categories)
    first_seen: dict[str, str] = {}
    banned = phrase_pattern(avoid)
    for row in rows:
        key = " ".join(row.completion.lower().split())
        if key in first_seen:
            findings.append(Finding(row.source, f"the same completion as {first_seen[key]}"))
        first_seen.setdefault(key, row.source)
        if row.category not in known:
            findings.append(Finding(row.source, f"category {row.category!r} is not one of {', '.join(sorted(known))}"))
        if used := phrases_used(banned, row.completion, row.prompt):
            findings.append(Finding(row.source, f"uses {used[0].group()!r}, which persona.toml says to avoid"))
    return findings


def phrase_pattern(phrases: Sequence[str]) -> re.Pattern[str] | None:
    """A case-blind pattern for whole phrases; a trailing * stands for any ending. None for no phrases."""
    if not phrases:
        return None
    parts = [re.escape(p.removesuffix("*")) + (r"\w*" if p.endswith("*") else "") for p in phrases]
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)", re.IGNORECASE)


def phrases_used(pattern: re.Pattern[str] | None, text: str, prompt: str) -> list[re.Match[str]]:
    """Where a text uses phrases of a pattern that its prompt does not use."""
    asked = {match.group().lower() for match in pattern.finditer(prompt)} if pattern else set()
    return [match for match in pattern.finditer(text) if match.group().lower() not in asked] if pattern else []


def _load(paths: Sequence[Path], kind: type[Row]) -> list[Row]:
    rows: list[Row] = []
    problems: list[str] = []
    for path in paths:
        try:
            lines = path.read_text(encoding="utf-8-sig").split("\n")  # splitlines() would also cut at U+0085 and U+2028 inside a string
        except FileNotFoundError:
            problems.append(f"{path}: there is no such file")
            continue
        except UnicodeDecodeError as error:
            problems.append(f"{path}: not UTF-8 text (byte {error.start})")
            continue
        except OSError as error:
            problems.append(f"{path}: cannot be read: {error.strerror}")
            continue
        before = len(rows), len(problems)
        for number, line in enumerate(lines, 1):
            if line.strip():
                row = _row(line, f"{path}:{number}", kind, problems)
                if row is not None:
                    rows.append(row)
        if (len(rows), len(problems)) == before:
            problems.append(f"{path}: empty; expected one JSON object a line")
    if problems:
        raise DataError.of_problems(
            f"The data has {len(problems)} problem{'s' if len(problems) > 1 else ''}:",
            problems,
            'a row looks like {"prompt": "...", "completion": "..."}, one a line; pete data check FILE looks at one file'
            if issubclass(kind, Example)
            else 'a prompt looks like {"prompt": "..."}, one a line; docs/evaluation.md has the rest',
        )
    return rows


def _row(line: str, where: str, kind: type[Row], problems: list[str]) -> Row | None:
    try:
        record = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        problems.append(f"{where}: not JSON: {error}")
        return None
    if not isinstance(record, dict):
        problems.append(f"{where}: expected an object, found {type(record).__name__}")
        return None
    try:
        row = kind.model_validate({**record, "source": where})
    except ValidationError as error:
        for item in error.errors():
            name = str(item["loc"][0])
            found = "nothing" if item["type"] == "missing" else repr(item["input"])[:60]
            problems.append(f"{where}: {name}: expected {_expected(name)}, found {found}")
        return None
    for name in ("prompt", "completion"):
        text = getattr(row, name, None)
        if text is None:
            continue
        if not text.strip():
            problems.append(f"{where}: {name} is empty")
            return None
        try:
            text.encode()
        except UnicodeEncodeError:
            problems.append(f"{where}: {name}: a lone surrogate (half of an emoji) that no file can hold")
            return None
    return row


def _expected(name: str) -> str:
    wanted = {"split": "train, valid or test", "facts": "a list of texts", "checks": 'an object such as {"max_words": 80}'}
    return wanted.get(name, "text")
