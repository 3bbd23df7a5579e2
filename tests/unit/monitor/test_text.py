from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pete.monitor import text as module
from pete.terminal import harmless


@given(st.text(max_size=300), st.integers(1, 40))
def test_lines_fit_and_lose_nothing(text, width):
    text = harmless(text)
    made = list(module.wrapped(text, width))
    wide = any(cell_len(c) > width for c in text)
    assert wide or all(cell_len(line) <= width for line in made)
    assert "".join("".join(made).split()) == "".join(text.split())
    assert cell_len(module.shortened(text, width)) <= width


def test_words_stay_whole():
    assert list(module.wrapped("one two  three", 7)) == ["one two", "three"]
    assert module.shortened("one two three", 8) == "one two…" and module.shortened("日本語", 5) == "日本…"
