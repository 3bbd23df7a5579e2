"""A tokenizer as llama.cpp keeps one: tokens, types, merges or scores, how texts are cut, which tokens begin and end.

How a text is cut before it is merged is chosen by what tokenizer.json's pre-tokenizer is, never by its file's hash. Whether
llama.cpp then gives the same ids is looked at when the file is written (`check.py`).
"""

import json
from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path
from typing import Any

from pete.data.examples import Example, Message
from pete.data.render import Renderer
from pete.errors import BaseModelError

WAY_OUT = "exported with --to merged (a folder for transformers) or --to adapter it still works"


class Type(IntEnum):
    """llama.cpp's types of tokens."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


_WORDS = r"[^\r\n\p{L}\p{N}]?\p{L}+"
_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_SHORT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_CASES = rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+%s|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*%s"
_SLASH = _REST.replace(r"[\r\n]*", r"[\r\n/]*")
PATTERNS: dict[str, tuple[str, str]] = {
    rf"{_SHORT}|{_WORDS}|\p{{N}}{{1,3}}|{_REST}": ("smaug-bpe", "llama-bpe"),
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+":
        ("dbrx", "llama-bpe"),
    rf"{_SHORT}|{_WORDS}|\p{{N}}|{_REST}": ("qwen2", ""),
    _CASES % (f"{_SHORT}?", f"{_SHORT}?") + rf"|\p{{N}}{{1,3}}|{_SLASH}": ("gpt-4o", ""),
    _CASES % ("", "") + rf"|\p{{N}}|{_SLASH}": ("", "tekken"),
}  # fmt: skip
"""A pre-tokenizer's pattern -> llama.cpp's name of it, for a vocabulary whose whole words wait for their merges, and for one whose
words are taken as they are (ignore_merges)."""
KNOWN_ENDS = frozenset(
    {"<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<|end_of_text|>", "<eos>"}
)
"""Tokens that llama.cpp takes for an end by their text."""


class Vocabulary:
    """The tokenizer that a model speaks with, for the metadata of its file."""

    def __init__(self, folder: Path, rows: int, name: str) -> None:
        """Read it.

        Args:
            folder: of the adapter where it brings a tokenizer, else of the base.
            rows: of the model's embedding.
            name: what to call the base.

        Raises:
            BaseModelError: llama.cpp has nothing that cuts texts the same way.
        """
        self.rows, self.name = rows, name
        self.renderer = Renderer(folder, template="{{ messages[0].content }}", system="", context=1 << 20)
        self.base = self.renderer.reader
        self.template = self.renderer.template if self.renderer.own_template else None
        document = json.loads(self.base.tokenizer.to_str())
        self._model: dict[str, Any] = document["model"]
        self._normalizer, self._cut = _parts(document.get("normalizer")), _parts(document.get("pre_tokenizer"))
        if self._model["type"] != "BPE":
            raise self._refused(f"is of the kind {self._model['type']}")

    def metadata(self) -> dict[str, Any]:
        """Key of the file -> value."""
        by_bytes = any(part["type"] == "ByteLevel" for part in self._cut)
        tokens, types = self._tokens(by_bytes)
        made: dict[str, Any] = {"tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": types}
        made |= self._by_bytes() if by_bytes else self._by_pieces(tokens)
        return made | self._ends()

    @property
    def ends(self) -> frozenset[int]:
        """Every id that ends an answer."""
        return self.renderer.ends if self.template is not None else self.base.ends

    def _tokens(self, by_bytes: bool) -> tuple[list[str], list[int]]:
        """Text and type of every row of the embedding; rows that no token has are padding."""
        tokens, types = [f"[PAD{row}]" for row in range(self.rows)], [int(Type.UNUSED)] * self.rows
        unknown = self._model.get("unk_token")
        for text, row in self._model["vocab"].items():
            if row < self.rows:
                tokens[row], types[row] = text, Type.NORMAL
                if not by_bytes and len(text) == 6 and text.startswith("<0x"):
                    types[row] = Type.BYTE
                elif not by_bytes and text == unknown:
                    types[row] = Type.UNKNOWN
        for row, token in self.base.tokenizer.get_added_tokens_decoder().items():
            if row < self.rows:
                tokens[row], kind = token.content, Type.CONTROL if token.special else Type.USER_DEFINED
                if types[row] != Type.UNKNOWN:
                    types[row] = kind
        return tokens, [int(kind) for kind in types]

    def _by_bytes(self) -> dict[str, Any]:
        """BPE on bytes: GPT-2 and what came of it."""
        normalizers = {part["type"] for part in self._normalizer}
        if normalizers - {"NFC"}:
            raise self._refused(f"changes texts before it cuts them ({', '.join(sorted(normalizers - {'NFC'}))})")
        merges = [" ".join(merge) if isinstance(merge, list) else merge for merge in self._model["merges"]]
        made: dict[str, Any] = {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": self._pre() if merges else "gpt-2"}
        if normalizers:
            made["tokenizer.ggml.normalizer.nfc"] = True  # newer versions of llama.cpp know it
        return made | {"tokenizer.ggml.merges": merges or ["aa aa"]}  # llama.cpp wants one: of two parts that never come about

    def _pre(self) -> str:
        """llama.cpp's name of the way texts are cut."""
        whole = bool(self._model.get("ignore_merges"))
        *before, last = self._cut
        if last["type"] != "ByteLevel" or last.get("add_prefix_space"):
            raise self._refused("puts a space in front of every text")
        if last.get("use_regex", True) and not whole:
            if not before:
                return "gpt-2"
            if [part["type"] for part in before] == ["Digits"] and before[0].get("individual_digits"):
                return "smollm"
        if len(before) == 1 and before[0]["type"] == "Split" and not last.get("use_regex", True):
            split = before[0]
            pattern = split["pattern"].get("Regex", "")
            plain = (split["behavior"], split["invert"]) in (("Isolated", False), ("Removed", True))
            if plain and (name := PATTERNS.get(pattern, ("", ""))[whole]):
                return name
        cut = json.dumps(self._cut, ensure_ascii=False)
        raise self._refused(f"cuts texts in a way llama.cpp has no name for ({cut[:160]}{'...' if len(cut) > 160 else ''})")

    def _by_pieces(self, tokens: list[str]) -> dict[str, Any]:
        """BPE on letters with single bytes for what has no letter: SentencePiece's. What merges first has the highest score."""
        if not self._model.get("byte_fallback"):
            raise self._refused("is neither of bytes nor falls back on them")
        before = "none"
        for part in [*self._normalizer, *self._cut]:
            match part["type"]:
                case "Prepend" if part["prepend"] == "▁":
                    before = "always"
                case "Metaspace" if part.get("replacement", "▁") == "▁" and not part.get("split", False):
                    before = {"never": "none"}.get(part.get("prepend_scheme", "always"), part.get("prepend_scheme", "always"))
                case "Replace" if part["pattern"] == {"String": " "} and part["content"] == "▁":
                    pass
                case "Split" if part["pattern"] == {"String": " "}:  # by then there are no spaces
                    pass
                case kind:
                    raise self._refused(f"changes or cuts texts in a way llama.cpp does not ({kind})")
        last = len(self._model["merges"]) + 1
        scores = dict.fromkeys(tokens, -float(last))
        for rank, merge in reversed(list(enumerate(self._model["merges"]))):
            scores["".join(merge) if isinstance(merge, list) else merge.replace(" ", "")] = -float(rank)
        return {
            "tokenizer.ggml.model": "llama",
            "tokenizer.ggml.pre": "default",
            "tokenizer.ggml.scores": [scores[token] for token in tokens],
            # "first": at the beginning of a text, and a conversation begins with a token of its own
            "tokenizer.ggml.add_space_prefix": before == "always",
        }

    def _ends(self) -> dict[str, Any]:
        """First token, every end, template."""
        base, made = self.base, {}
        ids = {name: base.tokenizer.token_to_id(text) for name, text in base.named.items()}
        for ours, theirs in (("bos", "bos"), ("pad", "padding"), ("unk", "unknown")):
            if (number := ids.get(f"{ours}_token")) is not None and number < self.rows:
                made[f"tokenizer.ggml.{theirs}_token_id"] = number
        made["tokenizer.ggml.eos_token_id"] = base.eos
        turn = base.eos
        begins = list(base.first)
        if self.template is not None:
            asked = (Message("user", "a"),)
            begins = self.renderer.prompt_ids(asked)
            turn = int(self.renderer.example(Example(prompt="a", completion="b")).ids[-1])  # type: ignore[call-arg]
            made["tokenizer.chat_template"] = self.template
        made["tokenizer.ggml.eot_token_id"] = turn
        others = [end for end in sorted(self.ends - {base.eos, turn}) if base.tokenizer.id_to_token(end) not in KNOWN_ENDS]
        if len(others) > 1:
            raise self._refused(f"has {len(others) + 2} ends of an answer, and llama.cpp takes three")
        if others:
            made["tokenizer.ggml.eom_token_id"] = others[0]
        bos = ids.get("bos_token")
        # only what the tokenizer adds by itself, and only where conversations begin with it: a template's own is in its text
        made["tokenizer.ggml.add_bos_token"] = bos is not None and list(base.first[:1]) == begins[:1] == [bos]
        made["tokenizer.ggml.add_eos_token"] = False
        return made

    def strips_after(self) -> bool:
        """Whether special tokens swallow the white space behind them: Phi-3's do."""
        tokens = self.base.tokenizer.get_added_tokens_decoder().values()
        return any(token.rstrip and token.special for token in tokens if token.content in (self.template or ""))

    def _refused(self, what: str) -> BaseModelError:
        return BaseModelError(f"The tokenizer of {self.name} {what}: llama.cpp would read texts as other tokens.", WAY_OUT)


def _parts(part: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """A normalizer or pre-tokenizer, its sequences laid flat."""
    if part is None:
        return []
    if part["type"] == "Sequence":
        inner = part.get("normalizers") or part.get("pretokenizers") or ()
        return [one for each in inner for one in _parts(each)]
    return [dict(part)]
