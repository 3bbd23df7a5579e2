import random
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.augment.noise import NOISES, lower_case, no_marks, noisy, number_elsewhere, one_breath, slips

MESSAGE = (
    "Hello, my order number 48213-A has not arrived. I was told Tuesday, and paid 3.50 for the delivery!\n"
    'Can you tell me where the parcel actually is? See https://example.org/Track?x=A. It says "Left at Door". Regards, Jonas'
)
PARTS = st.sampled_from(
    ["order 12-A", "Ticket #993", "no. 7", "3.50", "https://example.org/X.y?A=1", "Anna", "the Parcel", "where", "is it?", "Hello, ",
     "not yet.", "\n", "a@Example.org", '"Left Here."', '"Wait. Then leave!"', "because", "actually", "!", "\u00dc1B", "example.org."]
)  # fmt: skip
MESSAGES = st.lists(PARTS, min_size=1, max_size=12).map(" ".join)


def chance() -> random.Random:
    return random.Random(1)


@given(MESSAGES, st.text(max_size=5))
def test_figures_and_links_stay_and_a_seed_says_the_same_again(message, seed):
    found = noisy(message, seed)
    assert found == noisy(message, seed)
    if found is None:
        return
    text, used = found
    assert text != message and 1 <= len(used) <= 3 and set(used) <= set(NOISES)
    assert Counter(re.findall(r"\d+", text)) == Counter(re.findall(r"\d+", message))
    for link in ("https://example.org/X.y?A=1", "a@Example.org", '"Left Here."', '"Wait. Then leave!"', "3.50", "\u00dc1B"):
        assert text.count(link) == message.count(link)


@given(MESSAGES)
def test_slips_touch_letters_of_small_words_only(message):
    changed = slips(message, chance())
    assert len(changed.split()) == len(message.split())
    for new, old in zip(changed.split(), message.split(), strict=True):
        assert new == old or (new[0] == old[0] and abs(len(new) - len(old)) <= 1 and old.islower())


def test_what_each_kind_does():
    assert lower_case(MESSAGE, chance()).startswith("hello, my order number 48213-A") and "Track?x=A" in lower_case(MESSAGE, chance())
    bare = no_marks(MESSAGE, chance())
    assert "Hello my order" in bare and "3.50 for the delivery\n" in bare and "actually is?" in bare
    assert "\n" not in one_breath(MESSAGE, chance()) and one_breath("One sentence.", chance()) == "One sentence."
    moved = number_elsewhere(MESSAGE, random.Random(3))
    assert "my order has not arrived" in moved and moved.count("48213-A") == 1
    assert {moved.startswith("order number 48213-A\n"), moved.endswith("\norder number 48213-A")} == {True, False}
    many = {slips(MESSAGE, random.Random(n)) for n in range(40)}
    assert len(many) > 10 and all("Jonas" in text and "Tuesday" in text for text in many)


def test_noise_is_two_or_three_kinds_and_every_kind_comes():
    found = [noisy(MESSAGE, str(n)) for n in range(60)]
    assert {len(used) for _, used in filter(None, found)} == {2, 3}
    assert {name for _, used in filter(None, found) for name in used} == set(NOISES)


@pytest.mark.parametrize("message", ["", "   ", "12345", "?", "https://example.org"])
def test_nothing_is_made_of_nothing(message):
    assert noisy(message, "s") is None
