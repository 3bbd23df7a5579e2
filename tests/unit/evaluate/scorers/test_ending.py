import pytest

from pete.evaluate.scorers.ending import Ending
from tests.unit.evaluate.conftest import sample


@pytest.mark.parametrize(
    ("text", "stop", "bad"),
    [
        ("We open at nine.", "end", 0),
        ("We open at nine and", "end", 1),
        ("We open at nine and close at", "end", 1),
        ("We open at nine.", "length", 1),
        ("Dear Ms Brandl,\n\nThe tapirs are well.\n\nTove Lindqvist", "end", 0),
        ("The last dry bench in town", "end", 0),
        ("It was clear to everyone in the room that the next thing we would have to decide is whether", "end", 1),
        ("- nails\n- screws\n- patience", "end", 0),
        ("", "end", 0),
    ],
)
def test_ending(text, stop, bad):
    assert Ending().score(sample(text, stop=stop))["any"] == bad
