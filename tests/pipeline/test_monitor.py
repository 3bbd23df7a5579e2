"""pete monitor through the real command line: while a run goes on, after kill -9, after its end, and with the folder deleted."""

import json
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import ioctl
from pathlib import Path

import pytest

from pete import events
from pete.resources import PROJECT
from tests import forks
from tests.conftest import small_persona
from tests.pipeline.conftest import FAKE

LONG = [
    "--set",
    "train.steps=40000",
    "--set",
    "train.save_every=100",
    "--set",
    "train.eval_every=100",
    "--set",
    "optim.learning_rate=0.01",
]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(PROJECT / "src")}


@contextmanager
def started(persona: Path, folder: Path) -> Iterator["subprocess.Popen[str] | forks.Started"]:
    """A training that would go on for hours, past its first checkpoint."""
    process = forks.start("train", "--persona", persona, "--out", folder, *FAKE, *LONG)
    try:
        for _ in range(3000):
            if any(isinstance(e, events.Saved) for e in events.read(folder / "events.jsonl")):
                break
            assert process.poll() is None
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def training(persona_folder, tmp_path):
    """A run of its own for a test that ends it, and its folder."""
    with started(persona_folder, tmp_path / "a run") as process:
        yield process, tmp_path / "a run"


@pytest.fixture(scope="module")
def going_on(tmp_path_factory):
    """One run for those that only watch, and its folder."""
    place = tmp_path_factory.mktemp("going-on")
    with started(small_persona(place / "persona"), place / "a run") as process:
        yield process, place / "a run"


class Screen:
    """`pete monitor` in a terminal of its own."""

    def __init__(self, *args, width=80, height=24):
        self.master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        env = {k: v for k, v in ENVIRONMENT.items() if k not in ("COLUMNS", "LINES", "NO_COLOR", "LC_ALL")} | {"TERM": "xterm-256color"}
        command = [sys.executable, "-m", "pete", "monitor", *map(str, args)]
        self.process = subprocess.Popen(
            command,
            env=env,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C is a signal, as for a person
        )
        os.close(slave)
        self.text = ""

    def until(self, wanted, seconds=30):
        end = time.monotonic() + seconds
        while wanted not in self.text:
            assert time.monotonic() < end, self.text[-3000:]
            ready, _, _ = select.select([self.master], [], [], 0.1)
            if ready:
                try:
                    self.text += os.read(self.master, 65536).decode(errors="replace")
                except OSError:  # Linux says so when the last one on the other side is gone
                    assert wanted in self.text, self.text[-3000:]

    def close(self):
        code = self.process.wait(20)
        os.close(self.master)
        return code


def test_killed_while_it_is_watched(training, pete):
    process, folder = training
    screen = Screen(folder)
    screen.until("running")
    process.kill()
    assert process.wait() == -signal.SIGKILL, "the kill landed"
    screen.until("crashed")
    screen.until("pete resume")
    os.write(screen.master, b"q")
    assert screen.close() == 0
    document = json.loads(pete("monitor", folder, "--json").stdout)
    assert document["condition"] == "crashed" and document["pid"] is None and document["remaining"] is None
    assert document["next"] == f"pete resume '{folder}'" and document["saved_step"] >= 100 and document["failure"] is None
    assert "killed, or" in pete("monitor", folder, "--once").stdout


def test_interrupted_can_go_on(training, pete):
    process, folder = training
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    shown = pete("monitor", folder, "--once").stdout
    assert "interrupted" in shown and "go on: pete resume" in shown and "saved at step" in shown
    lines = pete("monitor", folder)
    assert lines.returncode == 0 and lines.stdout.startswith("interrupted  step"), "without a terminal it says so and leaves"


def test_the_folder_deleted_while_it_is_watched(training):
    process, folder = training
    screen = Screen(folder)
    screen.until("running")
    process.kill()
    process.wait()
    shutil.rmtree(folder)
    screen.until("deleted or moved while it was watched")
    assert screen.close() == 1
    assert "Traceback" not in screen.text and screen.text.index("\x1b[?1049l") < screen.text.index("deleted or moved")


def test_after_the_end(pete, persona_folder, tmp_path):
    runs = tmp_path / "all"
    done = pete("train", "--persona", persona_folder, "--out", runs / "mine", *FAKE, "--set", "train.epochs=30", PETE_RUNS=str(runs))
    assert done.returncode == 0, done.stderr
    document = json.loads(pete("monitor", "--json", PETE_RUNS=str(runs)).stdout)
    assert document["condition"] == "finished" and document["run"] == "mine" and document["next"] == "pete test mine"
    assert document["step"] == document["steps"] and document["took"] > 0
    assert "try it: pete test mine" in pete("monitor", "--once", PETE_RUNS=str(runs)).stdout


def test_no_run_yet(pete, tmp_path):
    for extra in ([], ["--once"], ["--json"]):
        done = pete("monitor", *extra, PETE_RUNS=str(tmp_path / "none"))
        assert done.returncode == 2 and "no run in" in done.stderr and "pete quickstart" in done.stderr and done.stdout == ""


# at the end: this run trains as fast as it can while others would wait for their first step


def test_a_run_that_goes_on(pete, going_on):
    process, folder = going_on
    document = json.loads(pete("monitor", folder, "--json").stdout)
    assert document["condition"] == "running" and document["pid"] == process.pid and document["steps"] == 40000
    assert document["step"] >= 100 and document["remaining"] > 0 and document["curves"]["validation"][0][0] == 0
    once = pete("monitor", folder, "--once", COLUMNS="80", LINES="24")
    assert once.returncode == 0 and f"running · process {process.pid}" in once.stdout and "done by" in once.stdout and "┤" in once.stdout
    lines = once.stdout.rstrip("\n").split("\n")
    assert len(lines) <= 24 and max(map(len, lines)) <= 80 and "\x1b" not in once.stdout
    plain = pete("monitor", folder, "--once", PYTHONIOENCODING="ascii", TERM="dumb")
    assert plain.returncode == 0 and plain.stdout.isascii() and "running - process" in plain.stdout
    later = json.loads(pete("monitor", folder, "--json").stdout)
    assert later["step"] > document["step"], "and the run went on"


@pytest.mark.parametrize("leave", [b"q", b"\x03", signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_leaving_never_touches_the_run(going_on, leave):
    process, folder = going_on
    screen = Screen(folder)
    screen.until("q leaves; the run goes on")
    if isinstance(leave, bytes):
        os.write(screen.master, leave)
        screen.until("running  step")
        assert screen.close() == 0
    else:
        os.kill(screen.process.pid, leave)
        if leave != signal.SIGKILL:
            screen.until("\x1b[?1049l")
        assert screen.close() == (-leave if leave == signal.SIGKILL else 128 + leave)
    before = sum(1 for _ in events.read(folder / "events.jsonl"))
    time.sleep(0.3)
    assert process.poll() is None and sum(1 for _ in events.read(folder / "events.jsonl")) > before


def test_a_run_that_failed_shows_its_last_error(pete, going_on, tmp_path):
    folder = shutil.copytree(going_on[1], tmp_path / "a run", ignore=shutil.ignore_patterns("checkpoints"))  # where nobody is at work
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    (folder / "errors.jsonl").write_text(json.dumps({"time": stamp, "kind": "WorkError", "message": "no number", "traceback": []}) + "\n")
    assert "last error: WorkError: no number" in pete("monitor", folder, "--once").stdout
