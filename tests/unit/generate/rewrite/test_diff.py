import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.generate.rewrite.diff import in_brackets, word_diff

TEXTS = st.lists(st.sampled_from(["tea", "pot", "it's", "3.50", " ", "  ", "\n", ".", ", ", "-", "\u2014", "\u8336"]), max_size=20).map(
    "".join
)


@given(TEXTS, TEXTS)
def test_both_texts_are_in_the_diff(draft, rewrite):
    changes = word_diff(draft, rewrite)
    assert "".join(change.gone for change in changes) == draft and "".join(change.new for change in changes) == rewrite
    assert draft != rewrite or all(change.same for change in changes)
    assert not any(a.same == b.same for a, b in itertools.pairwise(changes)), "stretches of one kind are one"


@pytest.mark.parametrize(
    ("draft", "rewrite", "shown"),
    [
        ("We open at 9.30.", "We open at 10.30.", "We open at [-9.30-]{+10.30+}."),
        ("It is not open.", "It isn't open.", "It [-is not-]{+isn't+} open."),
        ("Please do come in.", "Come in.", "[-Please do come-]{+Come+} in."),
        ("Same.", "Same.", "Same."),
        ("", "New", "{+New+}"),
        ("Old", "", "[-Old-]"),
        ("a b c d e", "v b x d z", "[-a-]{+v+} b [-c-]{+x+} d [-e-]{+z+}"),
    ],
)
def test_whole_words_change(draft, rewrite, shown):
    assert in_brackets(word_diff(draft, rewrite)) == shown
