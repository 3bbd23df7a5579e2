"""The packages that people have: openai (sync, async, streaming, retries) and LangChain's OpenAI client."""

import asyncio

import httpx2
import openai
import pytest

from pete.serve.errors import Refusal
from pete.serve.limits import Limits
from tests.server import KEY, MODEL, fake_tuned, serving, wait_until

ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say something."}]


@pytest.fixture(scope="module")
def server():
    with serving(fake_tuned()) as made:
        yield made


@pytest.fixture(scope="module")
def client(server):
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0) as made:
        yield made


def test_models_and_answers(client):
    assert [model.id for model in client.models.list()] == [MODEL] == [client.models.retrieve(MODEL).id]
    reply = client.chat.completions.create(model=MODEL, messages=ASKED, seed=1, n=2, max_completion_tokens=9, stop=["q"], user="me")
    assert [choice.index for choice in reply.choices] == [0, 1] and all("q" not in choice.message.content for choice in reply.choices)
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens and reply.usage.completion_tokens <= 18
    assert {choice.finish_reason for choice in reply.choices} <= {"stop", "length"} and reply.choices[1].x_pete["seed"] == 2
    text = client.completions.create(model=MODEL, prompt="Once", seed=1, max_tokens=5, extra_body={"top_k": 5})
    assert len(text.choices[0].text) == 5 and text.choices[0].finish_reason == "length" and text.object == "text_completion"


def test_a_stream_is_the_plain_reply_in_pieces(client):
    asked = {"model": MODEL, "messages": ASKED, "seed": 7}
    whole = client.chat.completions.create(**asked)
    pieces, usage, ends = [], None, []
    with client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}) as stream:
        for chunk in stream:
            usage = chunk.usage or usage
            for choice in chunk.choices:
                pieces.append(choice.delta.content or "")
                ends += [choice.finish_reason] if choice.finish_reason else []
    assert "".join(pieces) == whole.choices[0].message.content and len(pieces) > 10 and usage == whole.usage
    assert ends == [whole.choices[0].finish_reason]


def test_many_at_once_each_get_their_own(server, client):
    async def ask() -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0) as made:

            async def one(seed: int) -> str:
                stream = await made.chat.completions.create(model=MODEL, messages=ASKED, seed=seed, stream=True)
                return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

            return await asyncio.gather(*map(one, range(20)))

    texts = asyncio.run(ask())
    assert len(set(texts)) == 20
    for seed in (0, 9, 19):
        assert client.chat.completions.create(model=MODEL, messages=ASKED, seed=seed).choices[0].message.content == texts[seed]


@pytest.mark.parametrize(
    ("more", "raised", "param"),
    [
        ({"logprobs": True}, openai.BadRequestError, "logprobs"),
        ({"response_format": {"type": "json_object"}}, openai.BadRequestError, "response_format"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, openai.BadRequestError, "tools"),
        ({"presence_penalty": 0.5}, openai.BadRequestError, "presence_penalty"),
        ({"temperature": 3}, openai.BadRequestError, "temperature"),
        ({"model": "gpt-4o"}, openai.NotFoundError, "model"),
    ],
)
def test_what_cannot_be_honoured_raises_the_right_class(client, more, raised, param):
    for stream in (False, True):
        with pytest.raises(raised) as error:
            client.chat.completions.create(**{"model": MODEL, "messages": ASKED, "stream": stream} | more)
        assert error.value.param == param and error.value.code


@pytest.mark.parametrize(
    ("status", "kind", "raised"),
    [
        (400, "invalid_request_error", openai.BadRequestError),
        (401, "authentication_error", openai.AuthenticationError),
        (403, "permission_error", openai.PermissionDeniedError),
        (404, "not_found_error", openai.NotFoundError),
        (429, "rate_limit_error", openai.RateLimitError),
        (500, "server_error", openai.InternalServerError),
    ],
)
def test_openais_package_reads_our_errors(status, kind, raised):
    document = Refusal(status, "No.", code="c", param="p").document
    request = httpx2.Request("POST", "http://x")
    error = openai.OpenAI(api_key="k")._make_status_error_from_response(httpx2.Response(status, json=document, request=request))
    assert type(error) is raised and (error.code, error.param, error.type) == ("c", "p", kind) and "No." in error.message


def test_other_failures_raise_the_right_class_too(server, client):
    with pytest.raises(openai.BadRequestError, match="no embeddings"):
        client.embeddings.create(model=MODEL, input="x")
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model=MODEL, input="x")
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="wrong").models.list()


def test_a_failure_in_the_middle_of_a_stream_is_raised():
    tuned = fake_tuned(delay=0.01, max_new_tokens=500)
    with serving(tuned) as server, openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0) as client:
        heard = failing = 0
        with pytest.raises(openai.APIError, match="engine failed"):
            for chunk in client.chat.completions.create(model=MODEL, messages=ASKED, stream=True):
                heard += len(chunk.choices[0].delta.content or "")
                if heard >= 5 and not failing:  # a chunk may hold several letters
                    failing = heard
                    tuned.engine.faults.append(RuntimeError())
        assert 5 <= heard < 500 and tuned.engine.faults == []


def test_a_full_server_is_asked_again_by_the_package_itself():
    tuned = fake_tuned(delay=0.01, max_new_tokens=60)
    limits = Limits(rows=1, waiting=1)
    with serving(tuned, limits) as server:

        async def ask() -> list[str]:
            async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=10) as made:
                replies = [made.chat.completions.create(model=MODEL, messages=ASKED, seed=seed) for seed in range(5)]
                return [reply.choices[0].message.content for reply in await asyncio.gather(*replies)]

        assert len(set(asyncio.run(ask()))) == 5
        assert server.metrics.get("pete_requests_total", path="/v1/chat/completions", status="429") > 0, "some were told to come back"


def test_closing_the_stream_frees_the_row():
    tuned = fake_tuned(delay=0.02, max_new_tokens=1500)
    with serving(tuned) as server, openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY) as client:
        with client.chat.completions.create(model=MODEL, messages=ASKED, stream=True) as stream:
            for number, _ in enumerate(stream):
                if number > 5:
                    break
        assert wait_until(lambda: "pete_rows 0\n" in server.metrics.text(), 5) and len(tuned.engine.steps) < 500


def test_langchains_client(server, client, monkeypatch):
    from langchain_core.messages import HumanMessage, SystemMessage
    from langchain_openai import ChatOpenAI, OpenAI

    monkeypatch.setenv("LANGSMITH_TRACING", "false")
    chat = ChatOpenAI(base_url=f"{server.url}/v1", api_key=KEY, model=MODEL, seed=7, temperature=1.0, max_retries=0)
    turns = [SystemMessage("Be brief."), HumanMessage("Say something.")]
    whole = chat.invoke(turns)
    same = client.chat.completions.create(model=MODEL, messages=ASKED, seed=7)
    assert whole.content == same.choices[0].message.content == "".join(chunk.content for chunk in chat.stream(turns))
    assert whole.usage_metadata["output_tokens"] == same.usage.completion_tokens

    async def several() -> list:
        return [message.content async for message in chat.astream(turns)]

    assert "".join(asyncio.run(several())) == whole.content and [m.content for m in chat.batch([turns] * 3)] == [whole.content] * 3
    text = OpenAI(base_url=f"{server.url}/v1", api_key=KEY, model=MODEL, seed=7, max_tokens=12, max_retries=0)
    assert len(text.invoke("Once")) == 12 == len("".join(text.stream("Once")))
    with pytest.raises(openai.BadRequestError, match="tools"):
        chat.bind_tools([{"type": "function", "function": {"name": "f", "parameters": {}}}]).invoke(turns)
