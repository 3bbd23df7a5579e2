"""Data formats of other tools (ShareGPT, Alpaca, preference pairs): recognised, with the way to convert them."""

from collections.abc import Mapping
from typing import Any

MESSAGES = '{"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]}'

_ASKED = ("instruction", "question", "query", "input", "request", "user", "human", "context", "source_text")
_ANSWERED = ("output", "answer", "response", "reply", "assistant", "target", "chosen", "text", "label")


def foreign_format(record: Mapping[str, Any]) -> str | None:
    """What a row without prompt and completion is, in words that follow "40 rows"; None is nothing we know."""
    keys = {key.lower(): key for key in record if isinstance(key, str)}
    has = {name for name, key in keys.items() if record[key] not in (None, "", [], {})}
    turns = next((key for key, value in record.items() if _turns(value)), None)
    if "conversations" in has and turns == keys["conversations"]:
        return f"in ShareGPT's form (conversations): write each as {MESSAGES}; from human is user, gpt is assistant, value is content"
    if turns in ("prompt", "completion", "chosen", "rejected"):
        return f"whose {turns} is a list of turns: write each as {MESSAGES}, the answer last"
    if turns is not None and turns != "messages":
        return f"of turns under {turns!r}: write each as {MESSAGES}"
    if {"chosen", "rejected"} <= has:
        return 'in the form of preference pairs (chosen, rejected): the chosen answer is what can be learned, as "completion"'
    if {"instruction", "output"} <= has:
        return 'in Alpaca\'s form (instruction, input, output): instruction, with input below it, is "prompt"; output is "completion"'
    if (rows := next((key for key, value in record.items() if _objects(value)), None)) and not {"prompt", "completion", "messages"} & has:
        return f"with the rows themselves in a list under {rows!r}: each object of that list is a row, one a line"
    if "text" in has and not {"prompt", "completion", *_ASKED} & has:
        return 'of text alone: there is no prompt to answer; write {"prompt": what asks for it, "completion": the text}'
    asked = keys["prompt"] if "prompt" in has else next((keys[name] for name in _ASKED if name in has), None)
    answered = keys["completion"] if "completion" in has else next((keys[name] for name in _ANSWERED if name in has), None)
    if asked and answered and (asked, answered) != ("prompt", "completion"):
        renamed = [f'"{old}" to "{new}"' for old, new in ((asked, "prompt"), (answered, "completion")) if old != new]
        return f"with the keys {', '.join(map(str, record))}: rename {' and '.join(renamed)}"
    if asked == "prompt" and not answered and "completion" not in keys:
        return "with a prompt and no completion: nothing to learn from (prompts to ask belong into prompts.jsonl)"
    if not {"prompt", "completion", "messages"} & set(keys):
        return f"with the keys {', '.join(map(str, record)) or 'of nobody'}: a row needs prompt and completion"
    return None


def _objects(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _turns(value: object) -> bool:
    speaks = ("role", "from", "speaker", "author")
    return _objects(value) and all(any(key in item for key in speaks) for item in value)  # type: ignore[union-attr]
