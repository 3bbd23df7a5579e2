"""Prompts by rule for texts that answer nobody: what kind of text, about what, how long; never in the text's own sentences."""

from dataclasses import dataclass

from pete.data.text import Corpus, words
from pete.words import and_between, rounded

SHARED = 5
"""Words in a row that a prompt and its text may share."""
LONGEST_TITLE = 14
"""Words of a title that stands in a prompt as it is."""

_FORMS = (
    "Write {a_kind} about {topic}. About {n} words.",
    "{Kind} about {topic}, roughly {n} words, please.",
    "I need {a_kind} on {topic}; around {n} words.",
    "Can you write {a_kind} about {topic}? About {n} words.",
    "Topic: {topic}. Write it up as {a_kind} of about {n} words.",
    "Draft {a_kind} about {topic}, some {n} words long.",
    "About {n} words on {topic}, as {a_kind}.",
    "{Topic}: {a_kind}, around {n} words.",
    "Give me {a_kind} of roughly {n} words about {topic}.",
    "Please put together {a_kind} on {topic}. Length: about {n} words.",
    "We have nothing on {topic} yet. {Kind}, about {n} words?",
    "Let's have {a_kind} about {topic}, about {n} words.",
    "Say something about {topic} in {a_kind}; about {n} words.",
    "What would you say about {topic}? {Kind}, about {n} words.",
    "Here is what it is about: {topic}. Make {a_kind} of it, roughly {n} words.",
    "Today's subject is {topic}. {Kind}, some {n} words.",
)
"""No two begin alike, so that no beginning stands before many rows."""


@dataclass(frozen=True)
class Bare:
    """What a prompt is made of."""

    text: str
    kind: str
    """"LinkedIn post"; empty is a text."""
    title: str = ""
    headings: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    part: tuple[int, int] = (1, 1)
    """Number of a passage, from 1, and how many the whole text has."""
    language: str = ""
    """Named where it is not English."""


def bare_prompt(bare: Bare, number: int) -> str:
    """The prompt of the text that is `number`th in a dataset: its form goes round."""
    form = _FORMS[number % len(_FORMS)]
    said = words(bare.text)
    for topic in _topics(bare):
        prompt = _filled(form, bare, topic)
        if not Corpus([said]).spans(words(prompt), SHARED + 1):
            return prompt
    return _filled(form, bare, "whatever is on your mind")


def _topics(bare: Bare) -> list[str]:
    """What it is about, the most telling first."""
    listed = and_between(bare.terms)
    title = bare.title.strip().rstrip(".:")
    heads = [heading for heading in bare.headings if heading and heading.casefold() != title.casefold()]
    found = []
    if title and len(title.split()) <= LONGEST_TITLE:
        quoted = f'"{title}"'
        if heads and bare.part == (1, 1):
            found.append(f"{quoted}, with sections on {and_between(heads[:3])}")
        found += [f"{quoted} ({listed})"] * bool(listed) + [quoted]
    return [*found, *([listed] if listed else []), *bare.terms]


def _filled(form: str, bare: Bare, topic: str) -> str:
    kind = bare.kind or "text"
    part, parts = bare.part
    if parts > 1:
        kind = f"opening of {_a(kind)}" if part == 1 else f"closing part of {_a(kind)}" if part == parts else f"middle part of {_a(kind)}"
    if bare.language and bare.language != "English":
        kind += f" in {bare.language}"
    a_kind = f"the {kind}" if parts > 1 else _a(kind)
    named = {"a_kind": a_kind, "Kind": _capital(kind if parts == 1 else a_kind), "topic": topic, "Topic": _capital(topic)}
    return form.format(**named, n=rounded(len(bare.text.split())))


def _a(noun: str) -> str:
    return f"an {noun}" if noun[:1].lower() in "aeiou" or noun.split()[0] in ("X", "SMS", "FAQ", "MMS") else f"a {noun}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
