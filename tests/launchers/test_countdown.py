"""The seconds before an unfinished run goes on, in a real terminal."""

import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pete.resources import PROJECT
from tests.launchers.conftest import Window

ASK = "from pete.cli.countdown import wants_new; print('ready', flush=True); print('answer', wants_new('night-1.', {seconds}))"
ENV = os.environ | {"PYTHONPATH": str(PROJECT / "src"), "TERM": "xterm"}


def window(tmp_path: Path, seconds: float) -> Window:
    return Window([sys.executable, "-c", ASK.format(seconds=seconds)], tmp_path, ENV)


@pytest.mark.parametrize(
    ("key", "answer"), [("n", "True"), ("N", "True"), ("\n", "False"), (" ", "False"), ("\x1b[A", "False"), ("\x04", "False")]
)
def test_one_key_decides_at_once(tmp_path, key, answer):
    asked = window(tmp_path, 300)
    asked.wait_for("night-1.")
    asked.wait_for("Going on with it in 300 s. Press n for a new run")
    asked.type(key)
    asked.wait_for(f"answer {answer}")
    assert asked.ended() == 0


def test_no_key_goes_on(tmp_path):
    asked = window(tmp_path, 1.2)
    asked.wait_for("answer False")
    assert "in 1 s." in asked.text and asked.ended() == 0
    assert all(len(line) < 80 for line in re.split(r"[\r\n]", asked.text)), "a line that wraps cannot be written over"


def test_what_was_typed_before_the_question_is_no_answer(tmp_path):
    script = ASK.format(seconds=0.5).replace("print('answer'", "import time; time.sleep(0.5); print('answer'")
    asked = Window([sys.executable, "-c", script], tmp_path, ENV)
    asked.wait_for("ready")
    asked.type("n\n")
    asked.wait_for("answer False")
    assert asked.ended() == 0


def test_ctrl_c_is_still_ctrl_c_and_the_terminal_is_left_as_it_was(tmp_path):
    command = f'{shlex.quote(sys.executable)} -c "{ASK.format(seconds=300)}" 2>/dev/tty; stty -a'
    asked = Window(["/bin/sh", "-c", f"trap : INT; {command}"], tmp_path, ENV)
    asked.wait_for("Going on with")
    asked.type("\x03")
    asked.wait_for(" icanon")
    assert "-icanon" not in asked.text and "answer" not in asked.text and asked.ended() == 0


def test_without_a_terminal_or_in_the_background_nobody_is_asked(tmp_path):
    command = [sys.executable, "-c", ASK.format(seconds=300)]
    began = time.monotonic()
    for stdin in (subprocess.DEVNULL, subprocess.PIPE):
        done = subprocess.run(command, env=ENV, stdin=stdin, capture_output=True, text=True, timeout=30)
        assert "answer False" in done.stdout and done.stderr == ""
    script = f'set -m; {shlex.quote(sys.executable)} -c "{ASK.format(seconds=300)}" & wait'
    asked = Window(["/bin/sh", "-c", script], tmp_path, ENV)
    asked.wait_for("answer False")
    assert asked.ended() == 0
    assert time.monotonic() - began < 30
