"""Another frame around the same request: "Write a post about rain." and "Could you write a post about rain?" want the same."""

import re

from pete.data.language import language_of
from pete.data.text import sentences_in

_VERB = (
    r"write|draft|create|compose|explain|describe|summari[sz]e|suggest|list|tell (?:me|us)|give (?:me|us)|make|put together"
    r"|come up with|reply to|answer"
)
_WANTED = r"i need|i want|i'd like|i would like|we need|let's have|we'd love|we would love"
_ASKED = tuple(
    re.compile(form, re.IGNORECASE | re.DOTALL)
    for form in (
        rf"(?:please )?(?P<verb>{_VERB}) (?P<rest>.+)",
        rf"(?:can|could|would|will) you (?:please )?(?P<verb>{_VERB}) (?P<rest>.+)",
        rf"(?:{_WANTED}) you to (?P<verb>{_VERB}) (?P<rest>.+)",
        rf"(?:{_WANTED}) (?P<rest>(?:an?|the|some|two|three|four|five|\d+) .+)",
    )
)
_FRAMES = (
    "Can you {verb} {rest}?",
    "Could you please {verb} {rest}?",
    "Please {verb} {rest}.",
    "I'd like you to {verb} {rest}.",
    "I need you to {verb} {rest}.",
    "{Verb} {rest}, please.",
    "{Verb} {rest}.",
    "Would you {verb} {rest}?",
)
_PLEASE = re.compile(r",? please$", re.IGNORECASE)


def paraphrases(prompt: str) -> list[str]:
    """The same request in the frames it does not have yet; none where its first sentence is no request, or it is not English.

    Everything but the frame stays to the letter.
    """
    if language_of(prompt) not in ("", "English"):
        return []
    first = sentences_in(prompt)[0] if prompt.strip() else None
    if first is None or first.start or "\n" in first.text or first.text[-1] not in ".?!":
        return []
    said = first.text[:-1]
    found = next((match for pattern in _ASKED if (match := pattern.fullmatch(said.replace("\u2019", "'")))), None)
    if found is None:
        return []
    rest = _PLEASE.sub("", said[len(said) - len(found["rest"]) :])
    verb = found.groupdict().get("verb") or "give me"
    verb = verb[0].lower() + verb[1:]
    made = [frame.format(verb=verb, Verb=verb[0].upper() + verb[1:], rest=rest) for frame in _FRAMES]
    return [text + prompt[first.end :] for text in made if text.lower() != first.text.lower()]
