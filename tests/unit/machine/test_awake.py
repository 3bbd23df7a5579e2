import os
import signal
import stat
import subprocess
import sys
import time

from pete.machine.awake import keep_awake

STUB = """#!/bin/sh
echo "$*" >"{log}"
trap 'echo ended >>"{log}"; exit' TERM
while kill -0 "$3"; do sleep 0.02; done
echo released >>"{log}"
"""


def program(tmp_path, name="caffeinate", text=STUB):
    path = tmp_path / name
    path.write_text(text.format(log=tmp_path / "log"))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def wait_for(path, text):
    end = time.monotonic() + 10
    while not (path.exists() and text in path.read_text()):
        assert time.monotonic() < end, f"never saw {text!r}"
        time.sleep(0.01)
    return path.read_text()


def test_a_mac_is_held_awake_for_as_long_as_the_block_lasts(tmp_path):
    with keep_awake(os.getpid(), "Darwin", program(tmp_path)) as awake:
        assert awake.held and not awake.caution and "stays awake" in awake.words
        assert wait_for(tmp_path / "log", "-w") == f"-ims -w {os.getpid()}\n", "never -d: the display may sleep"
    assert (tmp_path / "log").read_text().endswith("ended\n"), "and not a moment longer"


def test_it_is_let_go_when_the_process_dies_without_a_word(tmp_path):
    held = f"with keep_awake(os.getpid(), 'Darwin', {program(tmp_path)!r}):\n    time.sleep(60)"
    script = f"import os, time\nfrom pete.machine.awake import keep_awake\n{held}"
    process = subprocess.Popen([sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    wait_for(tmp_path / "log", "-w")
    process.kill()
    assert process.wait(10) == -signal.SIGKILL
    wait_for(tmp_path / "log", "released")


def test_ctrl_c_in_the_terminal_reaches_training_alone(tmp_path):
    with keep_awake(os.getpid(), "Darwin", program(tmp_path)):
        wait_for(tmp_path / "log", "-w")
        child = next(p for p in map(int, _children()) if os.getpgid(p) != os.getpgrp())
        assert os.getsid(child) != os.getsid(0)


def _children():
    import psutil

    return [child.pid for child in psutil.Process().children()]


def test_a_mac_without_the_program_is_a_caution_and_nothing_more(tmp_path):
    with keep_awake(os.getpid(), "Darwin", str(tmp_path / "caffeinate")) as awake:
        assert not awake.held and awake.caution and "may sleep" in awake.words and "No such file" in awake.words


def test_elsewhere_nothing_is_started(tmp_path):
    with keep_awake(os.getpid(), "Linux", program(tmp_path)) as awake:
        assert not awake.held and not awake.caution and "own settings" in awake.words
    assert not (tmp_path / "log").exists()


def test_one_that_will_not_end_is_ended(tmp_path, monkeypatch):
    waits = []
    wait = subprocess.Popen.wait

    def impatient(self, timeout=None):
        waits.append(timeout)
        if timeout:
            raise subprocess.TimeoutExpired("caffeinate", timeout)
        return wait(self)

    monkeypatch.setattr(subprocess.Popen, "wait", impatient)
    with keep_awake(os.getpid(), "Darwin", program(tmp_path, text="#!/bin/sh\ntrap '' TERM\nexec sleep 60\n")):
        pass
    assert waits == [5, None]
