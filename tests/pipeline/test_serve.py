"""pete serve as people start it: a process of its own, clients beside it, Ctrl-C."""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import openai
import pytest

from pete.resources import PROJECT
from tests import forks
from tests.pipeline.conftest import FAKE
from tests.server import wait_until

PROMPT = "Write a tagline for the bakery of Zoltan Qwerty."


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained run, on the fake engine."""
    from tests.conftest import small_persona

    here = tmp_path_factory.mktemp("serve")
    persona = small_persona(here / "persona")
    done = pete(here, "train", "--persona", persona, "--out", here / "run", *FAKE, "--set", "train.steps=6")
    assert done.returncode == 0, done.stderr
    return here / "run"


def environment(here: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(PROJECT / "src"), "COLUMNS": "100", "PETE_CONFIG": str(here / "settings")}


def pete(here: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return forks.run(*words, here=here, timeout=120, COLUMNS="100", PETE_CONFIG=str(here / "settings"))


@contextmanager
def server(here: Path, *words: object) -> Iterator[tuple[subprocess.Popen[str], str, Path]]:
    """pete serve, ready: (process, its address, what it says so far)."""
    said = here / "said.txt"
    with said.open("w") as out:
        command = [sys.executable, "-m", "pete", "serve", *map(str, words), "--port", "0"]
        process = subprocess.Popen(command, cwd=here, env=environment(here), stdout=out, stderr=subprocess.STDOUT, text=True)
    try:
        assert wait_until(lambda: process.poll() is not None or "Ctrl-C" in said.read_text(), 60) and process.poll() is None, (
            said.read_text()
        )
        (url,) = re.findall(r"served at (http://\S+)/v1", said.read_text())
        assert wait_until(lambda: httpx2.get(f"{url}/health").status_code == 200)
        yield process, url, said
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def test_a_run_is_served_to_openais_client_until_ctrl_c(run, tmp_path):
    with server(tmp_path, run, "--set", "generate.max_new_tokens=30") as (process, url, said):
        file = tmp_path / "settings/serve/key"
        key = file.read_text().strip()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600 and said.read_text().count(key) == 1
        client = openai.OpenAI(base_url=f"{url}/v1", api_key=key)
        asked = {"model": client.models.list().data[0].id, "messages": [{"role": "user", "content": PROMPT}], "seed": 3}
        plain = client.chat.completions.create(**asked)
        streamed = "".join(chunk.choices[0].delta.content or "" for chunk in client.chat.completions.create(**asked, stream=True))
        assert plain.model == "run" and plain.choices[0].message.content == streamed and plain.usage.completion_tokens > 0
        assert isinstance(plain.choices[0].x_pete["broken"], list)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    text = said.read_text()
    assert "Traceback" not in text and "Zoltan" not in text and (not streamed or streamed not in text)
    with server(tmp_path, run) as (_, _, said):
        assert key not in said.read_text() and str(file) in said.read_text().replace("\n", ""), "the second start says only where it is"
    with server(tmp_path, run) as (process, _, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in (143, -15)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_the_command_that_is_shown_works_and_so_does_a_stream_with_curl(run, tmp_path):
    with server(tmp_path, run, "--set", "generate.max_new_tokens=30") as (process, url, said):
        (command,) = re.findall(r"try:\s+(curl .*)", said.read_text())
        done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0 and "error" not in done.stdout, done.stdout + done.stderr
        key = (tmp_path / "settings/serve/key").read_text().strip()
        body = json.dumps({"model": "run", "messages": [{"role": "user", "content": PROMPT}], "stream": True})
        curl = [
            "curl",
            "-sN",
            f"{url}/v1/chat/completions",
            "-H",
            f"Authorization: Bearer {key}",
            "-H",
            "Content-Type: application/json",
            "-d",
            body,
        ]
        lines = subprocess.run(curl, capture_output=True, text=True, timeout=30, check=True).stdout.split("\n\n")
        assert lines[0].startswith('data: {"id":"chatcmpl-') and lines[-2] == "data: [DONE]"
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130 and time.monotonic() - began < 10


def test_what_cannot_be_served_is_one_error_and_the_next_command(run, tmp_path):
    with server(tmp_path, run) as (_, url, _):
        port = url.rsplit(":", 1)[1]
        taken = pete(tmp_path, "serve", run, "--port", port)
    assert taken.returncode == 2 and f"Port {port} of 127.0.0.1 is taken" in taken.stderr and f"--port {int(port) + 1}" in taken.stderr
    for words, message in (
        (["nosuch"], "There is no run"),
        ([run, "--cors", "*"], "--cors"),
        ([run, "--host", "no.invalid"], "no such address"),
        ([run, "--port", "99999"], "port"),
    ):
        refused = pete(tmp_path, "serve", *words)
        assert refused.returncode == 2 and message in refused.stderr and "Traceback" not in refused.stderr
    key = tmp_path / "settings/serve/key"
    key.chmod(0o644)
    refused = pete(tmp_path, "serve", run, "--port", 0)
    assert refused.returncode == 2 and "can be read by others" in refused.stderr.replace("\n", " ")
