import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pete.monitor.chart import Marks, chart

FALLING = [(float(step), 4 * math.exp(-step / 300) + 2) for step in range(1, 1001)]
reasonable = st.floats(-1e12, 1e12, allow_nan=False)


def plain(lines):
    return [line.plain for line in lines]


def test_a_falling_line_falls():
    drawn = plain(chart(FALLING, 70, 14, style="cyan"))
    assert len(drawn) == 14
    tops = [next(i for i, line in enumerate(drawn) if line[column] not in " │┤") for column in (8, 20, 40, 68)]
    assert tops == sorted(tops) and tops[0] <= 2 and tops[-1] == 11
    assert sum(any(0x2800 < ord(c) <= 0x28FF for c in line) for line in drawn) >= 11, "joined from top to bottom"


def test_the_axes_carry_numbers_at_their_places():
    drawn = plain(chart(FALLING, 70, 14, style="cyan"))
    values = {float(line.split("┤")[0]): i for i, line in enumerate(drawn) if "┤" in line}
    assert len(values) >= 3 and sorted(values, reverse=True) == sorted(values, key=values.__getitem__)
    assert drawn[-2].strip().startswith("└") and drawn[-1].split() == ["0", "200", "400", "600", "800", "1,000"]
    for label in ("200", "600"):
        at = drawn[-1].index(label) + 1
        assert "┴" in drawn[-2][at - 1 : at + 2]


def test_marks_lie_over_the_line_and_the_best_stands_out():
    points = [(float(s), 3.0 - s / 1000) for s in range(0, 1001, 100)]
    lines = chart(FALLING, 70, 14, style="cyan", marks=Marks(points, "◆", "magenta", points[-2], "★"))
    text = "\n".join(plain(lines))
    assert text.count("◆") == 10 and text.count("★") == 1


def test_many_marks_do_not_become_a_bar():
    points = [(float(s), 3.0) for s in range(1, 1001)]
    text = "\n".join(plain(chart(FALLING, 70, 14, style="cyan", marks=Marks(points, "◆", "m", points[500], "★"))))
    assert 10 < text.count("◆") < 25 and text.count("★") == 1


@pytest.mark.parametrize("points", [[(5.0, 1.0)], [(1.0, 0.0), (2.0, 0.0)], [(1.0, -3.0), (2.0, -3.0)]])
def test_one_value_is_drawn_too(points):
    drawn = plain(chart(points, 40, 8, style="cyan"))
    assert len(drawn) == 8 and any(0x2800 < ord(c) <= 0x28FF for line in drawn for c in line)
    assert sum("┤" in line for line in drawn) >= 2


@pytest.mark.parametrize(("points", "width", "height"), [([], 80, 20), (FALLING, 19, 20), (FALLING, 80, 3)])
def test_no_room_or_no_point_is_no_chart(points, width, height):
    assert chart(points, width, height, style="cyan") == []


@given(
    st.lists(st.tuples(st.floats(0, 1e9), reasonable), max_size=60),
    st.lists(st.tuples(st.floats(0, 1e9), reasonable), max_size=60),
    st.integers(0, 120),
    st.integers(0, 40),
)
def test_any_points_stay_within_the_size(line, marks, width, height):
    best = random.Random(len(marks)).choice(marks) if marks else None
    drawn = chart(sorted(line), width, height, style="cyan", marks=Marks(sorted(marks), "◆", "m", best, "★"))
    assert len(drawn) in (0, height) and all(cell_len(text.plain) <= width for text in drawn)
