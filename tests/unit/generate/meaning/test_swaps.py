import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.generate.meaning.swaps import of_swaps


@pytest.mark.parametrize(
    ("draft", "rewrite"),
    [
        ("We bought 12 episodes and the code was used 31 times.", "Thirty-one episodes it was, and the code came up 12 times."),
        ("You have 31 euros left, enough for four lunches.", "That leaves four euros, or 31 lunches."),
        ("Open from ten to two.", "It opens from two to ten."),
        (
            "Ruben repairs the phone on Tuesday. Colin calls you on Friday.",
            "Ruben repairs the phone on Friday. Colin calls you on Tuesday.",
        ),
    ],
)
def test_two_details_in_each_others_place(draft, rewrite):
    found = list(of_swaps(draft, rewrite))
    assert len(found) == 2 and {d.way for d in found} == {"changed"}
    assert {draft[slice(*d.draft)] for d in found if d.draft} == {"".join(draft[slice(*d.draft)]) for d in found if d.draft}


@pytest.mark.parametrize(
    ("draft", "rewrite"),
    [
        ("We bought 12 episodes and the code was used 31 times.", "The code was used 31 times; we had bought 12 episodes."),
        ("Ruben and Colin will come.", "Colin comes, and so does Ruben."),
        ("The price falls from 22 to 20.", "It costs 20 now; it was 22."),
    ],
)
def test_another_order_is_no_swap(draft, rewrite):
    assert list(of_swaps(draft, rewrite)) == []


@given(st.text("ab 12.\n", max_size=60))
def test_a_text_beside_itself_has_no_swap(text):
    assert list(of_swaps(text, text)) == []
