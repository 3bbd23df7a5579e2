import pytest

from pete.data.checks.machine import habits, machine_written
from pete.data.examples import load_examples
from pete.persona import load_persona


@pytest.mark.parametrize(
    "text",
    [
        "In today's fast-paced world, our innovative team is committed to excellence. Unlock your potential today!",
        "It\u2019s not just a kettle, it\u2019s a commitment to mornings. Moreover, we ensure a seamless pour.",
        "**Pour:** fast\n**Clean:** easy\n\nWhether you're a chef or a student, elevate your tea.",
        "We are thrilled to announce our comprehensive range. Rest assured, every detail is meticulously crafted.",
    ],
)
def test_two_habits_close_together(text):
    assert machine_written(text) and len(habits(text)) >= 2


@pytest.mark.parametrize(
    "text",
    [
        "The lift unlocks at six. Nobody minds, overall.",
        "Unlock the shed, would you? The mower is in there and the grass has been at it since April.",
        "It is crucial. " + "The kettle is on and nobody is at home to pour it. " * 14 + "We ensure a cup.",
        "Not just tea.",
    ],
)
def test_one_habit_or_two_far_apart_are_anybodys(text):
    assert not machine_written(text)


def test_none_of_the_bundled_rows_reads_so():
    assert not [row.source for row in load_examples(load_persona("pete-connor").examples) if machine_written(row.completion)]
