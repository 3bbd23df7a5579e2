import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.augment.paraphrase import paraphrases
from pete.data.bare_prompts import Bare, bare_prompt
from pete.generate.request_parsing import facts_asked, length_asked

REST = st.sampled_from(
    ["a post about rain", "two taglines for Leeds, both under 8 words", "the note of 3 May to Anna", 'a text called "Late"']
)
TAIL = st.sampled_from(["", " About 120 words.", "\n\nThe shop opens at 5.", " Mention Bertha, and the 64 seats!"])


@given(
    st.sampled_from(["Write", "Please draft", "Can you write", "I'd like you to explain", "Give me", "I need"]),
    REST,
    st.sampled_from(".?!"),
    TAIL,
)
def test_only_the_frame_changes(frame, rest, end, tail):
    prompt = f"{frame} {rest}{end}{tail}"
    made = paraphrases(prompt)
    assert len(made) >= 6 and len(set(made)) == len(made)
    for other in made:
        assert other != prompt and rest in other and other.endswith(tail)
        assert facts_asked(other) == facts_asked(prompt) and length_asked(other) == length_asked(prompt)


@pytest.mark.parametrize("prompt", [
    "", "  ", "When do you open?", "My order is late. Please write back.", "Schreib etwas \u00fcber die Panne und das Ende, nicht zu lang.",
    "Write a post\nabout rain", "Write", "Write a post about rain", "Rain: a post, please.",
])  # fmt: skip
def test_what_is_no_plain_request_is_left_alone(prompt):
    assert paraphrases(prompt) == []


def test_many_prompts_by_rule_have_others():
    bare = Bare("Rain again. " * 60, "LinkedIn post", terms=("rain", "umbrellas"))
    assert sum(bool(paraphrases(bare_prompt(bare, number))) for number in range(16)) >= 5
