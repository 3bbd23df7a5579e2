"""What the server costs: tokens a second of an engine alone and behind `pete serve`, the same answers, at 1 and at 8 streams.

    PYTHONPATH=src .venv/bin/python benchmarks/serve_overhead.py --delay 10          a step takes 10 ms, whoever shares it
    PYTHONPATH=src .venv/bin/python benchmarks/serve_overhead.py --run RUN           the run's own engine

Alone is `Generator.rows()` in this process and nothing else: join, step, until all have ended. Served is the real server, in this
process, asked over its socket by another one that reads every event. Both take turns; the medians are compared. A machine that others
use says nothing.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

PROMPT = "Write a tagline for a bakery."
CLIENT = """
import json, socket, sys, threading, time
port, key, streams, body = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
tokens = []
def ask(seed):
    text = json.dumps(json.loads(body) | {"seed": seed}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nAuthorization: Bearer {key}\\r\\nConnection: close\\r\\n"
    head += f"Content-Type: application/json\\r\\nContent-Length: {len(text)}\\r\\n\\r\\n"
    with socket.create_connection(("127.0.0.1", port)) as made:
        made.sendall(head.encode() + text)
        last = b""
        while more := made.recv(65536):
            last = (last + more)[-2000:]
    assert b"[DONE]" in last, last
    tokens.append(int(last.rsplit(b'"completion_tokens":', 1)[1].split(b",")[0]))
threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(streams)]
began = time.perf_counter()
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert len(tokens) == streams
print(sum(tokens), time.perf_counter() - began)
"""


def delayed(seconds: float):
    """A model that says letters, and whose every step takes so long."""
    import numpy as np

    from pete.config import Config, ModelConfig
    from pete.data.render import Renderer
    from pete.engines.fake import FakeEngine, byte_tokenizer, fake_base
    from pete.engines.rows import RowsInTurns
    from pete.generate.stream import Tuned
    from pete.persona import PLAIN_TEMPLATE

    class Steps(RowsInTurns):
        def step(self):
            time.sleep(seconds)  # as an engine that computes outside of Python: others may run meanwhile
            return super().step()

    class Delayed(FakeEngine):
        def rows(self, most=1):
            return Steps(self, most)

    config = Config.model_validate({"engine": {"name": "fake"}, "model": {"base": "fake"}})
    engine = Delayed(config)
    engine.load(ModelConfig(base="fake"))
    tokenizer = byte_tokenizer()
    away = np.ones(tokenizer.get_vocab_size(), dtype=bool)
    away[[tokenizer.token_to_id(letter) for letter in "abcdefghijklmnopqrstuvwxyzĠ"]] = False
    engine._table[:, away] = -1e9
    renderer = Renderer(fake_base().folder, template=PLAIN_TEMPLATE, system="", context=2048)
    return Tuned(engine, renderer, SimpleNamespace(stop=("\n### Instruction:",), avoid=()), config)


def alone(tuned, rows, prompt: list[int], sampling, streams: int) -> tuple[int, float]:
    """(tokens, seconds) of the engine and nothing else; its rows are kept between rounds, as the server keeps its own."""
    tokens = 0
    began = time.perf_counter()
    left = {rows.join(prompt, sampling.model_copy(update={"seed": seed}), tuned.renderer.ends) for seed in range(streams)}
    while left:
        for row, token in rows.step():
            if token is None or token in tuned.renderer.ends:
                rows.leave(row)
                left.discard(row)
            tokens += token is not None
    return tokens, time.perf_counter() - began


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--delay", type=float, help="milliseconds of a step of an engine that only waits")
    asked.add_argument("--run", help="a run, for its own engine")
    asked.add_argument("--tokens", type=int, default=100)
    asked.add_argument("--rounds", type=int, default=5)
    given = asked.parse_args()

    from pete.data.render import Message
    from pete.generate.stream import prompt_ids
    from pete.run import RunDir
    from pete.serve.limits import Limits
    from pete.serve.server import Server, listen

    if given.run:
        from pete.app.chat import open_chat

        tuned = open_chat(RunDir.find(given.run))
    else:
        tuned = delayed((given.delay or 10.0) / 1000)
    sampling = tuned.config.generate.model_copy(update={"max_new_tokens": given.tokens, "temperature": 1.0, "top_k": 0, "top_p": 1.0})
    turns = tuned.formatter([Message("user", PROMPT)])
    prompt = prompt_ids(tuned.renderer, turns, sampling)
    taken, key = listen("127.0.0.1", 0), "pete-" + "k" * 40
    server = Server(tuned, "m", taken, key)
    body = {"model": "m", "messages": [{"role": "user", "content": PROMPT}], "stream": True, "stream_options": {"include_usage": True},
            "max_tokens": given.tokens, "temperature": 1.0, "top_k": 0, "top_p": 1.0}  # fmt: skip
    threading.Thread(target=server.run, daemon=True).start()
    port = taken.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port)):
        pass
    results, rows = [], tuned.engine.rows(Limits().rows)
    for streams in (1, 8):
        speeds: dict[str, list[float]] = {"alone": [], "served": []}
        for _ in range(given.rounds + 1):
            tokens, seconds = alone(tuned, rows, prompt, sampling, streams)
            speeds["alone"].append(tokens / seconds)
            client = [sys.executable, "-S", "-c", CLIENT, str(port), key, str(streams), json.dumps(body)]
            served, took = subprocess.run(client, capture_output=True, text=True, check=True).stdout.split()
            speeds["served"].append(int(served) / float(took))
        medians = {name: statistics.median(values[1:]) for name, values in speeds.items()}  # the first warms up
        overhead = 1 - medians["served"] / medians["alone"]
        results.append({"streams": streams, **{name: round(value, 2) for name, value in medians.items()}, "overhead": round(overhead, 4)})
        print(f"{streams} streams: alone {medians['alone']:8.1f} tokens/s, served {medians['served']:8.1f}, overhead {overhead:6.1%}")
    engine = (given.run and f"{tuned.engine.name} ({tuned.engine.base.name})") or f"{given.delay or 10.0:g} ms a step"
    print(json.dumps({"engine": engine, "cores": os.cpu_count(), "tokens": given.tokens, "rounds": given.rounds, "results": results}))
    server.stop()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
    main()
