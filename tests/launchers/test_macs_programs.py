"""A night through the launcher with a Mac's own programs as stubs: what they are told, and what happens when they are missing."""

import shlex
import sys

import pytest

from pete.machine.launchers import NAMES
from pete.resources import PROJECT
from tests.launchers.conftest import Finder

NIGHT = """
import os, sys
from pete.machine.awake import keep_awake
from pete.machine.notify import notify
with keep_awake(os.getpid(), "Darwin") as awake:
    print(awake.words)
    print("process", os.getpid())
    sys.stdout.flush()
    import time
    end = time.monotonic() + 10
    while awake.held and not os.path.exists(os.environ["LOG"]) and time.monotonic() < end:
        time.sleep(0.01)
print("told", notify('it\\'s "done"', "Darwin"))
"""
CAFFEINATE = '#!/bin/sh\necho "caffeinate $*" >>"$LOG"\nwhile kill -0 "$3" 2>/dev/null; do sleep 0.02; done\n'


@pytest.fixture
def night(finder: Finder) -> Finder:
    (finder.root / "night.py").write_text(NIGHT)
    finder.program(finder.root / "pete", f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P "${{0%/*}}/night.py"\n')
    finder.program(finder.stubs / "caffeinate", CAFFEINATE)
    finder.env["PYTHONPATH"] = str(PROJECT / "src")
    return finder


def test_held_awake_and_notified(night: Finder):
    done = night.start(night.root / "launchers" / NAMES[0])
    assert done.returncode == 0 and done.stderr == "", done.stderr
    process = done.stdout.split("process ")[1].split()[0]
    awake, told = night.did()
    assert awake == f"caffeinate -ims -w {process}" and "stays awake" in done.stdout
    assert told.startswith("osascript -e on run argv -e ") and told.endswith('-e end run Pete it\'s "done"') and "told True" in done.stdout


def test_without_them_the_night_goes_on(night: Finder):
    for name in ("caffeinate", "osascript"):
        (night.stubs / name).unlink()
    if sys.platform == "darwin":
        pytest.skip("a Mac has them in its minimal PATH")
    done = night.start(night.root / "launchers" / NAMES[0])
    assert done.returncode == 0 and "caffeinate did not start" in done.stdout and "told False" in done.stdout
