"""What a prompt that a model wrote must hold against its text: nothing copied, nothing invented, short, in the text's language."""

import re
from collections.abc import Iterator
from enum import StrEnum

from pete.data.artefacts import control_in
from pete.data.language import language_of
from pete.data.text import Corpus, lines_in, list_items, sentences, sentences_in, visible, words, words_in
from pete.generate.facts import holds
from pete.generate.pairs.tries import Objection
from pete.generate.request_parsing import NUMBERS, facts_asked, length_asked, without_lengths

SENTENCES = 3
LONGEST = 90
"""Words of a prompt; what is longer than an order tells the text again."""
SHARED = 5
"""Words in a row that a prompt and its text may share."""


class Refusal(StrEnum):
    """Why a prompt is not kept; the value is what the summary says."""

    NOTHING = "no request came back"
    SENTENCES = f"more than {SENTENCES} sentences, or {LONGEST} words"
    ABOUT = "speaks of the text in place of asking for it"
    COPIED = f"more than {SHARED} words in a row from the text"
    INVENTED = "a figure, name, date or link that the text does not have"
    LENGTH = "asks for another length than the text has"
    LANGUAGE = "in another language than the text"
    TAKEN = "stands before another text, or in the evaluation, already"
    NOT_FIRST = "another prompt fits the text better"


ABOUT = re.compile(
    r"\b(?:this|th(?:e|is) (?:above|given|following|provided|original|attached)) "
    r"(?:text|passage|post|article|e-?mail|message|piece|request)\b"
    r"|\bas an ai\b|\bhere(?:'s| is) (?:a|the|your) (?:request|prompt)\b|\b(?:text|marks) (?:above|below)\b",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"https?://[^\s\"'<>)\]]+|www\.[^\s\"'<>)\]]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?<!\w)[#@]\w+|\b[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[^\W\d_][\w&]*(?:[-.][^\W\d_][\w]*)*(?:['\u2019]\w+)?")
_SPOKEN = frozenset(("I", "I'm", "I've", "I'd", "I'll"))
_QUOTED = re.compile(r"[\"\u201c\u201e\u00ab]([^\"\u201c\u201d\u201e\u00ab\u00bb\n]{2,})[\"\u201d\u201c\u00bb]")


def objection(prompt: str, text: str, known: str = "") -> Objection | None:
    """What is wrong with a prompt for a text; None where nothing is.

    Args:
        prompt: as the writer gave it, cleaned.
        text: the answer to be.
        known: what else is known of the text and may be said: kind, title, the prompt by rule.
    """
    if not visible(prompt) or not words(prompt) or control_in(prompt):
        return Objection(Refusal.NOTHING)
    if len(sentences(prompt)) > SENTENCES or len(prompt.split()) > LONGEST:
        return Objection(Refusal.SENTENCES)
    if about := ABOUT.search(prompt):
        return Objection(Refusal.ABOUT, about.group())
    said, spoken = words_in(prompt), Corpus([words(text)]).spans(words(prompt), SHARED + 1)
    if spoken:
        return Objection(Refusal.COPIED, prompt[said[spoken[0].first].start : said[spoken[0].last - 1].end])
    languages = language_of(prompt), language_of(text)
    if all(languages) and languages[0] != languages[1]:
        return Objection(Refusal.LANGUAGE, languages[1])
    if wrong := _wrong_length(prompt, text):
        return Objection(Refusal.LENGTH, wrong)
    if invented := next(invented_in(prompt, text, known), None):
        return Objection(Refusal.INVENTED, invented)
    return None


def invented_in(prompt: str, text: str, known: str = "") -> Iterator[str]:
    """Figures, numbers in words, names, quotations and links of a prompt that neither the text nor what is known of it has."""
    evidence = f"{text}\n{known}"
    low = evidence.casefold()
    links = [hit.group().rstrip(".,;:!?") for hit in _LINK.finditer(prompt)]
    yield from (link for link in links if link.casefold() not in low)
    bare = without_lengths(_LINK.sub(" ", prompt))
    counts = {len(part) for part in (list_items(text), lines_in(text), sentences(text), re.split(r"\n\s*\n", text.strip()))}
    numbers = [word.text for word in words_in(bare) if NUMBERS.get(word.text, 0) > 1 and NUMBERS[word.text] not in counts]
    yield from (fact for fact in (*_figures(bare), *numbers) if not holds(evidence, fact))
    yield from (quoted for quoted in _QUOTED.findall(bare) if " ".join(words(quoted)) not in " ".join(words(evidence)))
    if language_of(prompt) != "German":  # where every noun has a capital, none of them tells a name
        there = set(words(evidence))
        yield from (name for name in _names(bare) if not holds(evidence, name) and not set(words(name)) <= there)


def _figures(prompt: str) -> list[str]:
    return [fact for fact in facts_asked(prompt) if fact[:1].isdigit()]


def _names(prompt: str) -> Iterator[str]:
    """Words with a capital that no sentence begins with; and its first word where more than the place gives it one."""
    for sentence in sentences_in(prompt):
        tokens = _TOKEN.findall(sentence.text)
        for number, token in enumerate(tokens):
            if not token[0].isupper() or token.replace("\u2019", "'") in _SPOKEN:
                continue
            name = re.sub(r"['\u2019]s$", "", token)
            follows = number + 1 < len(tokens) and tokens[number + 1][0].isupper() and tokens[number + 1] not in _SPOKEN
            if number or name != token or (follows and name.casefold() not in _OPENERS) or (len(name) > 1 and not name[1:].islower()):
                yield name


_OPENERS = frozenset(
    ("write", "draft", "give", "make", "put", "create", "compose", "tell", "explain", "describe", "share", "say", "post", "reply", "answer",
     "please", "for", "in", "on", "about")
)  # fmt: skip
"""First words of requests, which a name may follow."""


def _wrong_length(prompt: str, text: str) -> str:
    """The length asked for that the text does not have; it may be off by what "about" allows."""
    asked = length_asked(prompt)
    has = {
        "words": len(text.split()), "characters": len(text), "lines": len(lines_in(text)), "items": len(list_items(text) or lines_in(text)),
    }  # fmt: skip
    for name, count in has.items():
        bounds = getattr(asked, name)
        if bounds and not bounds[0] <= count <= bounds[1]:
            return f"{count} {name}"
    return ""
