from hypothesis import given
from hypothesis import strategies as st

from pete.data.augment.windows import LEAST, LONG, MOST, windows

PARAGRAPH = "Rain fell on the depot and nobody moved the umbrellas, which were wet already and did not mind.\r\n  Then it stopped."
BREAKS = st.sampled_from(["\n\n", "\r\n\r\n", "\n \t\n\n"])


@given(st.lists(st.integers(1, 90), min_size=1, max_size=8), BREAKS)
def test_parts_are_whole_paragraphs_to_the_letter(sizes, between):
    words = PARAGRAPH.split(" ")
    paragraphs = [f"{number} {' '.join((words * 5)[:size])}".strip() for number, size in enumerate(sizes)]
    text = between.join(paragraphs)
    for window in windows(text):
        assert window.text in text and window.text != text and window.text == window.text.strip()
        count = len(window.text.split())
        assert LEAST <= count <= MOST * len(text.split()) and len(text.split()) >= LONG
        assert (window.place == "opening") == text.startswith(window.text)
        assert f"The {window.place} part alone, about " in window.prompt("Write it.")


def test_one_of_each_place_and_the_longest():
    text = "\n\n".join(f"{n} " + "word " * 79 + "end." for n in range(5))
    found = {window.place: len(window.text.split()) for window in windows(text)}
    assert found == {"opening": 243, "closing": 243, "middle": 243}


def test_short_texts_and_blocks_have_no_parts():
    assert windows("word " * 500) == [] and windows("One.\n\nTwo.") == []
