"""Prompt formatting: how a request is put before a trained model ([prompt_format]), the same in chat, test and evaluation.

Only the request's own words decide what is added to it. A suite knows the category and the format of its prompts, a
person at the keyboard says neither: what was measured on the one must hold for the other.
"""

import datetime
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pete.adapter import Lineage
from pete.data.examples import Example
from pete.data.render import Message, Renderer, TrainTurns
from pete.errors import AdapterError
from pete.generate.request_parsing import RequestType, format_asked, length_asked
from pete.generate.rules import Validator
from pete.persona import PromptFormat

NEAR = 5
"""Training rows that count as like a request. Over the bundled persona's 60 prompts the median of five is 25% away from the median
of the right format's rows (mean absolute log ratio), the median of all rows 50%."""
AGREE = (2, 3)
"""A format is believed when 2 of the 3 nearest rows have it: that was right 22 times of 24."""
_NOTHING = PromptFormat()  # type: ignore[call-arg]
_WORD = re.compile(r"[^\W\d_]+")


class PromptFormatter:
    """A persona's way to ask, with the training rows that it takes its examples and lengths from."""

    def __init__(self, prompt_format: PromptFormat | None = None, rows: Sequence[Example] = (), validator: Validator | None = None) -> None:
        """Get ready to put requests.

        Args:
            prompt_format: what is added; None adds nothing.
            rows: the training rows.
            validator: knows the formats' names and their usual lengths.
        """
        self.prompt_format = prompt_format or _NOTHING
        self.rows, self.validator = rows, validator or Validator()
        self._words = [_words(row.prompt) for row in rows]
        counts = Counter(word for words in self._words for word in words)
        self._weight = {word: math.log(len(rows) / count) ** 2 for word, count in counts.items()}
        self._norms = [math.sqrt(sum(self._weight[word] for word in words)) for words in self._words]

    def __call__(self, turns: Sequence[Message], topic: str = "") -> list[Message]:
        """The conversation as the model gets it.

        Examples stand before the first request and hints behind it; whatever is said later stays as it was said, so that
        "shorter, please" is not given a length.

        Args:
            turns: a conversation, the user's message last.
            topic: the first request's, where it is known: no example of that topic is shown.
        """
        at = next((number for number, turn in enumerate(turns) if turn.role == "user"), None)
        if at is None:
            return list(turns)
        request = turns[at].content.strip()
        if self.prompt_format.model_copy(update={"system": None, "template": None}) == _NOTHING:
            return list(turns)
        named = format_asked(request, self.validator.formats)
        alike = self._alike(request, named, topic)
        shots = [
            shown
            for row in self._shots(alike, named)
            for shown in (Message("user", row.prompt.strip()), Message("assistant", row.completion.strip()))
        ]
        hints = self._hints(request, named, alike)
        hinted = Message("user", _joined(request, hints)) if hints else turns[at]
        return [*turns[:at], *shots, hinted, *turns[at + 1 :]]

    def _alike(self, request: str, named: str, topic: str) -> list[Example]:
        """Training rows of other topics: those of the named format first, then by the weight of the words they share."""
        words = _words(request)
        scored = []
        for number, row in enumerate(self.rows):
            if not _same_topic(row, request, words, topic):
                shared = sum(self._weight[word] for word in words & self._words[number])
                scored.append((not (named and row.format == named), -shared / (self._norms[number] or 1.0), number))
        return [self.rows[number] for _, _, number in sorted(scored)]

    def _shots(self, alike: Sequence[Example], named: str) -> list[Example]:
        """The most usual in length of the nearest rows, of the named format where there are enough; the nearest last."""
        near = [row for row in alike if named and row.format == named][:NEAR]
        near = near if len(near) >= self.prompt_format.shots else list(alike[:NEAR])
        if not near:
            return []
        usual = _median(near)
        fitting = sorted(range(len(near)), key=lambda number: (abs(len(near[number].completion.split()) - usual), number))
        return [near[number] for number in sorted(fitting[: self.prompt_format.shots], reverse=True)]

    def _hints(self, request: str, named: str, alike: Sequence[Example]) -> list[str]:
        hints = []
        if self.prompt_format.form and (name := named or _agreed(alike)):
            hints.append(f"Form: {name}.")
        if self.prompt_format.length and not length_asked(request).model_fields_set:
            usual = self.validator.typical_words(request, RequestType())
            usual = usual if usual is not None else _median(alike[:NEAR]) if alike else 0
            if usual:
                hints.append(f"About {_round(usual)} words.")
        return hints


def read_prompt_format(plain: Mapping[str, Any]) -> PromptFormat:
    """PromptFormat as an adapter keeps it, as an object again; raises AdapterError for what this version does not know."""
    try:
        return PromptFormat.model_validate(plain)
    except ValidationError as error:
        raise AdapterError(
            f"`prompt_format` in pete.json is not what this version writes: {error}", "use the version that wrote it"
        ) from None


def open_renderer(folder: Path, lineage: Lineage, prompt_format: PromptFormat, context: int, train_turns: TrainTurns = "all") -> Renderer:
    """An adapter's renderer, with the system line, the template and the date that its requests are put with."""
    system = lineage.system if prompt_format.system is None else prompt_format.system
    now = datetime.datetime.fromisoformat(lineage.began) if lineage.began else None
    renderer = Renderer(folder, template="", system=system, context=context, now=now, train_turns=train_turns)
    return renderer if prompt_format.template is None else renderer.with_template(prompt_format.template)


def _same_topic(row: Example, request: str, words: frozenset[str], topic: str) -> bool:
    own = row.topic.lower().strip()
    return bool(own and (own == topic.lower().strip() or _words(own) <= words)) or row.prompt.strip() == request


def _agreed(alike: Sequence[Example]) -> str:
    enough, nearest = AGREE
    most = Counter(row.format for row in alike[:nearest]).most_common(1)
    return most[0][0] if most and most[0][1] >= enough else ""


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


def _median(rows: Sequence[Example]) -> int:
    counts = sorted(len(row.completion.split()) for row in rows)
    return counts[len(counts) // 2]


def _round(words: float) -> int:
    step = 1 if words < 20 else 5 if words < 50 else 10
    return step * round(words / step)


def _joined(request: str, hints: Sequence[str]) -> str:
    return " ".join([request if request[-1:] in set(".!?:\"'\u201d\u2019)") else f"{request}.", *hints])
