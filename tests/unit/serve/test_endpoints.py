"""What each address answers, over a real connection."""

import json
import re
import threading
import time

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.render import Message
from pete.generate.stream import answer_all
from pete.persona import Limit
from pete.serve.limits import Limits
from tests.server import KEY, MODEL, fake_tuned, serving, wait_until

ASKED = [{"role": "user", "content": "Say something."}]
BODY = {"model": MODEL, "messages": ASKED, "seed": 1}
AS_JSON = {"content-type": "application/json"}
SECRET = "zxqwv-not-to-be-logged"


def client(server, **headers) -> httpx2.Client:
    return httpx2.Client(base_url=server.url, headers={"authorization": f"Bearer {KEY}"} | headers, timeout=30)


def streamed(http: httpx2.Client, path: str, body: dict) -> list[dict]:
    """The documents of a stream."""
    with http.stream("POST", path, json=body | {"stream": True}) as reply:
        assert reply.status_code == 200 and reply.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in reply.iter_lines() if line]
    assert lines[-1] == "data: [DONE]" and all(line.startswith("data: ") for line in lines)
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]


def folded(chunks: list[dict]) -> dict[int, str]:
    texts: dict[int, str] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            said = choice["text"] if "text" in choice else choice["delta"].get("content", "")
            texts[choice["index"]] = texts.get(choice["index"], "") + said
    return texts


@pytest.fixture(scope="module")
def lively():
    """A server whose model says anything that bytes can be, ends included."""
    with serving(fake_tuned(endless=False, max_new_tokens=60)) as server, client(server) as http:
        yield http


@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    seed=st.integers(0, 2**31 - 1),
    n=st.integers(1, 3),
    stop=st.lists(st.sampled_from(["e", "\n", " ", "th", "a"]), max_size=2),
    temperature=st.sampled_from([0, 0.3, 1.0, 2.0]),
    chat=st.booleans(),
)
def test_the_stream_joined_is_the_plain_reply(lively, text, seed, n, stop, temperature, chat):
    path = "/v1/chat/completions" if chat else "/v1/completions"
    body = {"model": MODEL, "seed": seed, "n": n, "stop": stop, "temperature": temperature, "top_k": 20}
    body |= {"messages": [{"role": "user", "content": text}]} if chat else {"prompt": text}
    plain = lively.post(path, json=body)
    assert plain.status_code == 200, plain.text
    whole = plain.json()
    chunks = streamed(lively, path, body | {"stream_options": {"include_usage": True}})
    said = [choice["message"]["content"] if chat else choice["text"] for choice in whole["choices"]]
    assert folded(chunks) == dict(enumerate(said)) and not any(mark in answer for mark in stop for answer in said)
    ends = {c["index"]: c for chunk in chunks for c in chunk["choices"] if c["finish_reason"]}
    assert [(ends[i]["finish_reason"], ends[i]["x_pete"]) for i in range(n)] == [
        (c["finish_reason"], c["x_pete"]) for c in whole["choices"]
    ]
    assert chunks[-1]["usage"] == whole["usage"] and [c["x_pete"]["seed"] for c in whole["choices"]] == [
        (seed + i) % 2**31 for i in range(n)
    ]


def test_a_choice_is_what_chat_says_with_its_seed():
    tuned, same = fake_tuned(), fake_tuned()
    with serving(tuned) as server, client(server) as http:
        got = http.post("/v1/chat/completions", json=BODY | {"n": 3, "seed": 5}).json()
    for number, choice in enumerate(got["choices"]):
        sampling = same.config.generate.model_copy(update={"seed": 5 + number})
        (answer,) = same.ask([[Message("user", "Say something.")]], sampling)
        assert choice["message"]["content"] == answer.text
        assert [flag["words"] for flag in choice["x_pete"]["broken"]] == [flag.words for flag in answer.flags] != []
    assert tuned.engine.threads == {"pete-scheduler"}


def test_without_a_seed_each_answer_is_another_and_says_how_to_draw_it_again():
    with serving(fake_tuned()) as server, client(server) as http:
        body = {"model": MODEL, "messages": ASKED}
        first, second = (http.post("/v1/chat/completions", json=body).json()["choices"][0] for _ in range(2))
        assert first["message"]["content"] != second["message"]["content"]
        again = http.post("/v1/chat/completions", json=body | {"seed": first["x_pete"]["seed"]}).json()["choices"][0]
        assert again["message"]["content"] == first["message"]["content"]


def test_a_system_line_is_of_its_request_only():
    with serving(fake_tuned()) as server, client(server) as http:
        plain = http.post("/v1/chat/completions", json=BODY).json()
        told = http.post("/v1/chat/completions", json=BODY | {"messages": [{"role": "system", "content": "Shout, always."}, *ASKED]}).json()
        assert told["usage"]["prompt_tokens"] > plain["usage"]["prompt_tokens"]
        assert http.post("/v1/chat/completions", json=BODY).json()["choices"] == plain["choices"]


def test_what_breaks_a_rule_is_drawn_again_when_asked_to():
    tuned = fake_tuned(endless=False, limits={"all": Limit(words=(1, 2))}, max_new_tokens=12)  # type: ignore[call-arg]
    with serving(tuned) as server, client(server) as http:
        tries = {}
        for seed in range(12):
            once = http.post("/v1/chat/completions", json=BODY | {"seed": seed}).json()
            often = http.post("/v1/chat/completions", json=BODY | {"seed": seed, "x_pete": {"retries": 2}}).json()
            one, best = once["choices"][0], often["choices"][0]
            assert len(best["x_pete"]["broken"]) <= len(one["x_pete"]["broken"]) and one["x_pete"]["tries"] == 1
            if not one["x_pete"]["broken"]:
                assert best == one
            else:
                assert often["usage"]["completion_tokens"] > once["usage"]["completion_tokens"]
            again = http.post("/v1/chat/completions", json=BODY | {"seed": best["x_pete"]["seed"]}).json()["choices"][0]
            assert again["message"] == best["message"], "the seed it names draws it"
            tries[best["x_pete"]["tries"]] = best
        assert max(tries) > 1, "some had to be drawn again"


def test_a_text_is_gone_on_with_as_it_is():
    tuned = fake_tuned()
    with serving(tuned) as server, client(server) as http:
        got = http.post("/v1/completions", json={"model": MODEL, "prompt": ["Once", "Once"], "seed": 4, "n": 2}).json()
        assert got["usage"]["prompt_tokens"] == 2 * len("Once") and [c["index"] for c in got["choices"]] == [0, 1, 2, 3]
        assert len({c["text"] for c in got["choices"]}) == 4 and all("broken" not in c["x_pete"] for c in got["choices"])
    same = fake_tuned()
    drawn = [t for _, t in same.engine.stream([same.renderer.encode("Once")], same.config.generate.model_copy(update={"seed": 4}), ())]
    assert got["choices"][0]["text"] == same.renderer.decode(drawn)


def test_only_text_where_text_is_wanted():
    with serving(fake_tuned()) as server, client(server) as http:
        whole = http.post("/v1/chat/completions", json=BODY).json()
        plain = http.post("/v1/chat/completions", json=BODY, headers={"accept": "text/plain"})
        assert plain.headers["content-type"].startswith("text/plain") and plain.text == whole["choices"][0]["message"]["content"]


def test_the_small_addresses():
    with serving(fake_tuned()) as server, client(server) as http:
        assert [m["id"] for m in http.get("/v1/models").json()["data"]] == [MODEL] == [http.get(f"/v1/models/{MODEL}").json()["id"]]
        http.post("/v1/chat/completions", json=BODY)
        counts = http.get("/metrics").text
        assert 'pete_requests_total{path="/v1/chat/completions",status="200"} 1\n' in counts and "pete_answer_tokens_total 40\n" in counts
        assert httpx2.get(f"{server.url}/health").json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "code"),
    [
        ("GET", "/v1/models/gpt-4o", {}, 404, "model_not_found"),
        ("POST", "/v1/chat/completions", {"json": BODY | {"model": "gpt-4o"}}, 404, "model_not_found"),
        ("POST", "/v1/embeddings", {"json": {"model": MODEL, "input": "x"}}, 400, "unsupported_endpoint"),
        ("POST", "/v1/responses", {"json": {}}, 404, "unknown_url"),
        ("GET", "/v1/chat/completions", {}, 405, "method_not_allowed"),
        ("GET", "/docs", {}, 404, "unknown_url"),
        ("GET", "/openapi.json", {}, 404, "unknown_url"),
        ("POST", "/v1/chat/completions", {"content": b"{", "headers": AS_JSON}, 400, "invalid_json"),
        ("POST", "/v1/chat/completions", {"content": b"[1]", "headers": AS_JSON}, 400, "invalid_json"),
        ("POST", "/v1/chat/completions", {"content": b"\xff\xfe{}", "headers": AS_JSON}, 400, "invalid_json"),
        ("POST", "/v1/chat/completions", {"content": b"[" * 60_000, "headers": AS_JSON}, 400, "invalid_json"),
        ("POST", "/v1/chat/completions", {"content": b"[" * 30_000 + b"]" * 30_000, "headers": AS_JSON}, 400, "invalid_json"),
        ("POST", "/v1/chat/completions", {"content": b'{"seed": ' + b"9" * 5000 + b"}", "headers": AS_JSON}, 400, "invalid_json"),
        ("POST", "/v1/chat/completions", {"content": json.dumps(BODY).encode(), "headers": {"content-type": "text/plain"}}, 400,
         "invalid_json"),
        ("POST", "/v1/chat/completions", {"json": BODY | {"messages": [{"role": "user", "content": "word " * 2000}]}}, 400,
         "context_length_exceeded"),
        ("POST", "/v1/completions", {"json": {"model": MODEL, "prompt": "word " * 2000}}, 400, "context_length_exceeded"),
        ("POST", "/v1/chat/completions", {"content": b" " * 70_000, "headers": AS_JSON}, 413, "request_too_large"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_in_openais_form(method, path, sent, status, code):
    with serving(fake_tuned(), Limits(body_bytes=65536)) as server, client(server) as http:
        got = http.request(method, path, **sent)
        assert (got.status_code, got.json()["error"]["code"]) == (status, code) and got.json()["error"]["message"]
        assert "word word" not in got.text


def test_a_body_without_a_length_is_measured_as_it_comes():
    def endless():
        while True:
            yield b" " * 10_000

    with serving(fake_tuned(), Limits(body_bytes=65536)) as server, client(server) as http:
        try:
            got = http.post("/v1/chat/completions", content=endless(), headers={"content-type": "application/json"})
            assert (got.status_code, got.json()["error"]["code"]) == (413, "request_too_large")
        except httpx2.WriteError:  # closed under its hands: that is an answer too
            pass
        assert server.metrics.get("pete_requests_total", path="/v1/chat/completions", status="413") == 1


def test_the_key_is_needed_for_all_but_health():
    with serving(fake_tuned()) as server, httpx2.Client(base_url=server.url) as http:
        for shown in ({}, {"authorization": ""}, {"authorization": f"Bearer {KEY}x"}, {"authorization": KEY},
                      {"authorization": f"Basic {KEY}"},
                      {"authorization": "Bearer \u00e9"}, {"x-api-key": KEY}):  # fmt: skip
            headers = {name: value.encode("utf-8") for name, value in shown.items()}
            for method, path in (
                ("GET", "/v1/models"),
                ("POST", "/v1/chat/completions"),
                ("GET", "/metrics"),
                ("GET", "/nothing"),
                ("GET", "/health/"),
            ):
                got = http.request(method, path, headers=headers)
                assert got.status_code == 401 and got.json()["error"]["type"] == "authentication_error"
        assert http.get("/health").status_code == 200
        assert http.get("/v1/models", headers={"authorization": f"bearer  {KEY}"}).status_code == 200


def test_names_of_other_machines_are_refused_whatever_the_key():
    with serving(fake_tuned()) as server, client(server) as http:
        for path in ("/v1/models", "/health"):
            for host in ("evil.example", "evil.example:11435", "127.0.0.1.evil.example", "192.168.0.1", ""):
                got = http.get(path, headers={"host": host})
                assert (got.status_code, got.json()["error"]["code"]) == (403, "host_not_allowed")
        assert http.get("/v1/models", headers={"host": "localhost:1"}).status_code == 200


def test_pages_ask_only_where_their_origin_was_named():
    page = "http://localhost:3000"
    preflight = {"origin": page, "access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
    with serving(fake_tuned()) as server, client(server) as http:
        for origin in (page, "null", server.url, "http://evil.example"):
            got = http.get("/v1/models", headers={"origin": origin})
            assert got.json()["error"]["code"] == "origin_not_allowed" and "access-control-allow-origin" not in got.headers
        assert http.options("/v1/chat/completions", headers=preflight).status_code == 403
    with serving(fake_tuned(), origins=(page,)) as server, client(server) as http:
        asked = httpx2.options(f"{server.url}/v1/chat/completions", headers=preflight)
        assert asked.status_code == 200 and asked.headers["access-control-allow-origin"] == page
        assert "authorization" in asked.headers["access-control-allow-headers"].lower()
        assert http.get("/v1/models", headers={"origin": page}).headers["access-control-allow-origin"] == page
        for other in ("http://evil.example", "null", "http://localhost:3001", "https://localhost:3000"):
            got = http.get("/v1/models", headers={"origin": other})
            assert got.status_code == 403 and "access-control-allow-origin" not in got.headers
        wrong = http.get("/v1/models", headers={"origin": page, "authorization": "Bearer no"})
        assert wrong.status_code == 401 and wrong.headers["access-control-allow-origin"] == page, "a page can read why"


def test_an_ipv6_server_answers_by_its_address():
    with serving(fake_tuned(), host="::1") as server, client(server) as http:
        assert server.url.startswith("http://[::1]:") and http.get("/v1/models").status_code == 200
        assert http.get("/v1/models", headers={"host": "evil.example"}).status_code == 403


def test_a_server_that_is_full_says_when_to_come_back():
    limits = Limits(rows=1, waiting=1)
    with serving(fake_tuned(delay=0.02, max_new_tokens=60), limits) as server, client(server) as http:
        got = []
        threads = [threading.Thread(target=lambda: got.append(http.post("/v1/chat/completions", json=BODY))) for _ in range(2)]
        for number, thread in enumerate(threads):
            thread.start()
            assert wait_until(
                lambda number=number: "pete_rows 1\n" in server.metrics.text() and f"pete_waiting {number}\n" in server.metrics.text()
            )
        full = http.post("/v1/chat/completions", json=BODY)
        assert full.status_code == 429 and int(full.headers["retry-after"]) >= 1 and full.json()["error"]["code"] == "server_busy"
        for thread in threads:
            thread.join()
        assert [reply.status_code for reply in got] == [200, 200]


def test_an_answer_that_takes_too_long_is_given_up():
    with serving(fake_tuned(delay=0.05, max_new_tokens=500), Limits(request_seconds=0.3)) as server, client(server) as http:
        got = http.post("/v1/chat/completions", json=BODY)
        assert (got.status_code, got.json()["error"]["code"], got.headers["x-should-retry"]) == (408, "request_timeout", "false")
        with http.stream("POST", "/v1/chat/completions", json=BODY | {"stream": True}) as reply:
            lines = [line for line in reply.iter_lines() if line]
        assert json.loads(lines[-1].removeprefix("data: "))["error"]["code"] == "request_timeout" and len(lines) > 2


def test_an_engine_that_fails_costs_its_answers_and_says_nothing_of_them(caplog, capfd):
    tuned, kinds = fake_tuned(delay=0.01), []
    with serving(tuned, failed=kinds.append) as server, client(server) as http:
        tuned.engine.faults.append(RuntimeError(f"out of memory at {SECRET}"))
        body = BODY | {"messages": [{"role": "user", "content": SECRET}]}
        got = http.post("/v1/chat/completions", json=body)
        assert (
            (got.status_code, got.json()["error"]["code"]) == (500, "engine_failed")
            and tuned.engine.faults == []
            and kinds == ["RuntimeError"]
        )
        tuned.validator.check = lambda *_: 1 / 0  # type: ignore[method-assign]
        broken = http.post("/v1/chat/completions", json=body)
        assert broken.json()["error"]["code"] == "server_failed"
        assert broken.headers["connection"] == "close", "uvicorn does, and a client that kept it would meet a reset"
        with http.stream("POST", "/v1/chat/completions", json=body | {"stream": True}) as reply:
            assert "server_failed" in reply.read().decode()
        assert kinds == ["RuntimeError", "ZeroDivisionError", "ZeroDivisionError"]
        assert http.get("/health").status_code == 200 and SECRET not in http.get("/metrics").text + got.text
        assert http.get(f"/v1/models/{SECRET}").status_code == 404 and SECRET not in http.get("/metrics").text
    said = caplog.text + "".join(capfd.readouterr())
    assert SECRET not in said and KEY not in said and "Traceback" not in said


def test_an_engine_that_hangs_is_a_503_and_not_healthy_until_it_comes_back():
    tuned, kinds = fake_tuned(), []
    with serving(tuned, Limits(step_seconds=0.2, token_seconds=0), failed=kinds.append) as server, client(server) as http:
        assert (http.get("/health").status_code, http.get("/health").json()) == (200, {"status": "ok"})
        tuned.engine.flows.clear()
        got = http.post("/v1/chat/completions", json=BODY)
        assert (got.status_code, got.json()["error"]["code"]) == (503, "engine_hangs") and "start pete serve again" in got.text
        assert (http.get("/health").status_code, http.get("/health").json()) == (503, {"status": "hung"})
        assert http.post("/v1/chat/completions", json=BODY | {"stream": True}).status_code == 503, "nothing is taken meanwhile"
        tuned.engine.flows.set()
        assert wait_until(lambda: http.get("/health").status_code == 200) and kinds == ["the engine hangs"]
        assert http.post("/v1/chat/completions", json=BODY).status_code == 200 and "pete_rows 0\n" in http.get("/metrics").text


def test_a_stream_says_that_the_engine_hangs():
    tuned = fake_tuned(delay=0.01, max_new_tokens=1500)
    with serving(tuned, Limits(step_seconds=0.2, token_seconds=0)) as server, client(server) as http:
        with http.stream("POST", "/v1/chat/completions", json=BODY | {"stream": True}) as reply:
            lines = []
            for line in reply.iter_lines():
                lines += [line] if line else []
                if len(lines) == 4:
                    tuned.engine.flows.clear()
        assert '"code":"engine_hangs"' in lines[-1] and len(lines) > 4
        tuned.engine.flows.set()
        assert wait_until(lambda: "pete_rows 0\n" in http.get("/metrics").text)


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_goes_away_frees_its_row(stream):
    tuned = fake_tuned(delay=0.02, max_new_tokens=1500)
    with serving(tuned) as server:
        with client(server) as http, pytest.raises(httpx2.ReadTimeout):
            http.post("/v1/chat/completions", json=BODY, timeout=0.4) if not stream else _hang_up(http)
        assert wait_until(lambda: "pete_rows 0\n" in server.metrics.text(), 5)
        assert server.metrics.get("pete_answers_total", how="gone") == 1 and 3 < len(tuned.engine.steps) < 600


def _hang_up(http: httpx2.Client) -> None:
    with http.stream("POST", "/v1/chat/completions", json=BODY | {"stream": True}) as reply:
        for number, _ in enumerate(reply.iter_lines()):
            if number > 8:
                raise httpx2.ReadTimeout("as if")


def test_nothing_is_reported_to_wherever_the_environment_says(monkeypatch):
    from opentelemetry import trace

    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with serving(fake_tuned()) as server, client(server) as http:
        assert http.post("/v1/chat/completions", json=BODY).status_code == 200
    assert "Proxy" in type(trace.get_tracer_provider()).__name__, "nobody put an exporter there"


def test_streams_begin_before_they_end():
    with serving(fake_tuned(delay=0.02, max_new_tokens=50)) as server, client(server) as http:
        began, heard = time.monotonic(), []
        with http.stream("POST", "/v1/chat/completions", json=BODY | {"stream": True}) as reply:
            heard = [time.monotonic() - began for line in reply.iter_lines() if re.search('"content":"."', line)]
        assert len(heard) > 20 and heard[0] < heard[-1] / 2


def test_the_answer_alone_is_the_answer_beside_others():
    tuned = fake_tuned(delay=0.001)
    texts = [None] * 12
    with serving(tuned) as server, client(server) as http:

        def ask(number: int) -> None:
            body = BODY | {"seed": number, "messages": [{"role": "user", "content": f"Question {number}?"}]}
            texts[number] = http.post("/v1/chat/completions", json=body).json()["choices"][0]["message"]["content"]

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert max(tuned.engine.steps) > 1
    same = fake_tuned()
    for number, text in enumerate(texts):
        sampling = same.config.generate.model_copy(update={"seed": number})
        turns = same.formatter([Message("user", f"Question {number}?")])
        assert answer_all(same.engine, same.renderer, [turns], sampling, same.stops)[0].text == text
