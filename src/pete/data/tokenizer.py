"""A base's tokenizer as transformers reads it: special tokens, first token (BOS), every id that ends a text."""

import json
import re
from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer

from pete.errors import BaseModelError

TOKENIZER = "tokenizer.json"
SETTINGS = "tokenizer_config.json"
TEMPLATE, GENERATION = "chat_template.jinja", "generation_config.json"
OTHERS = {
    "tokenizer.model": "a SentencePiece tokenizer only",
    "spiece.model": "a SentencePiece tokenizer only",
    "sentencepiece.bpe.model": "a SentencePiece tokenizer only",
    "tekken.json": "Mistral's own tokenizer only",
    "merges.txt": "a tokenizer in two parts only (vocab.json and merges.txt)",
    "vocab.txt": "a word list only",
    "tiktoken.model": "a tiktoken tokenizer only",
}
"""Files that older or other programs read -> what they are."""
_OPEN, _CLOSE = "\U000f0000", "\U000f0001"
"""Around a special token that a person typed, from rendering to encoding: the private characters that transformers uses for it."""

Encoded = tuple[list[int], list[tuple[int, int]]]
"""Ids of a text, and where each one's characters stand in it."""


class BaseTokenizer:
    """The tokenizer of a model or adapter folder, with what the files beside it say about it."""

    def __init__(self, folder: Path) -> None:
        """Read.

        Raises:
            BaseModelError: no tokenizer here that can be read, or none that says how a text ends.
        """
        check_tokenizer({path.name for path in folder.glob("*")}, str(folder))
        try:
            self.tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        except Exception as error:  # the tokenizers package raises bare Exception
            raise BaseModelError(f"{folder} has no tokenizer that can be read: {error}", "download the base again") from None
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.settings = _read(folder / SETTINGS)
        self.named = _named(self.settings, _read(folder / "special_tokens_map.json"))
        """Name -> text of the special tokens that have a name, as templates get them: bos_token, eos_token, ..."""
        self._add_what_the_settings_say()
        self.added = {token.content: number for number, token in self.tokenizer.get_added_tokens_decoder().items()}
        self.special = tuple(token.content for token in self.tokenizer.get_added_tokens_decoder().values() if token.special)
        self.special_ids = frozenset(number for number, token in self.tokenizer.get_added_tokens_decoder().items() if token.special)
        ends = [number for number in _end_ids(folder) if self.tokenizer.id_to_token(number) is not None]
        self.eos = self._eos(folder, ends)
        self.eos_token = self.named["eos_token"] = str(self.tokenizer.id_to_token(self.eos))
        self.ends = frozenset([self.eos, *ends])
        """Ids that end a text: eos_token, and each id that generation_config.json and config.json name."""
        self.template = _own_template(folder, self.settings)
        """The chat template that the folder brings; None for none."""

    def _add_what_the_settings_say(self) -> None:
        """Transformers marks tokens as special that tokenizer.json has as plain words."""
        listed = self.settings.get("added_tokens_decoder")
        flags = ("single_word", "lstrip", "rstrip", "normalized", "special")
        for token in listed.values() if isinstance(listed, dict) else ():
            if isinstance(token, dict) and self.tokenizer.token_to_id(str(token.get("content"))) is not None:
                made = AddedToken(token["content"], **{flag: bool(token[flag]) for flag in flags if flag in token})
                (self.tokenizer.add_special_tokens if made.special else self.tokenizer.add_tokens)([made])
        known = [text for text in self.named.values() if self.tokenizer.token_to_id(text) is not None]
        self.tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in known])

    def _eos(self, folder: Path, ends: Sequence[int]) -> int:
        name = self.named.get("eos_token")
        if name is not None:
            number = self.tokenizer.token_to_id(name)
            if number is None:
                raise BaseModelError(
                    f"{folder}: {SETTINGS} names the end of text {name!r}, which the vocabulary lacks.",
                    "mend tokenizer_config.json, or download the base again",
                )
            return number
        if not ends:
            raise BaseModelError(
                f"{folder}: nothing says how a text ends: no eos_token in {SETTINGS}, no eos_token_id in config.json or {GENERATION}.",
                "use a base that has an end of text",
            )
        return ends[0]

    @cached_property
    def first(self) -> tuple[int, ...]:
        """Ids that the tokenizer by itself puts in front of every text: BOS, or nothing.

        Beside a tokenizer.json, transformers does not look at add_bos_token.
        """
        made = self.tokenizer.encode("a")
        return tuple(made.ids[: made.special_tokens_mask.index(0)]) if 0 in made.special_tokens_mask else ()

    # --- ids -----------------------------------------------------------------------------------------------------

    def encode(self, text: str) -> Encoded:
        """Ids of a text that may hold marks, and where each one's characters stand in it; nothing is added in front or behind."""
        if _OPEN not in text and _CLOSE not in text:
            made = self.tokenizer.encode(text, add_special_tokens=False)
            return made.ids, made.offsets
        ids: list[int] = []
        places: list[tuple[int, int]] = []
        at = 0
        # [text, marked token, text, ...]; a template may have torn a mark from its token: such a one is dropped
        for number, piece in enumerate(re.split(f"{_OPEN}([^{_OPEN}{_CLOSE}]*){_CLOSE}", text)):
            typed = number % 2 == 1
            begin = at + (1 if typed else 0)
            at += len(piece) + (2 if typed else 0)
            for part in [(piece, begin)] if typed else _without_marks(piece, begin):
                new, where = self._piece(*part, typed=typed, first=not ids)
                ids += new
                places += where
        return ids, places

    def encode_all(self, texts: Sequence[str]) -> list[Encoded]:
        """The same for many texts, on as many cores as there are."""
        plain = [_OPEN not in text and _CLOSE not in text for text in texts]
        together = iter(
            self.tokenizer.encode_batch([text for text, bare in zip(texts, plain, strict=True) if bare], add_special_tokens=False)
        )
        return [
            (made.ids, made.offsets) if bare and (made := next(together)) else self.encode(text)
            for text, bare in zip(texts, plain, strict=True)
        ]

    def _piece(self, piece: str, begin: int, *, typed: bool, first: bool) -> Encoded:
        """A piece of a text; after a newline unless it is the first, so that no tokenizer adds the space it puts before a whole text."""
        if not piece:
            return [], []
        newline = self.tokenizer.encode("\n", add_special_tokens=False).ids
        if typed:
            ids = self._as_words("\n" + piece)
            ids = ids[len(newline) :] if ids[: len(newline)] == newline else self._as_words(piece)
            if self.added[piece] in ids:  # the vocabulary itself makes the token of plain text: only breaking it up helps
                ids = self._as_words(f"{piece[:1]} {piece[1:]}")
            return ids, [(begin, begin + len(piece))] * len(ids)
        if not first:
            made = self.tokenizer.encode("\n" + piece, add_special_tokens=False)
            if made.ids[: len(newline)] == newline:
                skip = len(newline)
                return made.ids[skip:], [(begin + a - 1, begin + b - 1) for a, b in made.offsets[skip:]]
        made = self.tokenizer.encode(piece, add_special_tokens=False)
        return made.ids, [(begin + a, begin + b) for a, b in made.offsets]

    def _as_words(self, text: str) -> list[int]:
        """The ids of a text in which no added token is looked for."""
        backend = self.tokenizer
        if backend.normalizer is not None:
            text = backend.normalizer.normalize_str(text)
        splits = [text] if backend.pre_tokenizer is None else [split for split, _ in backend.pre_tokenizer.pre_tokenize_str(text)]
        return [token.id for split in splits for token in backend.model.tokenize(split)]

    def marked(self, text: str, control: Sequence[str]) -> str:
        """The text with tokens of a list set apart: typed by a person, `<|im_end|>` is words."""
        text = unmarked(text)
        longest_first = sorted((token for token in control if token in text), key=len, reverse=True)
        if not longest_first:
            return text
        return re.sub("|".join(map(re.escape, longest_first)), lambda hit: f"{_OPEN}{hit.group()}{_CLOSE}", text)


def check_tokenizer(names: Collection[str], where: str) -> None:
    """Refuse a base whose tokenizer Pete cannot read exactly.

    Args:
        names: the files of its folder, or of its listing on the hub.
        where: what to call it.

    Raises:
        BaseModelError: with what it brings instead and how tokenizer.json is made of that.
    """
    if TOKENIZER not in names:
        if other := next((name for name in OTHERS if name in names), None):
            raise BaseModelError(
                f"{where} brings {OTHERS[other]} ({other}), and Pete reads {TOKENIZER}.",
                f"use a newer copy of this base that has {TOKENIZER}, or make it once, in a Python with transformers and sentencepiece: "
                "python3 -c \"from transformers import AutoTokenizer as T; T.from_pretrained('FOLDER').save_pretrained('FOLDER')\"",
            )
        raise BaseModelError(f"{where} has no {TOKENIZER}: Pete needs it.", "copy it from where this base came from, or use another base")


def unmarked(text: str) -> str:
    """The text without the marks of `BaseTokenizer.marked`."""
    return text.replace(_OPEN, "").replace(_CLOSE, "")


def _without_marks(piece: str, begin: int) -> list[tuple[str, int]]:
    """What is left of a piece with torn marks, and where."""
    return [(hit.group(), begin + hit.start()) for hit in re.finditer(f"[^{_OPEN}{_CLOSE}]+", piece)]


def _named(settings: dict[str, Any], older: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    extra = settings.get("extra_special_tokens")
    for source in (older, extra if isinstance(extra, dict) else {}, settings):  # the later one wins
        for name, token in source.items():
            text = token.get("content") if isinstance(token, dict) else token
            if name.endswith("_token") and isinstance(text, str):
                found[name] = text
    return found


def _end_ids(folder: Path) -> list[int]:
    """Every eos_token_id of generation_config.json, then of config.json and of its text part."""
    config = _read(folder / "config.json")
    text = config.get("text_config")
    found: list[int] = []
    for source in (_read(folder / GENERATION), config, text if isinstance(text, dict) else {}):
        ids = source.get("eos_token_id")
        found += [number for number in (ids if isinstance(ids, list) else [ids]) if isinstance(number, int)]
    return list(dict.fromkeys(found))


def _own_template(folder: Path, settings: dict[str, Any]) -> str | None:
    """The folder's chat template; of several named ones the one called default."""
    path = folder / TEMPLATE
    if path.is_file():
        return path.read_text(encoding="utf-8")
    found = settings.get("chat_template")
    if isinstance(found, list):  # [{"name": ..., "template": ...}]
        found = {item["name"]: item["template"] for item in found if isinstance(item, dict) and {"name", "template"} <= item.keys()}
    if isinstance(found, dict):
        if found and "default" not in found:
            raise BaseModelError(
                f"{folder / SETTINGS} has chat templates named {', '.join(map(repr, sorted(found)))}, and none named 'default'.",
                "put the one to use into chat_template.jinja beside it",
            )
        found = found.get("default")
    return found if isinstance(found, str) and found else None


def _read(path: Path) -> dict[str, Any]:
    """A JSON object beside the tokenizer; nothing where there is no such file."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BaseModelError(f"{path} cannot be read: {error}", "download the base again") from None
    if not isinstance(document, dict):
        raise BaseModelError(f"{path}: expected an object, found {type(document).__name__}.", "download the base again")
    return document
