import stat
import time

import pytest

from pete.machine.notify import APPLESCRIPT, LONGEST, notify

HOSTILE = """it's "done"; do shell script "rm -rf ~" $(date) `date` \\ -e 'beep'"""


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Stub osascript and notify-send first on PATH; each writes its arguments, one a line."""
    log = tmp_path / "log"
    for name in ("osascript", "notify-send"):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\nfor a; do echo "$a"; done >"{log}"\nsleep "${{STUB_SLEEP:-0}}"\nexit "${{STUB_EXIT:-0}}"\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return log


def test_text_reaches_applescript_as_an_argument_and_never_as_script(programs):
    assert notify(HOSTILE, "Darwin")
    given = programs.read_text().splitlines()
    assert given == ["-e", APPLESCRIPT[0], "-e", APPLESCRIPT[1], "-e", APPLESCRIPT[2], "Pete", HOSTILE]


def test_a_text_cannot_pose_as_an_option_because_the_title_goes_first(programs):
    assert notify("-e beep", "Darwin")
    assert programs.read_text().splitlines()[-2:] == ["Pete", "-e beep"]


def test_one_line_of_a_sensible_length_without_control_characters(programs):
    notify("a\nb\x1b[31m\0c\u202e  d" + "x" * 500, "Darwin")
    text = programs.read_text().splitlines()[-1]
    assert text.startswith("a b [31m c d") and text.endswith("x\u2026") and len(text) == LONGEST


def test_failure_and_silence_cost_nothing(programs, monkeypatch):
    monkeypatch.setenv("STUB_EXIT", "1")
    assert notify("x", "Darwin") is False
    monkeypatch.setenv("STUB_SLEEP", "30")
    began = time.monotonic()
    assert notify("x", "Darwin", timeout=0.2) is False
    assert time.monotonic() - began < 10
    monkeypatch.setenv("PATH", "/nonexistent")
    assert notify("x", "Darwin") is False


def test_linux_needs_the_program_and_a_session(programs, tmp_path):
    bus = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/bus", "PATH": str(tmp_path / "bin")}
    assert notify("-done", "Linux", bus)
    assert programs.read_text().splitlines() == ["--", "Pete", "-done"]
    programs.unlink()
    assert notify("x", "Linux", {"PATH": bus["PATH"]}) is False, "over ssh there is nobody to tell"
    assert notify("x", "Linux", bus | {"PATH": "/nonexistent"}) is False
    assert notify("x", "Windows", bus) is False
    assert not programs.exists()
