import pytest

from pete.config import GenerateConfig
from pete.data.examples import Message
from pete.serve.errors import Refusal
from pete.serve.limits import Limits
from pete.serve.requests import LABELS, NEUTRAL, ChatRequest, TextRequest

LIMITS = Limits(choices=4, messages=6)
USER = {"role": "user", "content": "Hi."}
BASE = {"model": "m", "messages": [USER]}


def chat(**more) -> ChatRequest:
    return ChatRequest.read(BASE | more, LIMITS)


def refused(kind=ChatRequest, base=BASE, **more) -> Refusal:
    with pytest.raises(Refusal) as caught:
        kind.read(base | more, LIMITS)
    assert caught.value.status == 400 and caught.value.param is not None
    assert caught.value.param.split(".")[0].split("[")[0] in caught.value.message or "essage" in caught.value.message
    return caught.value


def test_what_is_asked_is_how_it_is_drawn():
    request = chat(temperature=0, top_p=0.5, top_k=3, repetition_penalty=1.2, max_tokens=9, n=3, stop=["a", "b"], seed=5)
    sampling = request.sampling(GenerateConfig(retries=2, best_of=4), 7)  # type: ignore[call-arg]
    assert sampling == GenerateConfig(  # type: ignore[call-arg]
        temperature=0, top_p=0.5, top_k=3, repetition_penalty=1.2, max_new_tokens=9, seed=7, retries=0, best_of=1
    )
    assert (request.choices, request.stops, request.seed) == (3, ("a", "b"), 5) and chat(stop="x").stops == ("x",)
    assert chat(max_completion_tokens=4).sampling(GenerateConfig(), 0).max_new_tokens == 4  # type: ignore[call-arg]
    assert chat(max_completion_tokens=4, max_tokens=4)
    assert chat().sampling(GenerateConfig(top_k=9), 2**31 + 1) == GenerateConfig(top_k=9, seed=1)  # type: ignore[call-arg]


@pytest.mark.parametrize("name", NEUTRAL)
def test_what_cannot_be_honoured_is_refused_by_name_and_its_neutral_values_are_not(name):
    for neutral in NEUTRAL[name]:
        assert chat(**{name: neutral}) == chat()
        assert TextRequest.read({"model": "m", "prompt": "x", name: neutral}, LIMITS).prompts == ["x"]
    error = refused(**{name: {"some": "thing"}})
    assert (error.param, error.code) == (name, "unsupported_parameter")
    assert refused(TextRequest, {"model": "m", "prompt": "x"}, **{name: 3}).param == name


def test_zero_is_not_false_where_it_means_something():
    assert refused(logprobs=0).param == "logprobs" and refused(store=0).param == "store"


def test_a_clients_own_labels_change_nothing():
    assert chat(**dict.fromkeys(LABELS, "me")) == chat()


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": "0.5"}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"n": 5}, "n"),
        ({"n": 0}, "n"),
        ({"n": 1.5}, "n"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**31}, "seed"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1, "max_completion_tokens": 2}, "max_completion_tokens"),
        ({"stop": ""}, "stop"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"stop": 3}, "stop"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": True, "stream_options": {"include_obfuscation": True}}, "stream_options.include_obfuscation"),
        ({"stream": True, "x_pete": {"retries": 1}}, "x_pete.retries"),
        ({"x_pete": {"retries": 3}}, "x_pete.retries"),
        ({"x_pete": {"tries": 1}}, "x_pete.tries"),
        ({"temprature": 1}, "temprature"),
        ({"model": 3}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": "Hi."}, "messages"),
        ({"messages": [USER] * 7}, "messages"),
        ({"messages": [USER, {"role": "assistant", "content": "Ha"}]}, "messages[1].role"),
        ({"messages": [USER, {"role": "system", "content": "Be."}, USER]}, "messages[1].role"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": "x", "name": "Bob"}]}, "messages[0].name"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}, "messages[0].content[0].type"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_by_name(more, param):
    error = refused(**more)
    assert error.param == param, error.message
    assert "\ud800" not in error.message


def test_what_is_missing_is_named():
    with pytest.raises(Refusal) as caught:
        ChatRequest.read({"messages": [USER]}, LIMITS)
    assert (caught.value.param, caught.value.code) == ("model", "missing_required_parameter")


def test_a_conversation_in_all_its_forms():
    parts = [{"type": "text", "text": "One "}, {"type": "text", "text": "two."}]
    request = chat(
        messages=[{"role": "developer", "content": "Be."}, USER, {"role": "assistant", "content": "Ha"}, {"role": "user", "content": parts}]
    )
    assert request.turns == [Message("system", "Be."), Message("user", "Hi."), Message("assistant", "Ha"), Message("user", "One two.")]


def test_texts_to_go_on_with():
    read = lambda **more: TextRequest.read({"model": "m"} | more, LIMITS)  # noqa: E731
    assert read(prompt="a").prompts == ["a"] and read(prompt=["a", "b"], n=2).prompts == ["a", "b"]
    for wrong in (
        {"prompt": ["a", "b"], "n": 3},
        {"prompt": []},
        {"prompt": [1, 2]},
        {"prompt": [[1]]},
        {},
        {"prompt": "a", "messages": []},
    ):
        with pytest.raises(Refusal) as caught:
            read(**wrong)
        assert caught.value.param.split("[")[0] in ("prompt", "messages")
