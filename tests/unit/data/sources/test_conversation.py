import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.examples import Example, Message
from pete.data.sources.conversation import Turn, answers, turns_in
from pete.data.sources.record import Reason, Record

BARE = Record(text="", where="a:1", id="7")
TURN = st.builds(
    Turn, st.sampled_from(["system", "user", "assistant", None]), st.sampled_from(["a", "b", "", " "]), st.booleans(), st.booleans()
)


@given(st.lists(TURN, min_size=1, max_size=7))
def test_every_answer_is_a_row_that_can_be_trained_on_or_has_its_reason(turns):
    found = list(answers(turns, BARE))
    assert found
    for record in found:
        if record.dropped is None:
            assert record.text.strip()
            if record.before:
                Example.model_validate({"messages": [*record.before, Message("assistant", record.text)]})


def test_each_answer_has_what_was_said_before_it():
    turns = turns_in(
        [{"role": r, "content": t} for r, t in zip(["developer", "user", "assistant", "user", "assistant"], "sabcd", strict=True)]
    )
    one, two = answers(turns, BARE)
    assert one.before == (Message("system", "s"), Message("user", "a")) and one.text == "b" and one.id == "7/1"
    assert [turn.content for turn in two.before] == list("sabc") and two.text == "d" and two.where == "a:1, turn 5"


def test_a_greeting_answers_nobody_and_turns_of_one_speaker_are_one():
    turns = [Turn("assistant", "Welcome."), Turn("user", "a"), Turn("user", "b"), Turn("assistant", "c"), Turn("assistant", "d")]
    greeting, answer = answers(turns, BARE)
    assert greeting.before == () and answer.before == (Message("user", "a\n\nb"),) and answer.text == "c\n\nd"


def test_what_a_row_cannot_hold_and_what_is_not_to_be_learned_have_their_reasons():
    tools = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": 1}]},
        {"role": "tool", "content": "rain"},
        {"role": "assistant", "content": "Rain."},
    ]
    assert [r.dropped for r in answers(turns_in(tools), BARE)] == [Reason.UNSEEN, Reason.UNSEEN]
    picture = [
        {"role": "user", "content": [{"type": "text", "text": "What?"}, {"type": "image_url"}]},
        {"role": "assistant", "content": "A cat."},
    ]
    assert [(r.text, r.dropped) for r in answers(turns_in(picture), BARE)] == [("A cat.", Reason.UNSEEN)]
    weighed = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0}, {"role": "user", "content": "c"},
               {"role": "assistant", "content": "d", "weight": 1}]  # fmt: skip
    one, two = answers(turns_in(weighed), BARE)
    assert one.dropped == Reason.UNWANTED and two.dropped is None and len(two.before) == 3


@pytest.mark.parametrize(
    "value",
    [
        [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
        [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}],
        [{"role": "user", "parts": [{"text": "a"}]}, {"role": "model", "parts": [{"text": "b"}]}],
        [{"role": "user", "content": [{"type": "text", "text": "a"}]}, {"role": "assistant", "content": "b"}],
    ],
)
def test_turns_are_told_whatever_their_keys_are_called(value):
    for given_as in (value, json.dumps(value)):
        assert turns_in(given_as) == [Turn("user", "a"), Turn("assistant", "b")]


@pytest.mark.parametrize(
    "value", [None, "", "text", "[1, 2", [], [1], [{"a": 1}], {"role": "user"}, [{"role": 3, "content": "a"}], "[" * 99_999]
)
def test_what_is_no_conversation_is_none(value):
    assert turns_in(value) is None
