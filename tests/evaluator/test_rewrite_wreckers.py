"""The examination of what compares a draft and its rewrite: damage is seen, and what the author made of it is not called damage."""

import pytest

from pete.engines.sentence import Embedder
from pete.generate.meaning import compare
from tests.evaluator.rewrite_wreckers import WRECKS, Pair, bundled_pairs, rates, refused_by_words

UNSEEN = 0.2
"""Share of a wreck that may go unseen, or one of it, in so few rewrites close to their drafts. Of all 371 pairs: docs/log.md."""


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    """Short ones, evenly chosen: every new sentence costs a pass of the sentence model."""
    short = sorted((p for p in bundled_pairs(("plain",)) if 25 < len(p.draft.split()) < 70), key=lambda p: p.key)
    return short[:: len(short) // 12][:12]


def test_damage_is_seen(pairs: list[Pair], embedder: Embedder):
    found = rates(pairs, embedder, own=False)
    assert len(found) >= 7 and found.keys() <= {wreck.__name__ for wreck in WRECKS}
    assert {name: count for name, count in found.items() if count[1] - count[0] > max(1, UNSEEN * count[1])} == {}


def test_a_word_that_was_put_in_or_exchanged_is_refused_by_words_alone():
    found = refused_by_words(bundled_pairs(("plain",)))
    for name in ("word_added", "word_exchanged", "weekday_moved", "name_swapped", "unit_changed"):
        refused, wrecked = found[name]
        assert wrecked > 20 and refused >= 0.95 * wrecked, name


def test_a_draft_differs_in_nothing_from_itself(pairs: list[Pair], embedder: Embedder):
    assert [pair.key for pair in pairs if not compare(pair.draft, pair.draft, embedder).same] == []


def test_most_of_what_the_author_made_of_a_draft_may_stand(pairs: list[Pair], embedder: Embedder):
    sentences = [s for pair in pairs[::3] for s in compare(pair.draft, pair.text, embedder).sentences]
    assert sum(s.may_stand for s in sentences) > 0.6 * len(sentences) > 0
