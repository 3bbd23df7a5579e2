"""Data formats of other tools (ShareGPT, Alpaca, preference pairs) among examples: recognised, with the command that brings them in."""

from collections.abc import Mapping
from typing import Any

BRING = "move the file out of examples/ and bring it in: pete data import FILE"
CONVERSATIONS = ("messages", "conversations", "conversation", "dialogue", "dialog", "turns", "contents")
"""Keys under which an import looks for turns."""
MEANINGS = ("incoming", "reply", "draft", "author", "date", "public", "thread", "title", "category", "id")
"""What a column of a table may mean, when somebody brings one in (`--map`)."""
MESSAGES = '{"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]}'

_ASKED = ("instruction", "question", "query", "input", "request", "user", "human", "context", "source_text")
_ANSWERED = ("output", "answer", "response", "reply", "assistant", "target", "chosen", "text", "label")


def foreign_format(record: Mapping[str, Any]) -> str | None:
    """What a row without prompt and completion is, in words that follow "40 rows"; None is nothing we know."""
    keys = {key.lower(): key for key in record if isinstance(key, str)}
    has = {name for name, key in keys.items() if record[key] not in (None, "", [], {})}
    turns = next((key for key, value in record.items() if _turns(value)), None)
    if "conversations" in has and turns == keys["conversations"]:
        return f"in ShareGPT's form (conversations): {BRING}"
    if turns in ("prompt", "completion"):
        return f"whose {turns} is a list of turns: {BRING}"
    if turns in ("chosen", "rejected"):
        return f"whose {turns} is a list of turns: write each as {MESSAGES}, the answer last"
    if turns is not None and turns != "messages":
        known = turns.lower() in CONVERSATIONS
        return f"of turns under {turns!r}: {BRING if known else f'call them messages, then {BRING}'}"
    if {"chosen", "rejected"} <= has:
        asked = keys["prompt"] if "prompt" in has else "COLUMN"
        way = _mapped(asked, keys["chosen"])
        return f"in the form of preference pairs (chosen, rejected): the chosen answer is what can be learned; {way}"
    if {"instruction", "output"} <= has:
        return f"in Alpaca's form (instruction, input, output): {BRING}"
    if (rows := next((key for key, value in record.items() if _objects(value)), None)) and not {"prompt", "completion", "messages"} & has:
        return f"with the rows themselves in a list under {rows!r}: {BRING}"
    if "text" in has and not {"prompt", "completion", *_ASKED} & has:
        return f'of text alone, with no prompt to answer: {BRING} --map "reply={keys["text"]}" (it makes the prompts)'
    asked = keys["prompt"] if "prompt" in has else next((keys[name] for name in _ASKED if name in has), None)
    answered = keys["completion"] if "completion" in has else next((keys[name] for name in _ANSWERED if name in has), None)
    if asked and answered and (asked, answered) != ("prompt", "completion"):
        known = (asked.lower(), answered.lower()) == ("prompt", "completion")
        return f"with the keys {', '.join(map(str, record))}: {BRING if known else _mapped(asked, answered)}"
    if asked == "prompt" and not answered and "completion" not in keys:
        return "with a prompt and no completion: nothing to learn from (prompts to ask belong into prompts.jsonl)"
    if not {"prompt", "completion", "messages"} & set(keys):
        return f"with the keys {', '.join(map(str, record)) or 'of nobody'}: a row needs prompt and completion; or {BRING} --map reply=KEY"
    return None


def _mapped(asked: str, answered: str) -> str:
    return f'{BRING} --map "incoming={asked},reply={answered}"'


def _objects(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _turns(value: object) -> bool:
    speaks = ("role", "from", "speaker", "author")
    return _objects(value) and all(any(key in item for key in speaks) for item in value)  # type: ignore[union-attr]
