import pytest

from pete.evaluate.scorers.degenerate import Degenerate, tail_loop
from tests.unit.evaluate.conftest import PROSE, sample


@pytest.mark.parametrize(
    ("text", "empty", "loop"),
    [
        ("", 1, 0),
        ("  \n", 1, 0),
        ("Delightful " * 40, 0, 1),
        ("Buy one get one. " * 12, 0, 1),
        (PROSE, 0, 0),
        (PROSE + " And so on and so on and so on and so on and so on.", 0, 1),
        ("Ten minutes in your socks.", 0, 0),
        ("No. No. No.", 0, 0),
    ],
)
def test_loops_and_silence(text, empty, loop):
    assert Degenerate().score(sample(text)) == {"any": float(max(empty, loop)), "empty": float(empty), "loop": float(loop)}


def test_a_tail_that_goes_round():
    assert tail_loop(list("abcdefefef")) == pytest.approx(0.4)
    assert tail_loop(list("abcde")) == 0 and tail_loop([]) == 0
    assert tail_loop(["we", "sell", "tea", "and"] * 2) == 0.5


def test_what_goes_round_is_marked_from_the_second_time_on():
    text = "We meet on Tuesday again. We meet on Tuesday again. We meet on Tuesday again. So there."
    (found,) = Degenerate().marks(sample(text))
    assert text[: found.start] == "We meet on Tuesday again. " and text[found.end :] == ". So there."
    assert not Degenerate().marks(sample("We meet on Tuesday, and on Tuesday we meet.")), "a refrain that is let pass"
    assert not Degenerate().marks(sample(""))
