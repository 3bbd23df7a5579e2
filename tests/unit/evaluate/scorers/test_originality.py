import pytest

from pete.evaluate.scorers.originality import Originality, Source
from tests.unit.evaluate.conftest import PROSE, sample

TRAINING = [
    Source(PROSE, "row 1"),
    Source("The van is late and the driver has gone to look for it on foot in the rain with a torch.", "row 2"),
]


def test_a_copied_row_is_found_and_pointed_at():
    scorer = Originality(TRAINING, [])
    assert scorer.measures == {"author_p99": 0, "limit": 8}
    text = f"As I said before lunch: {PROSE}"
    found = scorer.score(sample(text))
    assert found["any"] == 1 and found["span"] == len(PROSE.split()) and found["covered"] > 0.8 and found["nearest"] > 0.8
    (mark,) = scorer.marks(sample(text))
    assert mark.note == "row 1" and text[mark.start : mark.end].startswith("We spent the morning")


def test_spans_do_not_run_from_one_row_into_the_next():
    last, first = PROSE.split()[-6:], TRAINING[1].text.split()[:6]
    assert Originality(TRAINING, []).score(sample(" ".join(last + first)))["span"] == 6


def test_the_prompts_own_words_may_be_repeated():
    slogan = "the driver has gone to look for it on foot in the rain"
    scorer = Originality(TRAINING, [])
    assert scorer.score(sample(f"Our motto: {slogan}."))["any"] == 1
    assert scorer.score(sample(f"Our motto: {slogan}.", prompt=f"Use the motto '{slogan}'."))["any"] == 0
    assert scorer.marks(sample(f"Our motto: {slogan}.", prompt=f"Use the motto '{slogan}'.")) == []


def test_the_author_sets_the_limit():
    own = [("The van is late and the driver has gone to look for tea.", "?"), ("Nothing in common.", "?")]
    assert Originality(TRAINING, own).limit == 14, "twelve words are shared"
    near = sample("The van is late and the driver has gone to look for tea.")
    assert Originality(TRAINING, own).score(near)["any"] == 0 and Originality(TRAINING, []).score(near)["any"] == 1


@pytest.mark.parametrize("text", ["", "Van.", "Entirely other words."])
def test_little_and_nothing(text):
    assert Originality(TRAINING, []).score(sample(text))["any"] == 0
    assert Originality([], []).score(sample(text)) == {"any": 0, "span": 0, "covered": 0, "nearest": 0}
