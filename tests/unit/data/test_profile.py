import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.profile import profile_of

TEXTS = [
    ("email", "Thank you for the note. We will look at the boiler on Monday!\n\nKind regards from the yard."),
    ("email", "Thank you for the list. Is it the boiler again?\n\nKind regards from the yard."),
    ("email", "Thank you for the photo \u2014 it helps. The pump is fine; the boiler is not.\n\nKind regards from the yard."),
    ("LinkedIn post", "Boilers are honest."),
]


def test_figures_are_counted():
    found = profile_of(TEXTS)
    assert found.texts == 4 and found.questions == pytest.approx(1 / 10) and found.paragraphs == 2
    assert found.lengths[0][:2] == ("email", 3) and found.lengths[1] == ("LinkedIn post", 1, (3, 3, 3))
    marks = dict(found.marks)
    assert marks["dashes"] == pytest.approx(1000 / 54, rel=0.1) and marks["emoji"] == 0 and marks["semicolons"] > 0
    assert found.openers == (("thank you", 3),) and ("kind regards from the yard", 3) in found.phrases
    assert found.languages == (("English", 3),)


def test_it_reads_as_lines_and_as_a_sentence():
    found = profile_of(TEXTS)
    assert any('"thank you" 3x' in line for line in found.lines()) and "short sentences" in found.in_words()
    assert "no emoji and hashtags" in found.in_words()


@given(st.lists(st.tuples(st.sampled_from(["email", ""]), st.text(max_size=60)), max_size=6))
def test_any_texts_have_one(texts):
    found = profile_of(texts)
    assert found.texts == len(texts) and found.lines() and found.in_words()
