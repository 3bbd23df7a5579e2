"""Replies in OpenAI's form: chunks of a stream, and whole ones, which are the chunks' texts joined."""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pete.generate.choose import Answer

FINISH = {"end": "stop", "stop string": "stop", "loop": "stop", "length": "length"}
"""Why an answer ended -> the same in OpenAI's words; `x_pete.stop` says it exactly."""


@dataclass(frozen=True)
class Reply:
    """What every part of a reply says of itself."""

    kind: Literal["chat", "text"]
    model: str
    fingerprint: str
    usage: bool = False
    """The stream ends with the usage."""
    id: str = field(default_factory=lambda: secrets.token_hex(12))
    created: int = field(default_factory=lambda: int(time.time()))

    def begin(self, number: int) -> dict[str, Any]:
        """The first chunk of an answer of a chat: who speaks."""
        return self._chunk({"index": number, "delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None})

    def chunk(self, number: int, text: str, answer: Answer | None = None, extras: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A piece of an answer's text; with the answer, its end."""
        said = {"delta": {"content": text} if text else {}} if self.kind == "chat" else {"text": text}
        end = {"finish_reason": FINISH[answer.stop] if answer else None} | ({"x_pete": dict(extras)} if extras else {})
        return self._chunk({"index": number, **said, "logprobs": None, **end})

    def last(self, prompt: int, answers: Sequence[Answer]) -> dict[str, Any]:
        """The chunk behind the last answer: what it took."""
        return {**self._head("chunk"), "choices": [], "usage": count(prompt, answers)}

    def whole(self, prompt: int, answers: Sequence[Answer], extras: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """All of it at once."""
        choices = []
        for number, (answer, extra) in enumerate(zip(answers, extras, strict=True)):
            message = {"role": "assistant", "content": answer.text, "refusal": None}
            said = {"message": message} if self.kind == "chat" else {"text": answer.text}
            choices.append({"index": number, **said, "logprobs": None, "finish_reason": FINISH[answer.stop], "x_pete": dict(extra)})
        return {**self._head("whole"), "choices": choices, "usage": count(prompt, answers)}

    def _chunk(self, choice: Mapping[str, Any]) -> dict[str, Any]:
        return {**self._head("chunk"), "choices": [choice], **({"usage": None} if self.usage else {})}

    def _head(self, what: Literal["chunk", "whole"]) -> dict[str, Any]:
        name = {"chat": "chat.completion" + (".chunk" if what == "chunk" else ""), "text": "text_completion"}[self.kind]
        prefix = {"chat": "chatcmpl", "text": "cmpl"}[self.kind]
        return {
            "id": f"{prefix}-{self.id}",
            "object": name,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
        }


def count(prompt: int, answers: Sequence[Answer]) -> dict[str, int]:
    """OpenAI's usage: the prompt's tokens once, and those of every answer, also of those that a rule had drawn again."""
    drawn = sum(max(answer.tokens, answer.tokens_drawn) for answer in answers)
    return {"prompt_tokens": prompt, "completion_tokens": drawn, "total_tokens": prompt + drawn}


def extras(answer: Answer, seed: int, judged: bool = True) -> dict[str, Any]:
    """What only this server says of an answer: the seed that draws it again, why it ended; if it was judged, the rules it breaks."""
    broken = [{"rule": flag.rule, "words": flag.words, "start": flag.start, "end": flag.end} for flag in answer.flags]
    return {"seed": seed, "stop": answer.stop, **({"broken": broken, "tries": answer.tries} if judged else {})}
