"""pete blind through the real command line: at a terminal, away from one, and as a page."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pete.config import resolve
from pete.evaluate.blind.record import blind_tests, pairs_of
from pete.resources import PROJECT
from pete.run import RunDir
from tests.unit.evaluate.blind.test_record import an_evaluation

ENVIRONMENT = os.environ | {"PYTHONPATH": str(PROJECT / "src"), "TERM": "xterm-256color", "LINES": "40"}


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    run = RunDir.create(tmp_path / "a run [b]", "x")
    run.write_config(resolve("quickstart"))
    an_evaluation().write(run.evaluation_file("suite"))
    return run


class Terminal:
    """`pete blind` in a terminal of its own."""

    def __init__(self, run: RunDir, *args: str, width: int = 80) -> None:
        self.master, slave = pty.openpty()
        command = [sys.executable, "-m", "pete", "blind", str(run.folder), *args]
        env = ENVIRONMENT | {"COLUMNS": str(width)}
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True)
        os.close(slave)
        self.seen = ""

    def until(self, words: str) -> str:
        """What was printed since the last call, up to these words."""
        end = time.monotonic() + 20
        while words not in self.seen:
            assert time.monotonic() < end, self.seen
            if select.select([self.master], [], [], 0.2)[0]:
                self.seen += os.read(self.master, 65536).decode()
        before, _, self.seen = self.seen.partition(words)
        return before + words

    def press(self, keys: str) -> None:
        time.sleep(0.05)  # what is typed before the question is thrown away
        os.write(self.master, keys.encode())

    def end(self) -> tuple[str, int]:
        while True:
            try:
                more = os.read(self.master, 65536)
            except OSError:  # Linux: the other end is closed
                more = b""
            if not more:
                return self.seen, self.process.wait(20)
            self.seen += more.decode()


KEYS = "quit and keep"


def test_left_and_gone_on_with_until_it_is_clear(run: RunDir):
    first = Terminal(run)
    shown = first.until(KEYS)
    assert "1 of 20" in shown and "Ask " in shown and "tuned says" in shown and "base says" in shown
    first.press("x")
    first.press("\x1b[A")  # an arrow key is no choice
    first.press("a")
    first.until(KEYS)
    first.press("=" * 100)  # a key held down is one answer; 64 are read at once
    assert "3 of 20" in first.until(KEYS)
    first.press("q")
    said, code = first.end()
    (file,) = blind_tests(run)
    assert code == 0 and f"2 of 20 judged, kept in {file}" in said.replace("\r\n", " ") and "tuned 1" not in said and "to go on" in said
    assert "".join(pair.choice for pair in blind_tests(run)[file].pairs) == "a="
    pairs = pairs_of(an_evaluation(), blind_tests(run)[file].seed)

    again = Terminal(run, width=120)
    again.until("another key to go on")
    again.press(" ")
    more = 6 if pairs[0].a_is == "tuned" else 11  # 7 of 7, or 11 of 12
    for number, pair in enumerate(pairs[2 : 2 + more], 3):
        assert f"{number} of 20" in again.until(KEYS)
        again.press("a" if pair.a_is == "tuned" else "b")
    said, code = again.end()
    assert code == 0 and "Clear: tuned is preferred." in said and "tuned won" in said
    test = blind_tests(run)[file]
    assert test.preferred == "tuned" and len(test.pairs) == 2 + more and list(blind_tests(run)) == [file]


def test_ctrl_c_keeps_what_was_judged(run: RunDir):
    terminal = Terminal(run)
    terminal.until(KEYS)
    terminal.press("b")
    terminal.until(KEYS)
    os.killpg(terminal.process.pid, 2)
    said, code = terminal.end()
    assert code == 130 and "1 of 20 judged, kept in" in said and "Traceback" not in said
    (test,) = blind_tests(run).values()
    assert [pair.choice for pair in test.pairs] == ["b"]


def test_nothing_judged_is_nothing_kept_and_n_begins_anew(run: RunDir):
    for key, after in (("q", 0), ("a", 1)):
        terminal = Terminal(run)
        terminal.until(KEYS)
        terminal.press(key)
        if key == "a":
            terminal.until(KEYS)
            terminal.press("q")
        terminal.end()
        assert len(blind_tests(run)) == after
    terminal = Terminal(run)
    terminal.until("another key to go on")
    terminal.press("n")
    terminal.until("1 of 20")
    terminal.until(KEYS)
    terminal.press("s")
    terminal.until(KEYS)
    terminal.press("q")
    terminal.end()
    assert sorted("".join(pair.choice for pair in test.pairs) for test in blind_tests(run).values()) == ["a", "s"]


def test_away_from_a_terminal_it_names_the_page(run: RunDir, pete):
    done = pete("blind", run.folder)
    assert done.returncode == 2 and f"pete blind {run.cli_argument} --html blind.html" in done.stderr and not done.stdout


def test_without_answers_it_names_the_evaluation(run: RunDir, pete):
    run.evaluation_file("suite").unlink()
    for more in ((), ("--html", "x.html")):
        done = pete("blind", run.folder, *more)
        assert done.returncode == 2 and f"pete evaluate {run.cli_argument}" in done.stderr


def test_a_page_is_made_once_and_its_result_is_scored(run: RunDir, pete, tmp_path: Path):
    from tests.unit.evaluate.blind.test_page import result, saved

    page = tmp_path / "page.html"
    made = pete("blind", run.folder, "--html", page, "--pairs", "5", "--json")
    assert json.loads(made.stdout) == {"file": str(page), "pairs": 5, "evaluation": "suite.json"}
    again = pete("blind", run.folder, "--html", page)
    assert again.returncode == 2 and "exists already" in again.stderr
    back = saved(tmp_path, result(run=run.name))
    read = pete("blind", run.folder, "--read", back, "--json")
    document = json.loads(read.stdout)
    assert read.returncode == 0 and document["wins"] + document["losses"] == 2 and Path(document["file"]).is_file()
    twice = pete("blind", run.folder, "--read", back)
    assert twice.returncode == 2 and "saved already" in twice.stderr
    for wrong in (("--html", "x", "--read", back), ("--read", back, "--pairs", "3"), ("--pairs", "0")):
        assert pete("blind", run.folder, *wrong).returncode == 2
