import pytest

from pete.generate.meaning.alignment import Alignment
from pete.generate.meaning.polarity import of_negations


@pytest.mark.parametrize(
    ("draft", "rewrite"),
    [
        ("The trial runs on Tuesdays only and weather permitting.", "The trial can run at any time that isn't a Tuesday."),
        ("The refund will be sent today.", "The refund will not be sent today."),
        ("You are not charged for the second visit.", "You are charged for the second visit."),
        ("There is no logo on the bag.", "There is a logo on the bag."),
        ("Your daughter may come unless she has a fever.", "Your daughter may come with a fever."),
    ],
)
def test_what_one_text_denies_and_the_other_affirms(draft, rewrite, embed):
    assert [d.kind for d in of_negations(Alignment.of(draft, rewrite, embed))] == ["negation"]


@pytest.mark.parametrize(
    ("draft", "rewrite"),
    [
        ("Booking is not necessary on weekdays.", "On weekdays you need not book."),
        ("There is no fee.", "It costs nothing."),
        ("You do not need any experience.", "No experience is needed."),
        ("Only two seats are left.", "There are just two seats left."),
        ("The cause is not yet known.", "We don't know the cause yet."),
    ],
)
def test_the_same_denial_in_other_words(draft, rewrite, embed):
    assert list(of_negations(Alignment.of(draft, rewrite, embed))) == []
