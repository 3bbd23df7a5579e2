"""Rounds of asking for a passage: all of it some times, and as often sentence by sentence; of each round comes a rewrite of the whole.

A small model keeps the facts of a sentence better than those of a page, and says a page more freely than its sentences. The guard
takes the best pieces of all. See docs/log.md for what each is worth.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pete.data.text import Span, sentences_in, size, words
from pete.generate.rewrite.choose import Draw, unmarked

LEAST = 3
"""Words of a passage or sentence below which there is nothing to rewrite: a greeting, a name."""
_FIELD = re.compile(r"(?:Subject|Re|To|From|Cc|Date|Betreff|Objet|Asunto|Oggetto|Onderwerp|Q|A):[ \t]+(?=\S)", re.IGNORECASE)


@dataclass(frozen=True)
class Rounds:
    """`times` rounds of a passage as a whole, and as many of its sentences."""

    text: str
    times: int

    @property
    def sentences(self) -> list[Span]:
        """Those that are asked by themselves; none where the passage is a single one."""
        found = [_said(one) for one in sentences_in(self.text)]
        return [one for one in found if size(words(one.text)) >= LEAST] if len(found) > 1 else []

    @property
    def sentence_texts(self) -> list[str]:
        """What is asked beside the whole, in order; the whole once more where it has no sentences."""
        return ([one.text for one in self.sentences] or [self.text]) * self.times

    @property
    def texts(self) -> list[str]:
        """All that is asked, in order."""
        return [self.text] * self.times + self.sentence_texts

    def draws(self, answers: Sequence[Draw]) -> list[Draw]:
        """Rewrites of the whole from the answers to `texts`."""
        return [*answers[: self.times], *self.joined(answers[self.times :])]

    def joined(self, answers: Sequence[Draw]) -> list[Draw]:
        """Rewrites of the whole from the answers to `sentence_texts`: each sentence's answer in its place."""
        sentences = self.sentences
        if not sentences:
            return list(answers)
        rounds = [answers[start : start + len(sentences)] for start in range(0, len(answers), len(sentences))]
        return [Draw(self._with(sentences, answered), "end") for answered in rounds]

    def _with(self, sentences: Sequence[Span], answers: Sequence[Draw]) -> str:
        out, done = "", 0
        for sentence, answer in zip(sentences, answers, strict=True):
            said = " ".join(answer.text.split()) if answer.ended else ""  # what was cut off says less than the draft
            out += self.text[done : sentence.start] + (said or sentence.text)
            done = sentence.end
        return out + self.text[done:]


def _said(sentence: Span) -> Span:
    """A sentence behind what marks it: the point of a list, the field of a mail's head. A model leaves that out where it can."""
    said = unmarked(sentence)
    field = _FIELD.match(said.text)
    return Span(said.text[field.end() :], said.start + field.end(), said.end) if field else said
