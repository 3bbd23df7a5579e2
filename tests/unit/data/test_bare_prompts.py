from collections import Counter

import pytest

from pete.data.bare_prompts import SHARED, Bare, bare_prompt
from pete.data.text import Corpus, words
from pete.generate.request_parsing import length_asked

TEXT = "Nobody asked the customer about the boiler. " * 15


def test_kind_topic_and_length_are_said():
    prompt = bare_prompt(Bare(TEXT, "LinkedIn post", terms=("boiler", "customer")), 0)
    assert prompt == "Write a LinkedIn post about boiler and customer. About 100 words."


@pytest.mark.parametrize("number", range(16))
def test_every_form_states_a_length_that_is_understood(number):
    limit = length_asked(bare_prompt(Bare(TEXT, "email", terms=("boiler",)), number))
    assert limit.words is not None and limit.words[0] < 105 < limit.words[1]


def test_no_beginning_stands_before_many():
    prompts = [bare_prompt(Bare(TEXT, "email", terms=(f"term{i}",)), i) for i in range(64)]
    assert len(set(prompts)) == 64
    assert Counter(tuple(prompt.split()[:2]) for prompt in prompts).most_common(1)[0][1] <= 64 / 5


def test_a_title_that_stands_in_the_text_is_not_given_away():
    title = "Why nobody asked the customer about the boiler"
    for number in range(16):
        prompt = bare_prompt(Bare(f"{title}. It was cold.", "blog post", title=title, terms=("boiler",)), number)
        assert not Corpus([words(f"{title}. It was cold.")]).spans(words(prompt), SHARED + 1), prompt
        assert "boiler" in prompt.lower()


def test_title_headings_and_terms_are_used():
    prompt = bare_prompt(Bare(TEXT, "blog post", title="Warm feet", headings=("Before", "After"), terms=("boiler",)), 1)
    assert prompt == 'Blog post about "Warm feet", with sections on Before and After, roughly 100 words, please.'


def test_a_passage_is_named_as_one():
    parts = [bare_prompt(Bare(TEXT, "article", title="Warm feet", part=(n, 3)), 0) for n in (1, 2, 3)]
    assert [part.split('"')[0] for part in parts] == [
        "Write the opening of an article about ",
        "Write the middle part of an article about ",
        "Write the closing part of an article about ",
    ]


def test_another_language_is_asked_for():
    assert "in German" in bare_prompt(Bare("Die Heizung ist warm.", "email", terms=("Heizung",), language="German"), 0)


def test_articles_fit():
    asked = [bare_prompt(Bare(TEXT, kind, terms=("tea",)), 0).split(" about")[0] for kind in ("X post", "email", "text", "")]
    assert asked == ["Write an X post", "Write an email", "Write a text", "Write a text"]
