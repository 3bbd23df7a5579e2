import io
import os
import pty
import signal
import termios
from contextlib import contextmanager

import pytest
from rich.console import Console

from pete.errors import WorkError
from pete.monitor import terminal
from pete.monitor.terminal import ascii_only, show_lines, show_live, show_once
from tests.unit.monitor.synthetic import night
from tests.unit.monitor.test_state import look


class Looks:
    """A watch that shows one state after the other; after the last it raises what it was given."""

    def __init__(self, *states, then=None):
        self.states, self.then, self.looked = list(states), then, 0

    def look(self):
        self.looked += 1
        if self.then is not None and self.looked > len(self.states):
            raise self.then
        return self.states[min(self.looked, len(self.states)) - 1]


def screen(width=80, height=24, terminal=True, **given):
    return Console(file=io.StringIO(), width=width, height=height, force_terminal=terminal, highlight=False, **given)


def test_one_frame_leaves_a_line_for_the_prompt():
    console = screen(terminal=False)
    show_once(look(night(1234)), console)
    text = console.file.getvalue()
    assert text.count("\n") == 23 and "\x1b" not in text and max(map(len, text.split("\n"))) <= 80


def test_no_color_means_no_colour(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    console = screen(color_system="256")
    show_once(look(night(1234)), console)
    assert "\x1b[3" not in console.file.getvalue()


@pytest.mark.parametrize(
    ("encoding", "environment", "expected"),
    [
        ("utf-8", {}, False),
        ("ascii", {}, True),
        ("iso8859-1", {}, True),
        ("utf-8", {"LC_ALL": "C"}, True),
        ("utf-8", {"TERM": "linux"}, True),
    ],
)
def test_when_only_ascii_is_safe(monkeypatch, encoding, environment, expected):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("LC_ALL", raising=False)
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    console = Console(file=io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert ascii_only(console) is expected


def test_lines_tell_what_happens_once_and_end_with_the_run():
    states = [look(night(n, steps=300)) for n in (1, 2, 3, 50, 100, 100)] + [look(night(300, steps=300, end="done"), lock_owner_pid=None)]
    said: list[str] = []
    sleep_gaps: list[float] = []
    last = show_lines(Looks(*states), said.append, sleep_gaps.append)
    assert last.condition == "finished" and len(sleep_gaps) == len(states) - 1
    lines = [line for line in said if not line.startswith("note")]
    assert [line.split("  ")[1] for line in lines] == ["step 1 of 300", "step 50 of 300", "step 100 of 300", "step 300 of 300"]
    assert lines[-1].startswith("finished")


def test_lines_tell_a_new_warning():
    first, second = look(night(1100)), look(night(1151))
    said: list[str] = []
    show_lines(Looks(first, second, look(night(2000, end="done"))), said.append, lambda _: None)
    assert sum("note: swap grew" in line for line in said) == 1 and not any("linalg" in line for line in said)


def test_ctrl_c_between_lines_leaves_quietly():
    def interrupt(_):
        raise KeyboardInterrupt

    assert show_lines(Looks(look(night(5))), lambda _: None, interrupt).condition == "running"


@pytest.fixture
def keyboard(monkeypatch):
    """A terminal as standard input; write into it what is typed."""
    ours, theirs = pty.openpty()
    file = os.fdopen(theirs, "r")
    monkeypatch.setattr("sys.stdin", file)
    monkeypatch.setattr(terminal, "TICK_SECONDS", 0.01)
    yield ours
    file.close()
    os.close(ours)


def test_q_leaves_and_the_terminal_is_put_back(keyboard):
    before = termios.tcgetattr(keyboard)
    console = screen()
    os.write(keyboard, b"q")
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    state = show_live(Looks(look(night(1234))), console)
    text = console.file.getvalue()
    assert state.history.last_step == 1234 and "1,234" in text and text.count("\x1b[?1049h") == text.count("\x1b[?1049l") == 1
    assert text.count("\x1b[?7l") == text.count("\x1b[?7h") == 1 and text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    assert termios.tcgetattr(keyboard) == before
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)] == handlers


@pytest.mark.parametrize("error", [WorkError("gone"), ZeroDivisionError("a mistake of ours"), SystemExit(143)])
def test_whatever_ends_it_the_terminal_is_put_back(keyboard, monkeypatch, error):
    monkeypatch.setattr(terminal, "LOOK_SECONDS", 0.0)
    console = screen()
    with pytest.raises(type(error)):
        show_live(Looks(look(night(5)), then=error), console)
    text = console.file.getvalue()
    assert text.count("\x1b[?1049l") == text.count("\x1b[?7h") == 1 and text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


def test_a_new_size_is_drawn_at_once(keyboard, monkeypatch):
    console = screen()
    sizes = iter([(80, 24), (80, 24), (60, 15)])

    shown: list[tuple[int, int]] = []
    real = terminal.frame
    monkeypatch.setattr(
        terminal, "frame", lambda state, width, height, **given: shown.append((width, height)) or real(state, width, height, **given)
    )
    waits = iter(range(4))

    def pressed(_):
        width, height = next(sizes, (60, 15))
        console.size = (width, height)
        return "q" if next(waits) == 3 else None

    @contextmanager
    def keys():
        yield pressed

    monkeypatch.setattr(terminal, "_keys", keys)
    show_live(Looks(look(night(50))), console)
    assert shown == [(80, 24), (60, 15)]
