"""Comparing a draft and its rewrite, in both directions."""

from collections.abc import Iterator, Sequence

from pete.data.text import words
from pete.engines.sentence import Embed
from pete.generate.meaning.alignment import Alignment, Side, is_telling
from pete.generate.meaning.details import details
from pete.generate.meaning.difference import Aligned, Difference, Kind, Meaning, Place, Sentence, Way
from pete.generate.meaning.letter import of_details
from pete.generate.meaning.parts import Part
from pete.generate.meaning.polarity import of_negations
from pete.generate.meaning.roles import of_roles
from pete.generate.meaning.swaps import of_swaps

SAID: dict[tuple[str, Way], float] = {
    ("sentence", "added"): 0.44,
    ("sentence", "lost"): 0.5,
    ("clause", "added"): 0.55,
    ("clause", "lost"): 0.55,
}
"""Support of a part that the other text says. 95 of 100 sentences, and clauses, of other texts of the same kind have less.

So have 11 of 100 sentences that the author made of a draft, which are his asides, and 8 of 100 of the drafts' own; of clauses 26 and 20.
"""
NEAR = 0.35
"""Cosine of two sentences of which one may say the other."""


def compare(draft: str, rewrite: str, embed: Embed) -> Meaning:
    """How a rewrite stands to its draft: what it lost, added and changed, and which of its sentences may stand.

    Args:
        draft: what was to be said.
        rewrite: what was made of it.
        embed: sentence vectors, such as `pete.engines.sentence.Embedder`.
    """
    both = Alignment.of(draft, rewrite, embed)
    stands_for = _stands_for(both)
    found = [*of_details(draft, rewrite), *of_swaps(draft, rewrite), *_unsaid(both), *of_negations(both), *of_roles(both)]
    found.sort(key=lambda d: (d.rewrite or _beside(d.draft, both, stands_for) or (len(rewrite), 0), d.kind))
    missing = {d.draft for d in found if d.kind == "sentence" and d.way == "lost"}
    there = {_plain(s) for s in both.draft.sentences}
    sentences = []
    for number, sentence in enumerate(both.rewrite.sentences):
        place = (sentence.start, sentence.end)
        owned = tuple(
            (s.start, s.end) for i, s in enumerate(both.draft.sentences) if stands_for[i] == number and (s.start, s.end) not in missing
        )
        unchanged = _plain(sentence) in there
        against = any(_in(d.rewrite, place) or (d.rewrite is None and any(_in(d.draft, one) for one in owned)) for d in found)
        sentences.append(Sentence(*place, owned, not against, unchanged))
    aligned = [
        Aligned((s.start, s.end), (t.start, t.end), float(both.cosines[i, j]))
        for i, s in enumerate(both.draft.sentences)
        for j, t in enumerate(both.rewrite.sentences)
        if both.cosines[i, j] >= NEAR and (stands_for[i] == j or both.cosines[:, j].argmax() == i)
    ]
    facts = len({(d.kind, d.value) for d in details(draft) if d.asked})
    return Meaning(tuple(found), tuple(sentences), tuple(sorted(m for m in missing if m)), tuple(aligned), facts)


def _stands_for(both: Alignment) -> list[int]:
    """For each sentence of the draft the number of the rewrite's sentence that says it; -1 for none."""
    return [number if both.cosines[i, number] >= NEAR else -1 for i, number in enumerate(both.nearest())] or [-1] * len(
        both.draft.sentences
    )


def _unsaid(both: Alignment) -> Iterator[Difference]:
    """Sentences and clauses of either text that the other does not say."""
    directions: tuple[tuple[Side, Side, Way], ...] = ((both.draft, both.rewrite, "lost"), (both.rewrite, both.draft, "added"))
    for side, other, way in directions:
        whole = set()
        for part in _unsupported(both, side.sentences, other, SAID["sentence", way]):
            whole.add(part.sentence)
            yield _difference("sentence", way, part)
        for part in _unsupported(both, side.clauses, other, SAID["clause", way]):
            if part.sentence not in whole:
                yield _difference("clause", way, part)


def _unsupported(both: Alignment, parts: Sequence[Part], other: Side, least: float) -> list[Part]:
    telling = [part for part in parts if is_telling(part)]
    return [part for part, support in zip(telling, both.support(telling, other), strict=True) if support < least]


def _difference(kind: Kind, way: Way, part: Part) -> Difference:
    place = (part.start, part.end)
    if way == "lost":
        return Difference(kind, way, f"the rewrite does not say: {part.text}", place, None)
    return Difference(kind, way, f"the draft does not say: {part.text}", None, place)


def _beside(place: Place | None, both: Alignment, stands_for: list[int]) -> Place | None:
    """Where in the rewrite something of the draft belongs."""
    for i, sentence in enumerate(both.draft.sentences):
        if _in(place, (sentence.start, sentence.end)) and stands_for[i] >= 0:
            part = both.rewrite.sentences[stands_for[i]]
            return part.start, part.end
    return None


def _in(inner: Place | None, outer: Place) -> bool:
    return inner is not None and inner[0] < outer[1] and outer[0] < inner[1]


def _plain(part: Part) -> str:
    return " ".join(words(part.text))
