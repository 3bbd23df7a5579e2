import pytest

from pete.data.authors import EVERYBODY, Authors, listed, same_name
from pete.data.sources.record import Record


def record(*names, own=None):
    return Record(text="A text.", where="a:1", author=names, own=own)


ADA, OLU = record("ada@example.org", "Ada Example"), record("olu@example.org", "Olu")


def test_one_author_needs_no_question():
    authors = Authors()
    assert authors.wrote(ADA) and authors.wrote(record()) and authors.wrote(record("x", own=True)) and authors.undecided == []


def test_several_are_undecided_with_their_counts():
    authors = Authors()
    for one in (OLU, ADA, ADA):
        authors.wrote(one)
    assert [(author.names[0], author.texts) for author in authors.undecided] == [("ada@example.org", 2), ("olu@example.org", 1)]
    assert listed(authors.undecided) == ["      2  ada@example.org (Ada Example)", "      1  olu@example.org (Olu)"]


@pytest.mark.parametrize("name", ["ada@example.org", "ADA  example", "<Ada@Example.org>", "mailto:ada@example.org"])
def test_an_author_is_known_by_any_name(name):
    authors = Authors([name])
    assert authors.wrote(ADA) and not authors.wrote(OLU) and authors.missing == [] and authors.undecided == []


def test_what_the_format_knows_comes_first():
    authors = Authors(["ada@example.org"])
    assert authors.wrote(record("somebody else", own=True)), "the owner's, by another name"
    assert authors.wrote(record("ada@example.org", own=False)), "named by the person"
    assert not Authors().wrote(record("ada@example.org", own=False))


def test_everybody_is_a_choice_but_not_those_whom_the_format_knows_as_others():
    authors = Authors([EVERYBODY])
    assert authors.wrote(ADA) and authors.wrote(OLU) and not authors.wrote(record("x", own=False)) and authors.missing == []


def test_who_wrote_nothing_is_missing():
    authors = Authors(["adda@example.org"])
    authors.wrote(ADA)
    assert authors.missing == ["adda@example.org"] and authors.all[0].names[0] == "ada@example.org"


def test_names_are_compared_without_dress():
    assert same_name(" @Ada ") == "ada" and same_name("Zoe\u0308") == same_name("Zo\u00eb")
