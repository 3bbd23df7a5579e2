import pytest

from pete.data.checks.answers import QUOTATIONS, assistant_phrase, only_links, quotation, unended

PROSE = (
    "It came on Monday. It was the wrong one. We kept it for the desk, where no one asks what colour it is, and in the end we told them so"
)


@pytest.mark.parametrize(
    "text",
    [
        f"{PROSE}, and about the",
        f"{PROSE} about the colour,",
        f"{PROSE} twice before anybody there had read the first of our letters to the end",
        "They said it in a meeting... see more",
        "Wir haben das heute gelernt \u2026mehr anzeigen",
    ],
)
def test_an_answer_that_stops_in_a_sentence(text):
    assert list(unended(text))


@pytest.mark.parametrize(
    "text",
    [
        f"{PROSE}.", f"{PROSE} twice.\n\nMarta", f'{PROSE} "at once!"', f"{PROSE} twice. \U0001f642", f"{PROSE} twice.\n#kettles #office",
        f"{PROSE}:\nhttps://example.org/kettle", "Open at five. Sorry by", "One line that nobody had the heart to end and nobody will",
        "A headline of eight words without an end mark\nAnother headline. It has a full stop. Then more words here\n"
        "And a third of nine words without an end", f"{PROSE} (twice)", f"{PROSE} \u2014",
    ],
)  # fmt: skip
def test_an_answer_that_ends_as_its_form_does(text):
    assert not list(unended(text))


@pytest.mark.parametrize(
    "text", ["https://example.org/a-very-long-post", "#kettles #office #monday", "@ada \U0001f525 https://example.org", "New! #1 #2"]
)
def test_links_and_hashtags_alone(text):
    assert list(only_links(text))


@pytest.mark.parametrize("text", ["Sorry by noon.", "We moved shop: https://example.org", "#kettles are what we do", "Yes."])
def test_a_few_words_beside_them_are_an_answer(text):
    assert not list(only_links(text))


@pytest.mark.parametrize(
    "text",
    [
        "As an AI language model, I cannot taste tea.", "Sure! Here's a LinkedIn post about kettles:\n\nKettles.", "Certainly, here is it.",
        "Here is a revised version of your post:\nKettles.", "Kettles.\n\nLet me know if you\u2019d like me to adjust the tone!",
        "I'm sorry, but I can't assist with that.", "Kettles. :contentReference[oaicite:0]",
    ],
)  # fmt: skip
def test_what_an_assistant_says_of_itself_or_its_draft(text):
    assert list(assistant_phrase(text))


@pytest.mark.parametrize(
    "text",
    [
        "As an airline we model demand.", "Sure. The kettle leaves today.", "Here is your refund: 12 euros.",
        "Let me know if you need a bag.",
        "I'm sorry, but I can't find your order.", "Here is the thing about kettles.", "Of course we deliver.",
    ],
)  # fmt: skip
def test_what_people_say_too(text):
    assert not list(assistant_phrase(text))


def test_a_famous_quotation_however_it_is_set():
    assert list(quotation("As he said: \u201cTo be, or not to be,\nthat is the question.\u201d")) == [
        "to be or not to be that is the question"
    ]
    assert list(quotation("It is NOT the critic who counts."))
    assert not list(quotation("To be there or not to be there is a question for the train.")) and not list(
        quotation("Knowledge is power of sorts.")
    )
    assert all(quotation == quotation.lower() and len(quotation.split()) > 1 for quotation in QUOTATIONS)
