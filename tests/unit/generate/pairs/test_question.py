import pytest

from pete.generate.pairs.filters import Refusal
from pete.generate.pairs.question import READ, ask_for_paraphrase, ask_for_request, read_request
from pete.generate.pairs.tries import Objection


@pytest.mark.parametrize(("said", "prompt"), [
    ("Write about a kettle.", "Write about a kettle."),
    ("<think>Hm, \"the\" text</think>\n\nWrite about a kettle.", "Write about a kettle."),
    ("<think>never ends", ""),
    ("**Request:** Write about a kettle.", "Write about a kettle."),
    ("Sure, here is the request:\n\n\"Write about a kettle.\"", "Write about a kettle."),
    ("\u201cWrite about a kettle.\u201d", "Write about a kettle."),
    ("'Write about a kettle.'", "Write about a kettle."),
    ('"Kettles" and "pots": write about both', '"Kettles" and "pots": write about both'),
    ("Sure things only: no.", "Sure things only: no."),
    ("Answer the customer: she waits.", "Answer the customer: she waits."),
    ("  ", ""),
])  # fmt: skip
def test_trimmings_are_left_out(said, prompt):
    assert read_request(said) == prompt


def test_a_question_has_the_text_its_length_kind_and_language():
    asked = ask_for_request("The kettle is on and we are not late for the bus. " * 10, "LinkedIn post")
    assert "the LinkedIn post between" in asked and "about 120 words" in asked and "in English" in asked and "earlier try" not in asked
    assert "kettle is on" in asked and asked == ask_for_request("The kettle is on and we are not late for the bus. " * 10, "LinkedIn post")


def test_a_second_try_says_what_was_wrong_with_the_first():
    asked = ask_for_request("A kettle.", "", Objection(Refusal.INVENTED, "Leeds"), "Write about Leeds.")
    assert "the text between" in asked and f"refused ({Refusal.INVENTED}: Leeds):\nWrite about Leeds." in asked


def test_a_long_text_is_read_as_far_as_an_order_needs():
    asked = ask_for_request("word " * 5000 + "END", "")
    assert asked.count("word ") < READ + 20 and "[...]" in asked and "END" not in asked and "about 5000 words" in asked


def test_marks_cannot_be_foreseen_by_what_stands_between_them():
    assert (
        "</text-" in ask_for_request("a", "")
        and ask_for_request("a", "").split("<text-")[1][:6] != ask_for_request("b", "").split("<text-")[1][:6]
    )
    assert "Keep every figure" in ask_for_paraphrase("Write about 3 kettles.")
