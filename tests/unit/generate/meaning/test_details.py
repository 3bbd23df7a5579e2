import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.generate.meaning.details import details


def found(text, kind):
    return [detail.value for detail in details(text) if detail.kind == kind and detail.asked]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("10,000 mm, 340 g and 95 euros", ["10000", "340", "95"]),
        ("nineteen rooms, twenty-one beds, 3.50 a night", ["19", "21", "3.50"]),
        ("at 14:15 or 14.15", ["14.15", "14.15"]),
        ("call 555-0142 before the 30th", ["555-0142", "30"]),
        ("from 3.7 to 4.4 million, two hundred people", ["3.7", "4400000", "200"]),
        ("one of them came twice", []),
        ("8.00 and eight", ["8", "8"]),
    ],
)
def test_figures(text, values):
    assert found(text, "figure") == values


def test_a_figure_has_its_unit():
    units = {detail.value: detail.unit for detail in details("340 g, 41 km, $95, 20%, ten minutes, 12 episodes, 5 per cent")}
    assert units == {"340": "g", "41": "km", "95": "dollar", "20": "percent", "10": "minute", "12": "", "5": "percent"}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("On Tuesdays and on Wed, in March", ["tuesday", "wednesday", "march"]),
        ("You may march in the sun", []),
        ("by May 3 and in June", ["may", "june"]),
        ("Tomorrow and today", []),
    ],
)
def test_dates(text, values):
    assert found(text, "date") == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Then Ruben calls Jo Hanley's office. We wait, and I'm glad.", ["ruben", "jo", "hanley"]),
        ("Soup Until Two Every Day", []),
        ("The VAT number failed.", ["vat"]),
        ("Please wait. Thank you.", []),
        ("Wir haben die Rechnung und das Fahrrad nicht in der Stadt.", []),
    ],
)
def test_names(text, values):
    assert found(text, "name") == values


def test_links_and_quotations():
    text = 'Write "send it back" to help@example.org or see https://example.org/a?b=1.'
    assert found(text, "link") == ["help@example.org", "https://example.org/a?b=1"]
    assert found(text, "quotation") == ["send it back"]


@given(st.text(max_size=300))
def test_details_lie_in_their_text(text):
    for detail in details(text):
        assert 0 <= detail.start < detail.end <= len(text) and detail.value
