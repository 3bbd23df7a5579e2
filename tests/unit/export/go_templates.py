"""The part of Go's text/template that our Modelfiles use, evaluated as Go does; written from its documentation, not from our code."""

import json
import re
from typing import Any

ACTION = re.compile(r'\{\{(- )?\s*((?:"(?:[^"\\]|\\.)*"|[^"])*?)\s*( -)?\}\}', re.DOTALL)
WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[()]|:=|[^\s()]+')


def execute(template: str, data: dict[str, Any]) -> str:
    """The text of a template; KeyError, IndexError or ValueError for what it does not know."""
    nodes, rest = _parse(_tokens(template))
    assert not rest, "more ends than beginnings"
    return _run(nodes, data, {"$": data})


def ollama(template: str, messages: list[dict[str, str]]) -> str:
    """As Ollama executes a template that names .Messages: neighbours of one role are one, and .System is all system lines."""
    collated: list[dict[str, str]] = []
    for message in messages:
        if collated and collated[-1]["Role"] == message["role"]:
            collated[-1]["Content"] += "\n\n" + message["content"]
        else:
            collated.append({"Role": message["role"], "Content": message["content"]})
    system = "\n\n".join(message["content"] for message in messages if message["role"] == "system")
    return execute(template, {"System": system, "Messages": collated, "Response": ""})


def _tokens(template: str) -> list[tuple[str, str]]:
    found, at, trim = [], 0, False
    for action in ACTION.finditer(template):
        text = template[at : action.start()]
        text = text.lstrip(" \t\r\n") if trim else text
        text = text.rstrip(" \t\r\n") if action[1] else text
        found += [("text", text)] if text else []
        found.append(("action", action[2]))
        at, trim = action.end(), bool(action[3])
    tail = template[at:].lstrip(" \t\r\n") if trim else template[at:]
    return found + ([("text", tail)] if tail else [])


def _parse(tokens: list[tuple[str, str]]) -> tuple[list[Any], list[tuple[str, str]]]:
    nodes: list[Any] = []
    while tokens:
        kind, text = tokens[0]
        if kind == "action" and (text == "end" or text.startswith("else")):
            return nodes, tokens
        tokens = tokens[1:]
        word = text.split(" ", 1)[0]
        if kind == "text":
            nodes.append(("text", text))
        elif word in ("if", "range"):
            node, tokens = _block(word, text, tokens)
            nodes.append(node)
        else:
            nodes.append(("action", text))
    return nodes, tokens


def _block(word: str, text: str, tokens: list[tuple[str, str]]) -> tuple[Any, list[tuple[str, str]]]:
    body, tokens = _parse(tokens)
    closing = tokens[0][1]
    tokens = tokens[1:]
    other: list[Any] = []
    if closing.startswith("else if"):
        node, tokens = _block("if", closing.removeprefix("else "), tokens)
        return (word, text.removeprefix(word).strip(), body, [node]), tokens
    if closing == "else":
        other, tokens = _parse(tokens)
        tokens = tokens[1:]
    return (word, text.removeprefix(word).strip(), body, other), tokens


def _run(nodes: list[Any], dot: Any, variables: dict[str, Any]) -> str:
    out = ""
    for node in nodes:
        if node[0] == "text":
            out += node[1]
        elif node[0] == "if":
            out += _run(node[2] if _value(node[1], dot, variables) else node[3], dot, variables)
        elif node[0] == "range":
            names, _, source = node[1].partition(":=")
            index, item = (name.strip() for name in names.split(","))
            for number, value in enumerate(_value(source, dot, variables)):
                out += _run(node[2], value, {**variables, index: number, item: value})
        elif ":=" in WORD.findall(node[1]):
            name, _, source = node[1].partition(":=")
            variables[name.strip()] = _value(source, dot, variables)
        else:
            out += str(_value(node[1], dot, variables))
    return out


def _value(text: str, dot: Any, variables: dict[str, Any]) -> Any:
    value, rest = _pipeline(WORD.findall(text), dot, variables)
    assert not rest, rest
    return value


def _pipeline(words: list[str], dot: Any, variables: dict[str, Any]) -> tuple[Any, list[str]]:
    operands: list[Any] = []
    call = words[0] if words[0] in ("eq", "not", "len", "slice") else ""
    words = words[1:] if call else words
    while words and words[0] != ")":
        if words[0] == "(":
            value, words = _pipeline(words[1:], dot, variables)
            words = words[1:]
        else:
            value, words = _operand(words[0], dot, variables), words[1:]
        operands.append(value)
    if not call:
        (value,) = operands
        return value, words
    if call == "eq":
        return operands[0] == operands[1], words
    if call == "not":
        return not operands[0], words
    return (len(operands[0]) if call == "len" else operands[0][operands[1] :]), words


def _operand(word: str, dot: Any, variables: dict[str, Any]) -> Any:
    if word.startswith('"'):
        return json.loads(word)  # Go's escapes that we use are JSON's
    if word.isdigit():
        return int(word)
    if word.startswith("$"):
        name, _, field = word.partition(".")
        return variables[name][field] if field else variables[name]
    if word.startswith("."):
        return dot[word[1:]]
    raise ValueError(word)
