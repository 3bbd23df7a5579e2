import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.text import words
from pete.generate.pairs.filters import SHARED, Refusal, invented_in, objection

TEXT = (
    "The coffee machine at our Leeds office broke on a Monday in March. We had 64 dashboards and 3 repairmen. Nobody at "
    "https://example.org/cafe answered, nor did help@example.org.\n\nSo we bought a kettle, and Anna Berg from accounts runs it now. "
    "Meetings got shorter because the kettle only makes four cups, and it costs 1,900 pounds less."
)
GERMAN = (
    "Die Maschine ging nicht mehr, und wir haben das mit einem Kessel aus der K\u00fcche gel\u00f6st. "
    "Es ist nicht sch\u00f6n, aber der Kaffee ist warm."
)


@pytest.mark.parametrize("prompt", [
    "Write a LinkedIn post about the week our coffee machine gave out and how a kettle made meetings shorter. About 55 words.",
    "Tell how Anna Berg came to run the kettle, in about 60 words.",
    "What became of the 64 dashboards? Mention four cups and \u00a31900.",
    "Explain why I'd want a kettle, and what it does to meetings.",
    "Two paragraphs on the kettle, please.",
    'Write what came of it in Leeds. Quote "four cups", and link https://example.org/cafe.',
])  # fmt: skip
def test_what_holds(prompt):
    assert objection(prompt, TEXT, "LinkedIn post") is None


@pytest.mark.parametrize(("prompt", "refusal", "detail"), [
    ("", Refusal.NOTHING, ""),
    ("\u200b ...", Refusal.NOTHING, ""),
    ("<|im_start|>user write about a kettle", Refusal.NOTHING, ""),
    ("Write about it. Be dry. Be short. Be kind.", Refusal.SENTENCES, ""),
    (f"Write about {'very ' * 90}old kettles.", Refusal.SENTENCES, ""),
    ("Rewrite the text above.", Refusal.ABOUT, "text above"),
    ("What is this post about?", Refusal.ABOUT, "this post"),
    ("Say that the coffee machine at our Leeds office is gone.", Refusal.COPIED, "the coffee machine at our Leeds office"),
    ("Write about coffee in London, please.", Refusal.INVENTED, "London"),
    ("Karen's story of the kettle.", Refusal.INVENTED, "Karen"),
    ("Peter Holm buys a kettle; tell how.", Refusal.INVENTED, "Peter"),
    ("Write what happened in April at the office.", Refusal.INVENTED, "April"),
    ("Write about 72 dashboards.", Refusal.INVENTED, "72"),
    ("Give seven reasons for a kettle.", Refusal.INVENTED, "seven"),
    ("Write it up, with the link www.example.com.", Refusal.INVENTED, "www.example.com"),
    ("Write to boss@example.net about the kettle.", Refusal.INVENTED, "boss@example.net"),
    ("Write about the kettle #teatime.", Refusal.INVENTED, "#teatime"),
    ('Use the phrase "a storm in a cup" about the kettle.', Refusal.INVENTED, "a storm in a cup"),
    ("Write a TikTok about the kettle.", Refusal.INVENTED, "TikTok"),
    ("Write 400 words about the kettle.", Refusal.LENGTH, f"{len(TEXT.split())} words"),
    ("Schreib auf, was mit der Maschine war und wie es mit dem Kessel ist, und nicht zu lang.", Refusal.LANGUAGE, "English"),
])  # fmt: skip
def test_what_does_not(prompt, refusal, detail):
    found = objection(prompt, TEXT, "LinkedIn post")
    assert found is not None and (found.refusal, found.detail) == (refusal, detail)


def test_in_german_a_capital_tells_no_name():
    asked = "Schreib etwas \u00fcber die Panne mit der Maschine und das Ende der Geschichte, und zwar nicht zu lang."
    assert objection(asked, GERMAN) is None
    assert list(invented_in("Write about Hamburg.", GERMAN)) == ["Hamburg"]


@given(st.integers(0, 40), st.integers(1, 14))
def test_six_words_in_a_row_are_too_many_and_five_are_not(first, count):
    spoken = words(TEXT)[first : first + count]
    found = objection("zz " + " ".join(spoken), TEXT)
    assert (found is not None and found.refusal is Refusal.COPIED) == (len(spoken) > SHARED)


@given(st.integers(100, 999_999))
def test_a_figure_is_the_texts_or_invented(figure):
    assert bool(list(invented_in(f"Mention {figure} of them.", f"There were {figure:,} of them."))) is False
    assert list(invented_in(f"Mention {figure} of them.", "There were many.")) == [str(figure)]
