"""A draft in, the same in the author's voice: what is asked, how often, and what becomes of each block."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pete.config import GenerateConfig
from pete.data.examples import Message
from pete.data.language import in_another, language_of
from pete.data.passages import Fullness
from pete.data.rewriting import rewrite_request
from pete.data.text import sentences_in, size, visible, words
from pete.errors import UserError
from pete.generate.choose import Voice
from pete.generate.rewrite.choose import Chosen, Compare, Draw, Fact, Stayed, Strength, choose, facts_of
from pete.generate.rewrite.markup import addresses, without_marks
from pete.generate.rewrite.passages import Passage, Replacement, passages, replaced
from pete.generate.rewrite.prose import Block, blocks
from pete.generate.rewrite.rounds import LEAST, Rounds
from pete.generate.stream import Tuned
from pete.words import and_between

ROOM, MORE = 1.5, 32
"""A rewrite may take so many times its draft's tokens, and so many more."""
SIDE_BY_SIDE = 16
"""Rewrites that are drawn together by an engine whose rows do not wait for each other: each holds room for a whole passage."""
NO_PARAGRAPH = "its rewrite would be no paragraph any more"


@dataclass(frozen=True)
class Plan:
    """A text before anything is asked."""

    blocks: tuple[Block, ...]
    passages: tuple[Passage, ...]
    """What is put before the model, in the text's order."""
    stayed: tuple[Stayed, ...]
    """What can be seen beforehand to stay."""
    markdown: bool

    @property
    def words(self) -> int:
        """Words that are put before the model."""
        return sum(size(words(passage.text)) for passage in self.passages)


@dataclass(frozen=True)
class Written:
    """A block, and what became of it."""

    draft: str
    text: str
    kept: str
    """Why it was kept from the model; nothing for prose."""
    stayed: tuple[Stayed, ...] = ()


@dataclass(frozen=True)
class Rewritten:
    """A text with all that became of it."""

    blocks: tuple[Written, ...]
    facts: tuple[Fact, ...]
    sentences: int
    """Of its prose; what could be seen beforehand to stay counts as one, as it does among those that stayed."""
    unchanged_passages: int
    """Passages of which nothing was taken."""

    @property
    def text(self) -> str:
        """The rewrite, with everything around the prose as it was."""
        return "".join(block.text for block in self.blocks)

    @property
    def stayed(self) -> tuple[Stayed, ...]:
        """The sentences that stayed."""
        return tuple(one for block in self.blocks for one in block.stayed)

    @property
    def had_to_stay(self) -> bool:
        """Whether a rewrite was refused, or a passage came back as it was."""
        return self.unchanged_passages > 0 or any(one.forced for one in self.stayed)

    def record(self) -> dict[str, Any]:
        """What became of it, without the text."""
        return {
            "sentences": self.sentences,
            "kept": [{"kind": fact.kind, "text": fact.text} for fact in self.facts if fact.kept],
            "lost": [{"kind": fact.kind, "text": fact.text} for fact in self.facts if not fact.kept],
            "stayed": [{"text": one.text, "why": one.why, "had_to": one.forced} for one in self.stayed],
            "had_to_stay": self.had_to_stay,
        }


def prose_of(text: str, *, markdown: bool) -> list[Block]:
    """The blocks of a text; raises UserError where none of them is prose."""
    if not visible(text):
        raise UserError("The text is empty.", 'pete rewrite FILE; or: echo "We open on Tuesdays." | pete rewrite')
    parts = blocks(text, markdown=markdown)
    if not any(block.prose for block in parts):
        found = sorted({block.kept for block in parts} - {"space", "markup"}) or ["markup"]
        raise UserError(
            f"There is no prose in this text, nothing but {and_between(found)}.",
            "Pete rewrites paragraphs and longer list items, and leaves code, tables, headings and quotations alone",
        )
    return parts


@dataclass(frozen=True)
class Rewriter:
    """A run's model with all that its rewrites are judged by."""

    tuned: Tuned
    compare: Compare
    voice: Voice | None
    """How much a text sounds like the author; None where there is too little of him."""
    fullness: Fullness
    """Of the longest draft that the run was trained on."""
    languages: frozenset[str]
    """What the author writes in, where that could be told."""

    def plan(self, text: str, *, markdown: bool = True) -> Plan:
        """What of a text is put before the model.

        Raises:
            UserError: there is nothing to rewrite, or it is in a language that the author never wrote.
        """
        parts = prose_of(text, markdown=markdown)
        said = " ".join(without_marks(block.text) for block in parts if block.prose)
        if self._foreign(said):
            language = language_of(said)
            raise UserError(
                f"This text is in {language + ', which the author never wrote' if language else 'a language that the author never wrote'}: "
                f"the run learned {and_between(sorted(self.languages))}.",
                "give a draft in a language that the run learned",
            )
        found, too_long = passages(parts, self.fullness)
        stayed = [
            Stayed(number, parts[number].text, "a sentence of it is longer than any that the run was trained on", True)
            for number in too_long
        ]
        asked = []
        for passage in found:
            if self._foreign(passage.text):
                stayed.append(Stayed(passage.block, passage.text, "it is in another language than the author's", True))
            elif size(words(passage.text)) >= LEAST:
                asked.append(passage)
        return Plan(tuple(parts), tuple(asked), tuple(stayed), markdown)

    def conversation(self, draft: str) -> list[Message]:
        """What the model is asked: the same as in training."""
        return [Message("user", rewrite_request(draft))]

    def sampling(self, passage: Passage, strength: Strength) -> GenerateConfig:
        """How each rewrite of a passage is drawn."""
        renderer = self.tuned.renderer
        longest = min(renderer.context // 2, int(ROOM * len(renderer.encode(passage.text))) + MORE)
        return strength.sampling(self.tuned.config.generate).model_copy(update={"max_new_tokens": longest})

    def draw(self, passage: Passage, strength: Strength) -> list[Draw]:
        """Rewrites of a passage, drawn side by side."""
        rounds, sampling = Rounds(passage.text, strength.draws), self.sampling(passage, strength)
        asked = [self.conversation(text) for text in rounds.texts]
        size = len(asked) if self.tuned.engine.queues else SIDE_BY_SIDE
        said: list[Draw] = []
        for start in range(0, len(asked), size):
            drawn = self.tuned.ask(asked[start : start + size], sampling.model_copy(update={"seed": sampling.seed + start}))
            said += [Draw(answer.text, answer.stop) for answer in drawn]
        return rounds.draws(said)

    def choose(self, passage: Passage, draws: Sequence[Draw], strength: Strength) -> Chosen:
        """What of them is taken."""
        return choose(passage, draws, self.compare, self.voice, strength)

    def _foreign(self, text: str) -> bool:
        return bool(self.languages) and all(in_another(text, language) for language in self.languages)


def certain(plan: Plan, chosen: Sequence[Chosen]) -> list[Written]:
    """The blocks that no passage beyond those that were chosen can change, from the first on."""
    end = plan.passages[len(chosen)].block if len(chosen) < len(plan.passages) else len(plan.blocks)
    shown = {number: one for passage in plan.passages for number, one in zip(passage.numbers, passage.shown, strict=True)}
    made, stayed = defaultdict[int, list[Replacement]](list), defaultdict[int, list[Stayed]](list)
    for one in (one for each in chosen for one in each.replacements):
        made[one.block].append(one)
    for one in (*plan.stayed, *(one for each in chosen for one in each.stayed)):
        stayed[one.block].append(one)
    found = []
    for number, block in enumerate(plan.blocks[:end]):
        mine, here = made[number], tuple(stayed[number])
        text = replaced(shown[number], mine) if mine else block.text
        if mine and _shape(text, plan) != _shape(block.text, plan):
            known = {one.text: one for one in here}
            put_back = (known.get(s.text, Stayed(number, s.text, NO_PARAGRAPH, True)) for s in sentences_in(shown[number].text))
            text, here = block.text, tuple(put_back)
        found.append(Written(block.text, text, block.kept, here))
    return found


def _shape(text: str, plan: Plan) -> list[bool]:
    return [block.prose for block in blocks(text, markdown=plan.markdown)]


def rewritten(plan: Plan, chosen: Sequence[Chosen]) -> Rewritten:
    """The whole text, once there is a choice for every passage."""
    parts = tuple(certain(plan, chosen))
    put_back = {number for number, part in enumerate(parts) if part.text == part.draft}
    facts: list[Fact] = []
    for passage, each in zip(plan.passages, chosen, strict=True):
        if any(one.block in put_back for one in each.replacements):
            facts += facts_of(passage.text, "\n\n".join(without_marks(parts[number].text) for number in passage.numbers))
        else:
            facts += each.facts
    facts += [Fact("link", address, address in part.text) for part in parts if not part.kept for address in addresses(part.draft)]
    return Rewritten(
        parts,
        tuple(dict.fromkeys(facts)),
        sum(each.sentences for each in chosen) + len(plan.stayed),
        sum(all(one.block in put_back for one in each.replacements) for each in chosen),
    )
