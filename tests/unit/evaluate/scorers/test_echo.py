from pete.evaluate.scorers.echo import Echo
from tests.unit.evaluate.conftest import sample


def test_an_echo_is_more_than_a_few_of_the_prompts_words():
    prompt = "Write a short notice that the pool is closed on Monday because the heating has failed again."
    assert Echo().score(sample(prompt, prompt=prompt)) == {"any": 1.0, "share": 1.0}
    answer = "Closed on Monday: the heating has failed, again, and the water is eleven degrees. We open on Tuesday."
    assert Echo().score(sample(answer, prompt=prompt))["any"] == 0


def test_a_prompt_of_two_words_given_back_is_an_echo_and_a_sentence_that_names_it_is_none():
    for text, share in (("Define: meeting", 1.0), ("Define meeting. Define meeting? A ceremony.", 4 / 6)):
        assert Echo().score(sample(text, prompt="Define: meeting")) == {"any": 1.0, "share": share}
    assert Echo().score(sample("A meeting is where we define what a meeting was.", prompt="Define: meeting"))["share"] == 0
    assert [Echo().score(sample(text, prompt="Tea"))["any"] for text in ("Tea is what is drunk.", "Tea.")] == [0, 1]
    assert Echo().score(sample("...", prompt="?"))["any"] == 0
