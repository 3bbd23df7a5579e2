"""Training examples and evaluation prompts: rows of JSONL, validated, each knowing its file and line."""

import difflib
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Generic, Literal, Self, TypeVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, model_validator

from pete.data.foreign_formats import foreign_format
from pete.data.jsonl import Broken, NotRows, read_rows
from pete.data.private import mask
from pete.data.rewriting import rewrite_request
from pete.data.text import LIKE, SPACELESS, fold, visible
from pete.errors import DataError
from pete.words import counted

NAMED = 3
"""Places of a finding that are named."""
MEANT = re.compile(
    r"input|context|system(_prompt)?|history|instruction|messages|conversations?|dialogue|turns|question|query|answer|output|response|reply"
    r"|chosen|rejected|label|completion|text|content|documents?|images?|tools",
    re.IGNORECASE,
)
"""Keys that mean something to a model in the data of other tools."""
_LABELS = ("id", "category", "format", "topic", "group", "date", "origin", "augmented_from", "draft_kind")
_TEXTS = (("prompt",), ("completion",))
_PLACE = re.compile(r":\d+$")

Split = Literal["train", "valid", "test"]
SPLITS: tuple[Split, ...] = ("train", "valid", "test")


Task = Literal["write", "rewrite"]
"""What a row teaches: to answer a prompt, or to put a draft into the author's voice."""
Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


class Prompt(BaseModel):
    """Something to ask, with nothing to learn from."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = ""
    category: str = "general"
    format: str = ""
    topic: str = Field("", validation_alias=AliasChoices("topic", "group"), description="rows of a topic stay in one split")
    prompt: str
    source: str = Field("", description="file:line, for messages")


@dataclass(frozen=True)
class Draft:
    """A text that says what the author's says, in nobody's voice."""

    kind: str
    """How it is written: light, close, plain, polished, notes, dictated ..."""
    text: str
    origin: str = ""
    """Who wrote it, as in rows."""


class Question(Prompt):
    """One line of prompts.jsonl for the evaluation, with what its answer has to keep."""

    reference: str = Field("", description="an answer to be near to; optional")
    facts: tuple[str, ...] = Field((), description="must be in the answer; a|b is either")
    checks: dict[str, Any] = Field(default_factory=dict, description="predicates of form: see evaluate/scorers/formatting.py")
    drafts: tuple[Draft, ...] = Field((), description="of such an answer, to be rewritten: [{kind, text}, ...]")

    @property
    def request(self) -> str:
        """What the model is asked."""
        return self.prompt

    @model_validator(mode="after")
    def _drafts_say_something(self) -> Self:
        if any(not visible(draft.text) for draft in self.drafts):
            raise ValueError("drafts: a draft is empty")
        return self


class Example(Prompt):
    """One line of examples/*.jsonl: what was asked, and what the voice answered; or a conversation that ends with its answer."""

    completion: str
    messages: tuple[Message, ...] = Field((), description="a conversation in place of prompt and completion: [{role, content}, ...]")
    split: Split | None = Field(None, description="a split chosen by the author; nothing lets us choose")
    train: Literal["all", "last"] | None = Field(None, description="the assistant turns that carry loss; nothing means data.train_turns")
    date: str = Field("", description="when the author wrote it, as ISO 8601, where the source says so")
    origin: str = Field("", description="how the prompt was made: incoming message, rule, base:NAME, url:HOST MODEL, edited ...")
    augmented_from: str = Field("", description="key of the row that this one was made from: it is no text of its own")
    task: Task = Field("write", description="rewrite: the prompt is a draft, and the completion what the author made of it")
    draft_kind: str = Field("", description="how the draft is written: light, close, plain, polished, notes, dictated, edited ...")
    found: str = Field("", description="where it was imported from")

    @model_validator(mode="before")
    @classmethod
    def _last_exchange(cls, record: Any) -> Any:
        """Prompt and completion of a conversation are its last exchange."""
        messages = record.get("messages") if isinstance(record, dict) else None
        if not messages or not isinstance(messages, list | tuple):
            return record
        turns = [vars(m) if isinstance(m, Message) else m for m in messages]
        if not all(isinstance(m, dict) and isinstance(m.get("content"), str) for m in turns):
            return record
        prompt = next((m["content"] for m in reversed(turns) if m.get("role") == "user"), "")
        last = {"prompt": prompt, "completion": turns[-1]["content"]}
        if other := [name for name, text in last.items() if record.get(name) and record[name] != text]:
            raise ValueError(f"messages: {' and '.join(other)} beside it says something else; write one or the other")
        return {**record, **last}

    @model_validator(mode="after")
    def _turns_follow_each_other(self) -> Self:
        if not self.messages:
            return self
        roles = [message.role for message in self.messages]
        spoken = roles[1:] if roles[:1] == ["system"] else roles
        if spoken != ["user", "assistant"] * (len(spoken) // 2) or not spoken:
            raise ValueError(f"messages: expected an optional system message, then user and assistant in turn, found {', '.join(roles)}")
        if any(not message.content.strip() for message in self.messages):
            raise ValueError("messages: a message is empty")
        return self

    @model_validator(mode="after")
    def _split_is_that_of_its_row(self) -> Self:
        if self.augmented_from and self.task == "rewrite" and self.split is not None:
            raise ValueError("split: a draft is where the row is that augmented_from names; write the split there alone")
        if self.augmented_from and self.split not in (None, "train"):
            raise ValueError(f"split: a row with augmented_from is trained on and nothing else, found {self.split}")
        return self

    @model_validator(mode="after")
    def _rewrites_one_draft(self) -> Self:
        if self.task == "rewrite" and self.messages:
            raise ValueError("messages: a row with task rewrite is one draft and one text: write prompt and completion")
        if self.draft_kind and self.task != "rewrite":
            raise ValueError('draft_kind: the row has no draft: write "task": "rewrite", or leave draft_kind out')
        return self

    @property
    def key(self) -> str:
        """What names the row in other files: its id, else a hash of its answer (with its draft, where that is what it answers)."""
        return _key(self.id, self.completion, self.prompt if self.task == "rewrite" else "")

    @property
    def request(self) -> str:
        """What the model is asked: the prompt, or to rewrite the draft that stands there."""
        return rewrite_request(self.prompt) if self.task == "rewrite" else self.prompt

    @property
    def turns(self) -> tuple[Message, ...]:
        """The conversation, its last turn an answer."""
        return self.messages or (Message("user", self.request), Message("assistant", self.completion))

    def record(self) -> dict[str, Any]:
        """The row as one JSON object, empty fields left out; its source without the folder it was read in."""
        record = self.model_dump(exclude={"prompt", "completion"} if self.messages else set()) | {"source": Path(self.source).name}
        if self.task == "write":
            del record["task"]
        return {key: value for key, value in record.items() if value not in ("", None, ())}


Severity = Literal["error", "warning"]
"""What cannot be trained on as it is; what can, and deserves a look."""


@dataclass(frozen=True)
class DataFinding:
    """One kind of thing that an editor would question in a dataset, however many rows have it."""

    kind: str
    message: str
    """What is found, in words, for all places together."""
    count: int
    examples: tuple[tuple[str, str], ...] = ()
    """The first places: (file:line, what stands there)."""
    severity: Severity = "warning"

    @classmethod
    def of(cls, kind: str, message: str, places: Sequence[tuple[str, str]], severity: Severity = "warning") -> "DataFinding":
        """A finding at so many places, three of them named, nothing private in them told."""
        return cls(kind, message, len(places), tuple((where, mask(text)) for where, text in places[:NAMED]), severity)

    def in_words(self) -> str:
        """One line: the message, then three places by file name and line."""
        places = [f"{Path(where).name} ({text})" if text and where else text or Path(where).name for where, text in self.examples]
        more = f" and {self.count - len(places):,} more" if self.count > len(places) else ""
        return f"{self.message}: {', '.join(places)}{more}" if places else self.message


def as_in(source: str) -> str:
    """Another row with the same thing, as a finding's place shows it; from its file:line."""
    return f"as in {Path(source).name}"


def record_key(record: Mapping[str, Any]) -> str:
    """The key of a row as it stands in a file; of one that `load_examples` can read."""
    messages = record.get("messages")
    answer = str(messages[-1]["content"] if messages else record.get("completion"))
    draft = str(record.get("prompt")) if record.get("task") == "rewrite" else ""
    return _key(str(_plain(dict(record), Example).get("id", "")), answer, draft)


def _key(given: str, answer: str, draft: str) -> str:
    return given or hashlib.sha256(f"{draft}\0{answer}".encode() if draft else answer.encode()).hexdigest()[:16]


def written(rows: Iterable[Example]) -> list[Example]:
    """The rows that somebody wrote, one for each text: without those that were made from them.

    What became of a draft counts where its text stands in no other row: the author wrote that too.
    """
    rows = list(rows)
    own = [row for row in rows if not row.augmented_from and row.task == "write"]
    drafts = [row for row in rows if row.task == "rewrite"]
    if not drafts:
        return own
    keys, texts = {row.key for row in own}, {same_answer(row) for row in own}
    chosen = set(map(id, own))
    for row in drafts:
        if row.augmented_from not in keys and (text := same_answer(row)) not in texts:
            texts.add(text)
            chosen.add(id(row))
    return [row for row in rows if id(row) in chosen]


def same_answer(row: Example) -> str:
    """A row's answer as it is compared with others."""
    return " ".join(row.completion.lower().split())


Row = TypeVar("Row", bound=Prompt)


@dataclass(frozen=True)
class Read(Generic[Row]):
    """The rows of files, and what only the files show."""

    rows: list[Row]
    findings: list[DataFinding]


def load_examples(paths: Sequence[Path]) -> list[Example]:
    """Read and check example files.

    Raises:
        DataError: listing every bad row as file:line, what was expected and what was found.
    """
    return read_examples(paths).rows


def read_examples(paths: Sequence[Path]) -> Read[Example]:
    """The same, with what was passed over in them."""
    return _load(paths, Example)


def load_prompts(path: Path) -> list[Question]:
    """Read and check a prompt file; raises DataError as `load_examples` does."""
    return read_prompts(path).rows


def read_prompts(path: Path) -> Read[Question]:
    """The same, with what was passed over in it."""
    return _load([path], Question)


def write_examples(path: Path, rows: Iterable[Example]) -> str:
    """Write rows as JSONL; returns the sha256 of the file."""
    text = "".join(json.dumps(row.record(), ensure_ascii=False) + "\n" for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return hashlib.sha256(text.encode()).hexdigest()


def phrase_pattern(phrases: Sequence[str]) -> re.Pattern[str] | None:
    """A pattern for whole phrases, blind to case and to the shape of quotation marks; a trailing * stands for any ending. None for none.

    In scripts without spaces every letter may begin and end a phrase.
    """
    if not phrases:
        return None
    letter = rf"[^\W{SPACELESS}]"
    parts = [
        "".join(LIKE.get(c, re.escape(c)) for c in fold(p.removesuffix("*"))) + (f"{letter}*" if p.endswith("*") else "") for p in phrases
    ]
    return re.compile(rf"(?<!{letter})(?:{'|'.join(parts)})(?!{letter})", re.IGNORECASE)


def phrases_used(pattern: re.Pattern[str] | None, text: str, prompt: str) -> list[re.Match[str]]:
    """Where a text uses phrases of a pattern that its prompt does not use."""
    used = list(pattern.finditer(text)) if pattern else []
    if not used or not pattern:
        return []
    in_prompt = {fold(match.group().lower()) for match in pattern.finditer(prompt)}
    return [match for match in used if fold(match.group().lower()) not in in_prompt]


def _load(paths: Sequence[Path], kind: type[Row]) -> Read[Row]:
    rows: list[Row] = []
    findings: list[DataFinding] = []
    problems: list[str] = []
    fields = {*kind.model_fields, "group"}
    for path in paths:
        try:
            values = read_rows(path)
        except FileNotFoundError:
            problems.append(f"{path}: there is no such file")
            continue
        except NotRows as error:
            problems.append(f"{path}: {error}")
            continue
        except OSError as error:
            problems.append(f"{path}: cannot be read: {error.strerror}")
            continue
        foreign: dict[str, list[int]] = {}
        unused: dict[str, list[str]] = {}
        for number, value in values:
            where = f"{path}:{number}"
            row = _row(value, where, kind, problems, foreign)
            if row is not None:
                rows.append(row)
                for key in value.keys() - fields:
                    if value[key] not in (None, "", [], {}):
                        unused.setdefault(key, []).append(where)
                if not _PLACE.search(str(value.get("source") or ":0")):
                    unused.setdefault("source", []).append(where)
        for form, lines in foreign.items():
            problems.append(f"{path}:{lines[0]}: {counted(len(lines), 'row')} {form}")
        if unused:
            findings.append(_unused(path, unused, fields - {"source"}))
    if problems:
        raise DataError.of_problems(
            f"The data has {len(problems)} problem{'s' if len(problems) > 1 else ''}:",
            problems,
            'a row looks like {"prompt": "...", "completion": "..."}, one a line; pete data check FILE looks at one file'
            if issubclass(kind, Example)
            else 'a prompt looks like {"prompt": "..."}, one a line; docs/evaluation.md has the rest',
        )
    return Read(rows, findings)


def _unused(path: Path, unused: dict[str, list[str]], fields: set[str]) -> DataFinding:
    """One finding for all keys of a file that no field takes up."""
    meant = sorted(key for key in unused if MEANT.fullmatch(key) or difflib.get_close_matches(key, fields, 1, 0.8))
    own = sorted(unused.keys() - set(meant))
    parts = []
    if meant:
        names = []
        for key in meant:
            close = difflib.get_close_matches(key, fields, 1, 0.8)
            names.append(f"{key} (did you mean {close[0]}?)" if close else key)
        parts.append(
            f"{', '.join(names)} in {path.name}: not used, and what only stands there never reaches the model "
            "(write it into prompt, a system line into persona.toml)"
        )
    if own:
        parts.append(f"{', '.join(own)}{' too' if meant else f' in {path.name}'}: passed over")
    places = list(dict.fromkeys((where, key) for key in meant or own for where in unused[key]))
    rows = len({where for where, _ in places})
    return DataFinding("unused keys", "; ".join(parts), rows, tuple(places[:NAMED]))


def _row(record: Any, where: str, kind: type[Row], problems: list[str], foreign: dict[str, list[int]]) -> Row | None:
    if isinstance(record, Broken):
        problems.append(f"{where}: {record}" if "stands twice" in record else f"{where}: not JSON: {record}")
        return None
    if not isinstance(record, dict):
        problems.append(f"{where}: expected an object, found {type(record).__name__}")
        return None
    try:
        row = kind.model_validate({**_plain(record, kind), "source": where})
    except ValidationError as error:
        wrong = error.errors()
        form = foreign_format(record) if issubclass(kind, Example) and any(item["loc"][:1] in _TEXTS for item in wrong) else None
        if form:
            foreign.setdefault(form, []).append(int(where.rpartition(":")[2]))
            return None
        for item in wrong:
            if item["type"] == "value_error":  # said by a validator of ours, whole
                problems.append(f"{where}: {item['msg'].removeprefix('Value error, ')}")
                continue
            name, *inside = map(str, item["loc"])
            found = "nothing" if item["type"] == "missing" else mask(repr(item["input"]))[:60]
            wanted = _expected(inside[-1] if len(inside) > 1 else name)
            problems.append(f"{where}: {'.'.join([name, *inside[:2]])}: expected {wanted}, found {found}")
        return None
    for name in ("prompt", "completion"):
        text = getattr(row, name, None)
        if text is not None and not visible(text):
            problems.append(f"{where}: {name} is empty" + (": it has no character that can be seen" if text.strip() else ""))
            return None
    texts = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=vars)
        for name, value in vars(row).items()
        if value
    }
    try:
        "\0".join(texts.values()).encode()
    except UnicodeEncodeError as error:
        name = next(name for name, text in texts.items() if error.object[error.start] in text)
        problems.append(f"{where}: {name}: a lone surrogate (half of an emoji) that no file can hold")
        return None
    return row


@cache
def _optional(kind: type[Prompt]) -> frozenset[str]:
    return frozenset(("group", *(name for name, field in kind.model_fields.items() if not field.is_required())))


def _plain(record: dict[str, Any], kind: type[Row]) -> dict[str, Any]:
    """Fields that need not be there are taken as databases and tables write them: null is none, a number is its digits."""
    plain = dict(record)
    for name in _optional(kind) & record.keys():
        value = record[name]
        if isinstance(value, str):
            if not value or value.isspace():
                del plain[name]
        elif value is None or value != value:  # NaN is what pandas has for none
            del plain[name]
        elif name in _LABELS and isinstance(value, int | float) and not isinstance(value, bool):
            plain[name] = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return plain


def _expected(name: str) -> str:
    wanted = {
        "split": "train, valid or test",
        "role": "system, user or assistant",
        "messages": 'a list such as [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]',
        "facts": "a list of texts",
        "drafts": 'a list such as [{"kind": "plain", "text": "..."}]',
        "task": "write or rewrite",
        "checks": 'an object such as {"max_words": 80}',
    }
    return wanted.get(name, "text")
