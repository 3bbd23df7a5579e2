"""THE place where a conversation becomes token ids and a loss mask: in training, chat, evaluation and export alike.

Prompt and completion are encoded apart (`enc(prompt) + enc(completion) + [EOS]`), because a tokenizer that sees them
joined may merge across the border and training would then differ from generation.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import jinja2
import jinja2.sandbox
import numpy as np
from tokenizers import Tokenizer

from pete.data.examples import Example
from pete.data.tokenizer_files import check_tokenizer
from pete.errors import BaseModelError, DataError, UserError

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
MAX_TEMPLATE = 100_000
MAX_RENDERED = 4_000_000


@dataclass(frozen=True)
class Message:
    """One turn: role is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True)
class Rendered:
    """A row as the model sees it: ids (int32, [length]) and which of them carry loss (bool, [length])."""

    ids: np.ndarray
    trained: np.ndarray
    text_bytes: int
    """UTF-8 bytes of the trained text, for bits per byte (the end mark counts as none)."""

    def __len__(self) -> int:
        return len(self.ids)


class Renderer:
    """A tokenizer, a template, the end mark and the system line, held together."""

    def __init__(self, folder: Path, *, template: str, system: str, context: int) -> None:
        """Read the tokenizer of a model or adapter folder.

        Args:
            folder: holds tokenizer.json and tokenizer_config.json.
            template: used when the folder brings no chat template of its own (jinja, rendered in a sandbox).
            system: the persona's system line; empty for none.
            context: tokens the model can see at once.

        Raises:
            BaseModelError: no tokenizer here, or one without an end mark.
        """
        check_tokenizer({path.name for path in folder.glob("*")}, str(folder))
        try:
            self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        except Exception as error:  # the tokenizers package raises bare Exception
            raise BaseModelError(f"{folder} has no tokenizer that can be read: {error}", "download the base again") from None
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.special = tuple(token.content for token in self.tokenizer.get_added_tokens_decoder().values() if token.special)
        self.special_ids = frozenset(i for i, token in self.tokenizer.get_added_tokens_decoder().items() if token.special)
        end = settings.get("eos_token")
        self.eos_token = end["content"] if isinstance(end, dict) else end
        eos = self.tokenizer.token_to_id(self.eos_token) if self.eos_token else None
        if eos is None:
            raise BaseModelError(f"{folder}: the tokenizer names no end mark (eos_token).", "use a base that has one")
        self.eos: int = eos
        self.ends = frozenset([eos])
        """Every id that ends an answer."""
        own = folder / "chat_template.jinja"
        self.template = own.read_text(encoding="utf-8") if own.is_file() else settings.get("chat_template") or template
        self.system = system
        self.context = context

    # --- text ----------------------------------------------------------------------------------------------------

    def prompt_text(self, turns: Sequence[Message]) -> str:
        """The conversation so far, ready for the model to answer, as text."""
        messages = [Message("system", self.system), *turns] if self.system and turns[0].role != "system" else list(turns)
        template = self._compiled
        try:
            text = template.render(
                messages=[{"role": m.role, "content": self.neutral(m.content)} for m in messages],
                add_generation_prompt=True,
                eos_token=self.eos_token,
                bos_token="",
            )
        except Exception as error:  # a template is somebody else's program: it can fail in any way
            raise UserError(f"The chat template cannot render this conversation: {error}", "see pete data show") from None
        if len(text) > MAX_RENDERED:
            raise UserError(f"The chat template made {len(text):,} characters of one conversation.", "use another base")
        return text

    def neutral(self, text: str) -> str:
        """The text with the tokenizer's special tokens broken up: typed by a user, `<|endoftext|>` is only words."""
        for token in self.special:
            if token in text:
                text = text.replace(token, f"{token[:1]} {token[1:]}")
        return text

    # --- ids -----------------------------------------------------------------------------------------------------

    def encode(self, text: str) -> list[int]:
        """Ids of a text; nothing is added in front or behind."""
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def prompt_ids(self, turns: Sequence[Message], room: int = 1) -> list[int]:
        """Ids of a conversation, oldest turns dropped until `room` tokens are left for the answer.

        Raises:
            UserError: the last message alone is too long.
        """
        kept = list(turns)
        while True:
            ids = self.encode(self.prompt_text(kept))
            if len(ids) + room <= self.context:
                return ids
            if len(kept) < 3:
                raise UserError(
                    f"The message takes {len(ids)} tokens and the answer may take {room}: the model sees only {self.context}.",
                    "shorten the message, or lower generate.max_new_tokens",
                )
            kept = kept[2:]

    def example(self, row: Example) -> Rendered:
        """One row: prompt masked, completion and end mark trained."""
        prompt = self.encode(self.prompt_text([Message("user", row.prompt.strip())]))
        answer = self.neutral(row.completion.strip())
        completion = self.encode(answer)
        ids = np.array([*prompt, *completion, self.eos], dtype=np.int32)
        trained = np.zeros(len(ids), dtype=bool)
        trained[len(prompt) :] = True
        assert trained[-1] and ids[-1] == self.eos, "the last trained label is the end mark"
        return Rendered(ids, trained, len(answer.encode()))

    def examples(self, rows: Sequence[Example], max_length: int) -> list[Rendered]:
        """Every row.

        Raises:
            DataError: rows longer than `max_length`, or than the model's context, by file:line.
        """
        limit = min(max_length, self.context)
        rendered = [self.example(row) for row in rows]
        long = [f"{row.source}: {len(r)} tokens" for row, r in zip(rows, rendered, strict=True) if len(r) > limit]
        if long:
            name = "the model's context" if limit == self.context else "data.max_length"
            raise DataError.of_problems(
                f"{len(long)} row{'s are' if len(long) > 1 else ' is'} longer than {limit} tokens ({name}):",
                long,
                "shorten them"
                + ("" if limit == self.context else f", or raise --set data.max_length=N (up to {self.context} for this base)"),
            )
        return rendered

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids without special tokens."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=True)

    # --- travel --------------------------------------------------------------------------------------------------

    def write(self, folder: Path, settings: Mapping[str, object]) -> None:
        """Put tokenizer and template into an adapter folder, so that they travel with it.

        Args:
            folder: the adapter folder.
            settings: the base's tokenizer_config.json, copied with the template in force beside it.
        """
        self.tokenizer.save(str(folder / "tokenizer.json"))
        kept = {key: value for key, value in settings.items() if key not in ("chat_template", "name_or_path")}
        (folder / "tokenizer_config.json").write_text(json.dumps(kept, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        (folder / "chat_template.jinja").write_text(self.template, encoding="utf-8")

    @cached_property
    def _compiled(self) -> jinja2.Template:
        if len(self.template) > MAX_TEMPLATE:
            raise BaseModelError(f"The chat template has {len(self.template):,} characters.", "use another base")
        environment = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        environment.globals["raise_exception"] = _refuse
        try:
            return environment.from_string(self.template)
        except jinja2.TemplateError as error:
            raise BaseModelError(f"The chat template cannot be read: {error}", "use another base, or mend the persona") from None


def _refuse(message: str) -> None:
    raise jinja2.TemplateError(message)
