"""Who writes prompts: the base model on this machine, or a model behind an address that the person named."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from pete.config import Config
from pete.data.examples import Message
from pete.data.render import Renderer
from pete.engines import open_generator
from pete.errors import ContextError, UserError
from pete.generate.endpoint import Called, Endpoint
from pete.generate.extract import turn_marks
from pete.generate.stream import answer_all, prompt_ids
from pete.persona import PLAIN_TEMPLATE

KEY = "PETE_PAIRS_KEY"
WRITER = Called("writer", KEY, "--by", "--model", "--by URL --model NAME")
AT_ONCE = 8
"""Questions that the base answers side by side."""
TOKENS = 160
"""Longest prompt."""
BASE = "base"
"""What `--by` calls the base model."""


class Writer(Protocol):
    """Answers questions, one after the other."""

    origin: str
    """How a row names it."""

    def announcement(self, questions: Sequence[str]) -> str:
        """What will be read by whom, before the first question is asked."""
        ...

    def ask(self, questions: Sequence[str], attempt: int) -> Iterator[str]:
        """The answer to each, as it comes; "" for one that is too long. Another attempt may say something else."""
        ...


class BaseWriter:
    """The configuration's base model, without an adapter: no text leaves the machine."""

    def __init__(self, config: Config, tokens: int = TOKENS) -> None:
        """Load it; an answer has so many tokens at most.

        Raises:
            BaseModelError: it cannot be loaded. UserError: its packages are not installed.
        """
        self.origin = f"base:{_public(config.model.base)}"
        self._engine = open_generator(config)
        self._engine.load(config.model, None)
        base = self._engine.base
        self._renderer = Renderer(base.folder, template=PLAIN_TEMPLATE, system="", context=base.context)
        self._sampling = config.generate.model_copy(update={"max_new_tokens": min(tokens, base.context // 2), "best_of": 1, "retries": 0})
        self._stops = turn_marks(self._renderer)

    def announcement(self, questions: Sequence[str]) -> str:
        """Nothing is sent anywhere."""
        return f"{len(questions)} questions go to {self.origin.removeprefix('base:')} on this machine; nothing is sent anywhere."

    def ask(self, questions: Sequence[str], attempt: int) -> Iterator[str]:
        """See the protocol."""
        sampling = self._sampling.model_copy(update={"seed": self._sampling.seed + attempt})
        for first in range(0, len(questions), AT_ONCE):
            turns = [[Message("user", question)] for question in questions[first : first + AT_ONCE]]
            short = [number for number, turn in enumerate(turns) if self._fits(turn)]
            answers = answer_all(self._engine, self._renderer, [turns[number] for number in short], sampling, self._stops) if short else []
            texts = {number: answer.text for number, answer in zip(short, answers, strict=True)}
            yield from (texts.get(number, "") for number in range(len(turns)))

    def _fits(self, turn: Sequence[Message]) -> bool:
        try:
            prompt_ids(self._renderer, turn, self._sampling, whole=True)
        except ContextError:
            return False
        return True


class AddressWriter:
    """A model behind an address."""

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        self.origin = f"url:{endpoint.address.host} {model}"
        self._endpoint, self._model = endpoint, model

    @classmethod
    def of(cls, url: str, model: str | None, environ: Mapping[str, str] = os.environ) -> "AddressWriter":
        """A writer by what was typed; the key comes from the environment. Nothing is sent.

        Raises:
            UserError: the address, the model's name or the key cannot be right.
        """
        if not (model or "").strip():
            raise UserError("A writer behind an address needs the name of a model.", f"--by {url} --model NAME, as its server calls it")
        return cls(Endpoint(WRITER, url, environ.get(KEY, "")), str(model).strip())

    def announcement(self, questions: Sequence[str]) -> str:
        """Where texts go, and how much of them."""
        size = sum(map(len, questions))
        return (
            f"{len(questions)} questions go to {self._endpoint.where}, model {self._model}, {self._endpoint.with_key}. "
            f"Each holds one text of the persona (or one prompt) and what kind of text it is; nothing else is sent. "
            f"Together {size:,} characters, about {size // 4:,} tokens."
        )

    def ask(self, questions: Sequence[str], attempt: int) -> Iterator[str]:
        """See the protocol; raises WorkError where the server does not answer."""
        for question in questions:
            yield self._endpoint.ask(self._model, question).text


class Kept:
    """A writer whose answers are kept in a file as they come: who breaks off asks only for the rest the next time."""

    def __init__(self, writer: Writer, path: Path) -> None:
        self.origin, self._writer, self._path = writer.origin, writer, path
        self.asked = 0
        """Questions that were really asked."""
        self._replies = dict(_replies(path))

    def announcement(self, questions: Sequence[str], attempts: int = 1) -> str:
        """What of them will be asked, each so many times for certain."""
        every = [(question, attempt) for attempt in range(1, attempts + 1) for question in questions]
        new = [question for question, attempt in every if self._name(question, attempt) not in self._replies]
        kept = f" {len(every) - len(new)} answers are on disk from an earlier time." if len(new) < len(every) else ""
        return self._writer.announcement(new) + kept if new else f"all {len(every)} answers are on disk; nothing is asked at first."

    def ask(self, questions: Sequence[str], attempt: int) -> Iterator[str]:
        """See the protocol."""
        names = [self._name(question, attempt) for question in questions]
        new = {name: question for name, question in zip(names, questions, strict=True) if name not in self._replies}
        coming = self._writer.ask(list(new.values()), attempt)
        for name in names:
            if name not in self._replies:
                self._keep(name, next(coming))
            yield self._replies[name]

    def _keep(self, name: str, reply: str) -> None:
        self._replies[name] = reply
        self.asked += 1
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            # the first line begins anew: an earlier session may have been broken off in the middle of one
            file.write("\n" * (self.asked == 1 and file.tell() > 0) + json.dumps({"asked": name, "reply": reply}) + "\n")

    def _name(self, question: str, attempt: int) -> str:
        return hashlib.sha256(json.dumps([self.origin, attempt, question]).encode()).hexdigest()


def _replies(path: Path) -> Iterator[tuple[str, str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        try:
            record = json.loads(line)
            yield str(record["asked"]), str(record["reply"])
        except (ValueError, KeyError, TypeError):  # the last one, of a session that was broken off
            continue


def _public(base: str) -> str:
    """A base as rows name it: owner/name as it is, of a folder its own name."""
    path = Path(base)
    return path.name if path.is_absolute() or path.exists() or base.startswith((".", "~")) else base
