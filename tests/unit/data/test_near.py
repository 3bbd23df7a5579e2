import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pete.data import near
from pete.data.near import LEAST, SIMILAR, Near

WORDS = [
    f"{a}{b}{c}"
    for a in ("ket", "pos", "lan", "tru", "mo", "bri", "ha", "we", "dis")
    for b in ("ti", "le", "ra", "no", "ke", "su")
    for c in ("ng", "s", "der", "m", "ck", "lf", "pt")
]


def prose(seed: int, words: int = 60) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words)).capitalize() + "."


def changed(text: str, every: int) -> str:
    return " ".join("otherwise" if n % every == every // 2 else word for n, word in enumerate(text.split()))


def test_edited_copies_are_found_and_strangers_are_not():
    texts = [prose(n) for n in range(300)]
    texts[40] = changed(texts[7], 20)
    texts[200] = texts[7].upper().replace(" ", "\n", 3)
    found = Near(texts)
    assert found.groups == [[7, 40, 200]]
    assert 0.7 < found.similarity(7, 40) < 0.98 and found.similarity(7, 200) == 1.0


def jaccard(one: str, other: str) -> float:
    first, second = ({text.lower()[at : at + 5] for at in range(len(text) - 4)} for text in (one, other))
    return len(first & second) / len(first | second)


@pytest.mark.parametrize(("every", "together"), [(30, True), (14, True), (2, False)])
def test_the_border_is_where_it_is_said_to_be(every, together):
    pairs = [(prose(n, 80), changed(prose(n, 80), every)) for n in range(40)]
    assert all((jaccard(*pair) > SIMILAR) == together for pair in pairs)
    found = Near([text for pair in pairs for text in pair])
    assert len(found.groups) == (40 if together else 0)
    errors = [abs(found.similarity(*group) - jaccard(*pair)) for group, pair in zip(found.groups, pairs, strict=False)]
    assert not errors or np.mean(errors) < 0.05


def test_short_texts_are_not_compared():
    assert Near(["Thing 1 is plain.", "Thing 2 is plain.", "Thing 2 is plain."]).groups == []
    long = "Thing number 1 is plain and it is the marketing that makes it so, or so they say here."
    assert len(long) >= LEAST and Near([long, long.replace("1", "2")]).groups == [[0, 1]]


@given(st.lists(st.sampled_from([prose(1), changed(prose(1), 25), prose(2), prose(3), prose(2).lower()]), max_size=12), st.randoms())
@settings(max_examples=25, deadline=None)
def test_the_order_of_the_texts_makes_no_difference(texts, chance):
    order = list(range(len(texts)))
    chance.shuffle(order)
    turned = [sorted(order[n] for n in group) for group in Near([texts[n] for n in order]).groups]
    assert sorted(turned) == Near(texts).groups


def test_many_texts_are_hashed_in_pieces_that_fit_together(monkeypatch):
    texts = [prose(n, 40) for n in range(30)] + [changed(prose(3, 40), 20)]
    whole = Near(texts).groups
    monkeypatch.setattr(near, "CHUNK", 900)
    assert Near(texts).groups == whole == [[3, 30]]
