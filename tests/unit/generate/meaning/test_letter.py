import pytest

from pete.generate.meaning.letter import of_details


@pytest.mark.parametrize(
    ("draft", "rewrite", "found"),
    [
        ("It takes 10 minutes.", "Ten minutes is all it takes.", []),
        ("It takes 10 minutes.", "It takes 10 hours.", [("figure", "changed")]),
        ("It takes 10 minutes.", "It takes 20 minutes.", [("figure", "lost"), ("figure", "added")]),
        ("We met on Tuesday.", "We met on Wednesday.", [("date", "lost"), ("date", "added")]),
        ("Then Ruben called.", "Then Derek called.", [("name", "lost"), ("name", "added")]),
        ("See example.org for it.", "See it.", [("link", "lost")]),
        ('Reply "list them" now.', "Say list them.", []),
    ],
)
def test_details_are_kept_to_the_letter(draft, rewrite, found):
    assert [(d.kind, d.way) for d in of_details(draft, rewrite)] == found
