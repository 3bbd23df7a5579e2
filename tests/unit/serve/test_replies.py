import pytest

from pete.generate.choose import Answer
from pete.generate.rules import Violation
from pete.serve.replies import FINISH, Reply, count, extras


def answer(text="Yes.", tokens=3, stop="end", **more):
    return Answer(text, text, tokens, stop, 0.1, 0.2, 1, 0, 0, tokens_drawn=tokens, **more)


@pytest.mark.parametrize(("stop", "said"), FINISH.items())
def test_why_it_ended_is_said_twice_once_exactly(stop, said):
    whole = Reply("chat", "m", "f").whole(5, [answer(stop=stop)], [extras(answer(stop=stop), 7)])
    (choice,) = whole["choices"]
    assert choice["finish_reason"] == said and choice["x_pete"]["stop"] == stop and choice["x_pete"]["seed"] == 7
    assert whole["usage"] == {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8} and whole["object"] == "chat.completion"


def test_every_chunk_of_a_reply_has_its_name_and_the_last_its_usage():
    reply = Reply("chat", "m", "f", usage=True)
    chunks = [reply.begin(1), reply.chunk(1, "Ye"), reply.chunk(1, "", answer(), {"seed": 1}), reply.last(4, [answer()])]
    assert len({(c["id"], c["created"], c["model"], c["object"]) for c in chunks}) == 1 and chunks[0]["object"] == "chat.completion.chunk"
    assert [c["usage"] for c in chunks[:3]] == [None] * 3 and chunks[3]["usage"]["total_tokens"] == 7 and chunks[3]["choices"] == []
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""} and chunks[1]["choices"][0]["delta"] == {
        "content": "Ye"
    }
    assert chunks[2]["choices"][0] == {"index": 1, "delta": {}, "logprobs": None, "finish_reason": "stop", "x_pete": {"seed": 1}}
    assert "usage" not in Reply("chat", "m", "f").begin(0) and Reply("chat", "m", "f").id != reply.id


def test_a_text_is_no_chat():
    chunk = Reply("text", "m", "f").chunk(0, " on", answer())
    assert chunk["object"] == "text_completion" and chunk["choices"][0]["text"] == " on" and "delta" not in chunk["choices"][0]


def test_broken_rules_are_told_by_place_and_what_was_drawn_in_vain_is_counted():
    flagged = answer(tries=2, attempts=2, flags=(Violation("length", "too long", 0, 4),))
    assert extras(flagged, 1)["broken"] == [{"rule": "length", "words": "too long", "start": 0, "end": 4}]
    assert extras(flagged, 1)["tries"] == 2 and extras(flagged, 1, judged=False) == {"seed": 1, "stop": "end"}
    assert count(1, [answer(), Answer("", "", 2, "end", 0, 0, 1, 0, 0, tokens_drawn=9)])["completion_tokens"] == 12
