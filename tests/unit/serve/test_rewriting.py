"""The model NAME:rewrite, over a real connection."""

import threading

import pytest

from pete.data.rewriting import rewrite_request
from pete.generate.rewrite.choose import STRENGTHS
from pete.serve.limits import Limits
from tests.rewriting import told
from tests.server import MODEL, fake_tuned, serving, wait_until
from tests.unit.serve.test_endpoints import client, folded, streamed

DRAFT = """# Hours

Our establishment opens on Tuesdays at 9.

```
Our establishment opens on Tuesdays at 9.
```

- the kettle is a kettle of the kind that whistles when it boils
"""
WANTED = DRAFT.replace("Our establishment opens", "We open", 1)
PATH = "/v1/chat/completions"


def body(draft: str = DRAFT, **more) -> dict:
    return {"model": f"{MODEL}:rewrite", "messages": [{"role": "user", "content": draft}], "seed": 1, **more}


@pytest.fixture(scope="module")
def http():
    tuned = fake_tuned(max_new_tokens=5)
    made: list[str] = []

    def make():
        made.append("once")
        return told(tuned)

    with serving(tuned, rewriter=make) as server, client(server) as http:
        assert made == [], "nothing is made before a draft comes"
        http.asked = []  # type: ignore[attr-defined]
        inner = tuned.formatter
        tuned.formatter = lambda turns, topic="": http.asked.append(turns[-1].content) or inner(turns, topic)  # type: ignore
        yield http


def test_both_models_are_listed(http):
    assert [model["id"] for model in http.get("/v1/models").json()["data"]] == [MODEL, f"{MODEL}:rewrite"]
    assert http.get(f"/v1/models/{MODEL}:rewrite").json()["id"] == f"{MODEL}:rewrite"
    wrong = http.post(PATH, json=body() | {"model": "another"})
    assert wrong.status_code == 404 and f"'{MODEL}:rewrite'" in wrong.json()["error"]["message"]
    assert http.post("/v1/completions", json={"model": f"{MODEL}:rewrite", "prompt": "a"}).status_code == 404


def test_the_last_message_is_the_draft_and_only_its_prose_changes(http):
    http.asked.clear()
    talk = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Yes?"}]
    reply = http.post(PATH, json=body() | {"messages": [*talk, *body()["messages"]]})
    assert reply.status_code == 200, reply.text
    document = reply.json()
    (choice,) = document["choices"]
    assert choice["message"]["content"] == WANTED and choice["finish_reason"] == "stop" and document["model"] == f"{MODEL}:rewrite"
    extras = choice["x_pete"]
    assert {"kind": "date", "text": "Tuesdays"} in extras["kept"] and extras["lost"] == [] and extras["seed"] == 1
    assert [one["text"] for one in extras["stayed"]] == ["the kettle is a kettle of the kind that whistles when it boils"]
    assert extras["had_to_stay"] is True
    assert document["usage"]["completion_tokens"] > 0 and document["usage"]["prompt_tokens"] > 0
    assert http.asked == [rewrite_request("Our establishment opens on Tuesdays at 9."), rewrite_request(extras["stayed"][0]["text"])]


def test_a_stream_brings_passage_by_passage_and_says_at_its_end_what_stayed(http):
    chunks = streamed(http, PATH, body(stream_options={"include_usage": True}))
    assert folded(chunks) == {0: WANTED}
    texts = [text for chunk in chunks for choice in chunk["choices"] if (text := choice["delta"].get("content"))]
    assert len(texts) == 2 and "We open" in texts[0] and "kettle" in texts[1]
    last = [choice for chunk in chunks for choice in chunk["choices"]][-1]
    whole = http.post(PATH, json=body()).json()
    assert last["x_pete"] == whole["choices"][0]["x_pete"] and last["finish_reason"] == "stop"
    assert chunks[-1]["usage"] == whole["usage"]


def test_plain_text_says_in_a_header_how_much_stayed(http):
    reply = http.post(PATH, json=body(), headers={"accept": "text/plain"})
    assert reply.text == WANTED and reply.headers["x-pete-stop"] == "end" and reply.headers["x-pete-stayed"] == "1"


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"n": 2}, "n"),
        ({"stop": ["a"]}, "stop"),
        ({"x_pete": {"retries": 1}}, "x_pete.retries"),
        ({"x_pete": {"strength": "much"}}, "x_pete.strength"),
        ({"model": MODEL, "x_pete": {"strength": "light"}}, "x_pete.strength"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages"),
        ({"messages": [{"role": "user", "content": "```\ncode\n```"}]}, "messages"),
    ],
)
def test_what_makes_no_sense_for_a_draft_is_refused_by_its_name(http, more, param):
    reply = http.post(PATH, json=body() | more)
    assert reply.status_code == 400 and reply.json()["error"]["param"] == param, reply.text


def test_strength_says_how_much_is_drawn():
    tuned = fake_tuned(max_new_tokens=2)
    with serving(tuned, rewriter=lambda: told(tuned)) as server, client(server) as http:
        for strength, there in (("light", 0), ("full", STRENGTHS["light"].draws)):
            http.post(PATH, json=body("Our establishment opens on Tuesdays at 9.", x_pete={"strength": strength}))
            drawn = sum(server.metrics.get("pete_answers_total", how=how) for how in ("length", "end"))
            assert drawn == 2 * (there + STRENGTHS[strength].draws), "a single sentence as often as both"


def test_a_client_that_goes_away_frees_the_rows_and_a_failure_is_said_in_the_stream():
    tuned = fake_tuned(delay=0.05, max_new_tokens=400)
    with serving(tuned, Limits(rows=2 * STRENGTHS["normal"].draws), rewriter=lambda: told(tuned)) as server, client(server) as http:
        with http.stream("POST", PATH, json=body(stream=True)) as reply:
            lines = reply.iter_lines()  # kept: without it the connection is closed
            next(lines)
            assert wait_until(lambda: tuned.engine.steps)
        assert wait_until(lambda: server.metrics.get("pete_answers_total", how="gone") == 2 * STRENGTHS["normal"].draws)
        tuned.engine.delay = 0.0  # not before: rows that end at once are not left by anybody
        tuned.engine.faults.append(RuntimeError())
        with http.stream("POST", PATH, json=body(stream=True)) as reply:
            lines = [line for line in reply.iter_lines() if line]
        assert "engine_failed" in lines[-1]
    assert threading.active_count() < 50
