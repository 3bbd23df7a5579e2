import pytest

from pete.generate.facts import holds


@pytest.mark.parametrize(
    ("text", "fact", "kept"),
    [
        ("It costs 1900 for the day.", "1,900", True),
        ("It costs 19,000 for the day.", "1,900", False),
        ("Low tide at 14.20 today.", "14:20", True),
        ("See you at seven.", "7 pm|seven", True),
        ("See you at 17.", "7", False),
        ("Ask for Ms Brandl.", "brandl", True),
        ("The mascots are back.", "mascot", True),
        ("A catalogue of errors.", "catalog", True),
        ("Monday", "Sunday", False),
        ("", "Imke", False),
        ("just nineteen hundred? no: 1900", "1,900", True),
        ("Eight euros.", "8", True),
        ("It is 8.00 euros.", "8", True),
        ("Twenty-five of them, from 7.", "25", True),
        ("Twenty-five of them.", "20", False),
        ("Seven days.", "7", True),
        ("At 7.", "seven", True),
        ("18 euros", "8", False),
        ("Call 01632 960 118.", "960", True),
        ("Of 1 900 000 vans", "1,900,000", True),
        ("Ask Brandt", "Brandl", False),
        ("BIG OAK\u2019s garden", "Big Oak", True),
    ],
)
def test_facts_figures_exactly_words_nearly(text, fact, kept):
    assert holds(text, fact) is kept
