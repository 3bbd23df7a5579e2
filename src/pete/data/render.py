"""Rendering: the one place where a conversation becomes token ids and a loss mask, in training, chat, evaluation and export alike.

What transformers' `apply_chat_template` makes of a conversation is what is trained and asked, id for id. A row is rendered
in one pass and the answers are found in it; where one begins and ends comes from the template itself, rendered once with
placeholders for the texts.
"""

import datetime
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pete.data.bulk import in_blocks
from pete.data.examples import Example, Message, Role
from pete.data.hidden import PLACES, place
from pete.data.template import Around, ChatTemplate, TemplateError, compiled
from pete.data.tokenizer import GENERATION, SETTINGS, TEMPLATE, TOKENIZER, BaseTokenizer, unmarked
from pete.errors import BaseModelError, ContextError, DataError, PersonaError, UserError

TrainTurns = Literal["all", "last"]
"""Which of a row's assistant turns carry loss."""


@dataclass(frozen=True)
class Rendered:
    """A row as the model sees it."""

    ids: np.ndarray
    """int32 [length]."""
    trained: np.ndarray
    """bool [length]: carries loss. The answers, each with the end of its turn."""
    text_bytes: int
    """UTF-8 bytes of the answers' own text, for bits per byte."""
    text: np.ndarray | None = None
    """bool [length]: the answers' own text, without what the template puts around it; None: all that is trained."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def text_only(self) -> "Rendered":
        """The same row with loss on nothing but the answers' own text: how a likelihood is measured."""
        return self if self.text is None else replace(self, trained=self.text)


@dataclass
class Tried:
    """Rows put before a model as far as they can be."""

    limit: int
    """Tokens that a row may have."""
    context: int
    rendered: list[Rendered] = field(default_factory=list)
    """Those that the template takes, the long ones too."""
    refused: list[tuple[str, str]] = field(default_factory=list)
    """(file:line, why) of those it does not take."""
    hint: str = ""
    """What to do about these."""
    long: list[tuple[str, str]] = field(default_factory=list)
    """(file:line, tokens) of those over the limit."""

    def __getstate__(self) -> dict[str, Any]:
        """From another process it comes with few large arrays: thousands of small ones take as long as rendering does."""
        arrays = [np.concatenate([getattr(row, name) for row in self.rendered] or [[]]) for name in ("ids", "trained", "text")]
        lengths = np.array([len(row) for row in self.rendered], np.int64)
        return self.__dict__ | {"rendered": (arrays, np.cumsum(lengths), [row.text_bytes for row in self.rendered])}

    def __setstate__(self, state: dict[str, Any]) -> None:
        arrays, ends, sizes = state["rendered"]
        parts = (np.split(array, ends[:-1]) for array in arrays)
        rendered = [Rendered(ids, trained, size, text) for ids, trained, text, size in zip(*parts, sizes, strict=True)] if sizes else []
        self.__dict__ |= state | {"rendered": rendered}

    @property
    def too_long(self) -> str:
        """How many are over the limit, and whose limit it is."""
        name = "the model's context" if self.limit == self.context else "data.max_length"
        return f"{len(self.long)} row{'s are' if len(self.long) > 1 else ' is'} longer than {self.limit} tokens ({name})"

    @property
    def shorten(self) -> str:
        """What to do about these."""
        raised = "" if self.limit == self.context else f", or raise --set data.max_length=N (up to {self.context} for this base)"
        return f"shorten them{raised}"


@dataclass(frozen=True)
class _Answer:
    """How a template writes an answer."""

    prefix: bool
    """The generation prompt is not what stands before an answer: a channel header is missing, or thinking is begun."""
    lead: str
    """Plain text between the generation prompt and the answer, which a model writes itself: a space, a line break."""
    closing: str
    """What closes the last answer, to the end of the token that ends the turn; empty where the template closes none."""
    end: int
    """The id that ends a turn."""


@dataclass(frozen=True)
class _Frame:
    """A conversation without its texts."""

    pieces: list[str]
    """What the template writes before, between and behind them."""
    order: list[int]
    """The texts' numbers, in the order in which it has them."""
    around: Around | None
    """The proof that it writes the same around other texts, where there is one."""


@dataclass(frozen=True)
class _Laid:
    """A row as text, before it is ids."""

    text: str
    end: int
    """Where the last answer's turn ends; what follows is not read."""
    answers: list[tuple[int, int]]
    """Where the answers stand that carry loss."""
    size: int
    """UTF-8 bytes of them."""


class Renderer:
    """A tokenizer, a template, and the system line in force where a conversation brings none."""

    def __init__(
        self,
        folder: Path,
        *,
        template: str,
        system: str,
        context: int,
        now: datetime.datetime | None = None,
        train_turns: TrainTurns = "all",
    ) -> None:
        """Read the tokenizer of a model or adapter folder.

        Args:
            folder: holds tokenizer.json, and perhaps tokenizer_config.json, chat_template.jinja, generation_config.json.
            template: used when the folder brings no chat template of its own (jinja, rendered in a sandbox).
            system: the persona's system line; empty for none.
            context: tokens the model can see at once.
            now: the moment that templates write into their system text; None is this one.
            train_turns: which assistant turns of a row carry loss.

        Raises:
            BaseModelError: no tokenizer here, or one without an end of text.
        """
        self._base = BaseTokenizer(folder)
        self.tokenizer = self._base.tokenizer
        self.special, self.special_ids = self._base.special, self._base.special_ids
        self.eos, self.eos_token = self._base.eos, self._base.eos_token
        self.system, self.context = system, context
        self.now = now or datetime.datetime.now().replace(microsecond=0)
        self.train_turns: TrainTurns = train_turns
        self.own_template = self._base.template is not None
        """The folder brings a chat template of its own."""
        self.template = self._base.template if self._base.template is not None else self._with_first(template)

    def with_template(self, template: str) -> "Renderer":
        """The same with a template in place of its own."""
        other = object.__new__(Renderer)
        other.__dict__ |= self.__getstate__() | {"template": self._with_first(template), "own_template": False}
        return other

    def __getstate__(self) -> dict[str, Any]:
        """What it was made with, without what it found out: so it goes to another process."""
        return {name: value for name, value in self.__dict__.items() if not isinstance(getattr(Renderer, name, None), cached_property)}

    def _with_first(self, template: str) -> str:
        """A plain template with the token in front that the tokenizer puts before every text: with it, it can travel."""
        first = "".join(str(self.tokenizer.id_to_token(number)) for number in self._base.first)
        return first + template if first and "bos_token" not in template and not template.startswith(first) else template

    # --- text ----------------------------------------------------------------------------------------------------

    def prompt_text(self, turns: Sequence[Message]) -> str:
        """The conversation so far, ready for the model to answer, as text."""
        return self.text(turns, prompt=True)

    def text(self, turns: Sequence[Message], *, prompt: bool) -> str:
        """A conversation as text, with the generation prompt behind it or not."""
        return unmarked(self._rendered(turns, prompt=prompt))

    def messages(self, turns: Sequence[Message]) -> list[dict[str, object]]:
        """The turns as the template gets them, in transformers' form: system line in its place, contents in parts where it wants parts."""
        return [_message(role, unmarked(content), self._form[0]) for role, content in self._placed(turns)]

    def text_by(self, template: str, messages: Sequence[dict[str, object]]) -> str:
        """What another template makes of messages in transformers' form, ready for the model to answer; nothing is said of thinking.

        Raises:
            TemplateError: it is none, or does not take them.
        """
        named = {name: text for name, text in self._base.named.items() if text}
        return ChatTemplate(template).render(messages, self.now, **named, add_generation_prompt=True)

    def _rendered(self, turns: Sequence[Message], *, prompt: bool) -> str:
        """Text of a conversation, special tokens that people typed set apart in it."""
        try:
            return self._raw(self._messages(turns), prompt=prompt)
        except TemplateError as error:
            raise UserError(f"{self._whose} chat template does not take this conversation: {error}.", self._way_out) from None

    def _messages(self, turns: Sequence[Message]) -> list[dict[str, object]]:
        return [_message(role, self._base.marked(content, self._control), self._form[0]) for role, content in self._placed(turns)]

    def _raw(self, messages: Sequence[dict[str, object]], *, prompt: bool) -> str:
        return self._compiled.render(messages, self.now, **self._variables, add_generation_prompt=prompt)

    @cached_property
    def _variables(self) -> dict[str, object]:
        """What a template is told beside the conversation."""
        return {**{name: text for name, text in self._base.named.items() if text}, "enable_thinking": False}

    def _placed(self, turns: Sequence[Message]) -> list[tuple[str, str]]:
        """(role, content) as the template is given them; where it has no system role, the line stands in front of the first message."""
        knows_system = self._form[1]
        system, rest = (turns[0].content, turns[1:]) if turns and turns[0].role == "system" else (self.system, turns)
        placed = [(turn.role, turn.content) for turn in rest]
        if system and knows_system:
            return [("system", system), *placed]
        first = next((number for number, turn in enumerate(rest) if turn.role == "user"), None)
        if system and first is not None:
            placed[first] = ("user", f"{system}\n\n{placed[first][1]}")
        return placed

    @cached_property
    def _form(self) -> tuple[bool, bool]:
        """Whether the template takes contents in parts, and whether it has a system role: rendered once to see."""
        user, system = place(0), place(1)

        def shows(*messages: tuple[str, str], parts: bool) -> bool | TemplateError:
            try:
                text = self._raw([_message(role, content, parts) for role, content in messages], prompt=True)
            except TemplateError as error:
                return error
            return all(content in text for _, content in messages)

        as_text = shows(("user", user), parts=False)
        parts = as_text is not True and shows(("user", user), parts=True) is True
        if as_text is not True and not parts:
            reason = "does not show what the user says, neither as text nor in parts" if as_text is False else f"cannot be used: {as_text}"
            raise self._unusable(reason)
        return parts, shows(("system", system), ("user", user), parts=parts) is True

    @property
    def dated(self) -> bool:
        """The template writes the date."""
        return "strftime_now" in self.template

    @property
    def folds_system(self) -> bool:
        """The template has no system role: the system line stands in front of the first message."""
        return not self._form[1]

    @cached_property
    def _control(self) -> tuple[str, ...]:
        """Tokens that only the template may write: special ones, and added ones that it names."""
        named = self._compiled.literals
        return tuple(text for text in self._base.added if text in self.special or (text in named and not text.isspace()))

    # --- ids -----------------------------------------------------------------------------------------------------

    @property
    def reader(self) -> BaseTokenizer:
        """The tokenizer, with what the files beside it say about it."""
        return self._base

    @property
    def first(self) -> list[int]:
        """What the tokenizer by itself puts in front of every text: BOS, or nothing."""
        return list(self._base.first)

    @cached_property
    def ends(self) -> frozenset[int]:
        """Every id that ends an answer: the turn's own, the tokenizer's, and each that the base's settings name."""
        closing = [self._base.added[token] for token in _tokens_of(self._answer.closing, self._base.added)]
        return self._base.ends | {self._answer.end, *closing}

    @cached_property
    def start(self) -> int:
        """The id in front of a text that nobody asked for: BOS where the base has one, else the end of the text before."""
        bos = self._base.named.get("bos_token", "")
        if self._base.first:
            return self._base.first[-1]
        return self._base.added[bos] if "bos_token" in self.template and bos in self._base.added else self.eos

    def encode(self, text: str) -> list[int]:
        """Ids of a text of people's: special tokens typed in it are words. Nothing is added in front or behind."""
        return self._base.encode(self._base.marked(text, self.special))[0]

    def prompt_ids(self, turns: Sequence[Message], room: int = 1) -> list[int]:
        """Ids of a conversation, as transformers gives them with add_generation_prompt; cut as `answer_ids` cuts it."""
        return self._fitting(turns, room, self._prompt_ids)

    def answer_ids(self, turns: Sequence[Message], room: int = 1, *, whole: bool = False) -> list[int]:
        """Ids that an answer follows, the same as in training; oldest turns dropped until `room` tokens are left for it.

        They are those of the generation prompt, but for templates that begin an answer otherwise: with a channel header, or
        without the thinking that the prompt opens.

        Args:
            turns: the conversation, the user's message last; a system message in front stays.
            room: tokens to be left.
            whole: drop nothing.

        Raises:
            ContextError: the last message alone, or what must stay whole, is too long.
        """
        return self._fitting(turns, room, self._before_answer if self._answer.prefix else self._prompt_ids, whole)

    def _fitting(
        self, turns: Sequence[Message], room: int, ids_of: Callable[[Sequence[Message]], list[int]], whole: bool = False
    ) -> list[int]:
        head = list(turns[:1]) if turns[0].role == "system" else []
        kept = list(turns[len(head) :])
        while True:
            ids = ids_of([*head, *kept])
            if len(ids) + room <= self.context:
                return ids
            if whole or len(kept) < 3:
                what = "conversation" if len(kept) > 1 else "message"
                raise ContextError(
                    f"The {what} takes {len(ids)} tokens and the answer may take {room}: the model sees only {self.context}.",
                    "shorten the message, or lower generate.max_new_tokens",
                )
            kept = kept[2:]

    def _prompt_ids(self, turns: Sequence[Message]) -> list[int]:
        return self._base.encode(self._rendered(turns, prompt=True))[0]

    def _before_answer(self, turns: Sequence[Message]) -> list[int]:
        answer = place(0)
        return self._base.encode(self._rendered([*turns, Message("assistant", answer)], prompt=False).partition(answer)[0])[0]

    @cached_property
    def _answer(self) -> _Answer:
        """What the template writes around an answer, looked up in a conversation of placeholders."""
        user, answer, next_user = (Message(role, place(n)) for n, role in enumerate(("user", "assistant", "user")))
        prompt = self._rendered([user], prompt=True)
        before, shown, after = self._rendered([user, answer], prompt=False).partition(answer.content)
        if not shown:
            raise self._unusable("leaves out what the assistant says")
        between = before[len(prompt) :]
        follows = before.startswith(prompt) and not _tokens_of(between, self._base.added)
        first = _first_token(after, self._base.added)
        if first is None:
            later = self._rendered([user, answer, next_user], prompt=False).partition(answer.content)[2].partition(next_user.content)[0]
            opener = _first_token(later, self._base.added)
            end = self._base.added[opener[1]] if opener is not None else self.eos
            return _Answer(not follows, between if follows else "", "", end if end in self._base.ends else self.eos)
        at, token = first
        at += len(token)
        while (next_one := _first_token(after[at:], self._base.added)) is not None and next_one[0] == 0:
            at, token = at + len(next_one[1]), next_one[1]
        return _Answer(not follows, between if follows else "", after[:at], self._base.added[token])

    def example(self, row: Example) -> Rendered:
        """One row: what transformers makes of the conversation, to the end of its last turn; answers and their ends are trained.

        Raises:
            UserError: the template refuses the conversation, or changes its texts.
        """
        laid = self._laid_out(row)
        return self._masked(laid, *self._base.encode(laid.text[: laid.end]))

    def _laid_out(self, row: Example) -> _Laid:
        turns = [Message(turn.role, turn.content.strip()) for turn in row.turns]
        text, spans = self._written(turns)
        assistants = [number for number, turn in enumerate(turns) if turn.role == "assistant"]
        wanted = assistants if (row.train or self.train_turns) == "all" else assistants[-1:]
        size = sum(len(turns[number].content.encode()) for number in wanted)
        return _Laid(text, spans[assistants[-1]][1] + len(self._answer.closing), [spans[number] for number in wanted], size)

    def _masked(self, laid: _Laid, ids: list[int], places: list[tuple[int, int]]) -> Rendered:
        text = laid.text
        # twice as fast as np.array makes it of pairs
        begins, stops = np.fromiter(itertools.chain.from_iterable(places), np.int64, 2 * len(places)).reshape(-1, 2).T
        trained, own = (np.zeros(len(ids), dtype=bool) for _ in range(2))
        for start, stop in laid.answers:
            own |= (stops > start) & (begins < stop)
            lead = len(self._answer.lead) if text[:start].endswith(self._answer.lead) else 0
            trained |= (stops > start - lead) & (begins < stop + self._closed(text, stop))
        if not self._answer.closing:
            ids, trained, own = [*ids, self._answer.end], np.append(trained, True), np.append(own, False)
        return Rendered(np.array(ids, dtype=np.int32), trained, laid.size, own)

    def _closed(self, text: str, stop: int) -> int:
        """Characters of what closes the turn that ends at `stop`: none where another token stands there than one that ends a turn."""
        if self._answer.closing and text.startswith(self._answer.closing, stop):
            return len(self._answer.closing)
        at, token = _first_token(text[stop:], self._base.added) or (0, "")
        ends = token and not text[stop : stop + at].strip() and self._base.added[token] in self.ends
        return at + len(token) if ends else 0

    def _written(self, turns: Sequence[Message]) -> tuple[str, list[tuple[int, int]]]:
        """The text of a conversation, and where each turn's stands in it."""
        frame = self._frame(tuple(turn.role for turn in turns))
        contents = [self._base.marked(turn.content, self._control) for turn in turns]
        pieces, spans, at = [frame.pieces[0]], {}, len(frame.pieces[0])
        for number, piece in zip(frame.order, frame.pieces[1:], strict=True):
            spans[number] = (at, at := at + len(contents[number]))
            pieces += contents[number], piece
            at += len(piece)
        text = "".join(pieces)
        whole = frame.around is not None and frame.around.holds(contents)  # else what the template makes of these texts decides
        if len(spans) != len(turns) or not (whole or text == self._rendered(turns, prompt=False)):
            raise UserError(
                f"{self._whose} chat template does not leave the texts of this row as they are: it reads a part of them as its own.",
                "leave out what it reads so (such as </think> or /no_think), or use another base",
            )
        return text, [spans[number] for number in range(len(turns))]

    @lru_cache(maxsize=64)  # noqa: B019  (a renderer lives as long as its process)
    def _frame(self, roles: tuple[Role, ...]) -> _Frame:
        """A conversation of such turns without its texts."""
        turns = [Message(role, place(number)) for number, role in enumerate(roles)]
        pieces = PLACES.split(text := self._rendered(turns, prompt=False))
        around = self._compiled.around(self._messages(turns), self.now, **self._variables, add_generation_prompt=False)
        folded = self.folds_system and any("\n" in token for token in self._control)  # such a token may stand across the fold
        sure = around is not None and around.text == text and not folded
        return _Frame(pieces[::2], [int(number) for number in pieces[1::2]], around if sure else None)

    def examples(self, rows: Sequence[Example], max_length: int) -> list[Rendered]:
        """Every row.

        Raises:
            DataError: rows that the template refuses, or longer than `max_length` or the model's context, by file:line.
        """
        tried = self.tried(rows, max_length)
        if tried.refused:
            count = len(tried.refused)
            problems = [f"{where}: {why}" for where, why in tried.refused]
            raise DataError.of_problems(f"{count} row{'s' if count > 1 else ''} cannot be rendered:", problems, tried.hint)
        if tried.long:
            problems = [f"{where}: {tokens}" for where, tokens in tried.long]
            raise DataError.of_problems(f"{tried.too_long}:", problems, tried.shorten)
        return tried.rendered

    def tried(self, rows: Sequence[Example], max_length: int) -> Tried:
        """Every row, or what is in the way of it."""
        tried = Tried(min(max_length, self.context), self.context)
        with in_blocks(partial(self._tried, limit=tried.limit), rows) as blocks:
            for block in blocks:
                tried.rendered += block.rendered
                tried.refused += block.refused
                tried.long += block.long
                tried.hint = block.hint or tried.hint
        return tried

    def _tried(self, rows: Sequence[Example], limit: int) -> Tried:
        tried = Tried(limit, self.context)
        laid: list[tuple[Example, _Laid]] = []
        for row in rows:
            try:
                laid.append((row, self._laid_out(row)))
            except (BaseModelError, PersonaError):
                raise
            except UserError as error:
                tried.refused.append((row.source, error.message))
                tried.hint = error.hint
        encoded = self._base.encode_all([one.text[: one.end] for _, one in laid])
        for (row, one), (ids, places) in zip(laid, encoded, strict=True):
            tried.rendered.append(rendered := self._masked(one, ids, places))
            if len(rendered) > limit:
                tried.long.append((row.source, f"{len(rendered)} tokens"))
        return tried

    def parts(self, row: Rendered) -> list[tuple[bool, str]]:
        """A row for people: (trained or only read, text) in order, special tokens as they are written."""
        borders = [0, *(np.flatnonzero(np.diff(row.trained)) + 1).tolist(), len(row)]
        return [
            (bool(row.trained[start]), self.tokenizer.decode(row.ids[start:stop].tolist(), skip_special_tokens=False))
            for start, stop in itertools.pairwise(borders)
        ]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids without special tokens."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=True)

    # --- travel --------------------------------------------------------------------------------------------------

    def write(self, folder: Path) -> None:
        """Put tokenizer, template and ends into an adapter folder, so that they travel with it."""
        self.tokenizer.save(str(folder / TOKENIZER))
        kept = {key: value for key, value in self._base.settings.items() if key not in ("chat_template", "name_or_path")}
        _write(folder / SETTINGS, {**kept, "eos_token": self.eos_token})
        _write(folder / GENERATION, {"eos_token_id": sorted(self.ends)})
        (folder / TEMPLATE).write_text(self.template, encoding="utf-8")

    # --- the template --------------------------------------------------------------------------------------------

    @cached_property
    def _compiled(self) -> ChatTemplate:
        try:
            return compiled(self.template)
        except TemplateError as error:
            raise self._unusable(f"cannot be used: {error}") from None

    @property
    def _whose(self) -> str:
        return "The base's" if self.own_template else "The persona's"

    @property
    def _way_out(self) -> str:
        return "use another base, or mend its chat_template.jinja" if self.own_template else "mend `template` in persona.toml"

    def _unusable(self, reason: str) -> UserError:
        return (BaseModelError if self.own_template else PersonaError)(f"{self._whose} chat template {reason}.", self._way_out)


def _message(role: str, content: str, parts: bool) -> dict[str, object]:
    return {"role": role, "content": [{"type": "text", "text": content}] if parts else content}


def _first_token(text: str, added: dict[str, int]) -> tuple[int, str] | None:
    """The first added token in a text, the longest of those that begin there: (where, which)."""
    found = [(at, -len(token), token) for token in added if token and not token.isspace() and (at := text.find(token)) >= 0]
    return (min(found)[0], min(found)[2]) if found else None


def _tokens_of(text: str, added: dict[str, int]) -> list[str]:
    """Every added token in a text, in order."""
    tokens: list[str] = []
    while (first := _first_token(text, added)) is not None:
        tokens.append(first[1])
        text = text[first[0] + len(first[1]) :]
    return tokens


def _write(path: Path, document: dict[str, object]) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
