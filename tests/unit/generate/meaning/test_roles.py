import pytest

from pete.generate.meaning.alignment import Alignment
from pete.generate.meaning.roles import of_roles


@pytest.mark.parametrize(
    ("draft", "rewrite", "turned"),
    [
        ("We will send you a new lamp today.", "You will send us a new lamp today.", True),
        ("Then Ruben calls Colin about the phone.", "Then Colin calls Ruben about the phone.", True),
        ("We will send you a new lamp today.", "A new lamp leaves us today and reaches you.", False),
        ("Then Ruben calls Colin about the phone.", "Then Colin is called by Ruben about the phone.", False),
        ("We send you the bill and you send us the form.", "You send us the form, and we send you the bill.", False),
    ],
)
def test_who_does_what_to_whom(draft, rewrite, turned, embed):
    assert [d.kind for d in of_roles(Alignment.of(draft, rewrite, embed))] == ["roles"] * turned
