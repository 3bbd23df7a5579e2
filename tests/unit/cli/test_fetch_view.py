"""A download's line; that downloads are shown at all: tests/unit/engines/base_models/test_hub.py."""

import time

from pete.cli import fetch_view
from pete.cli.fetch_view import FetchView, fetches_shown
from pete.listener import LISTENER

MB = 10**6


def test_a_log_gets_a_line_every_tenth(capsys):
    view = FetchView()
    for done in range(0, 101):
        view.progress("own/tiny", done * MB, 100 * MB)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10 and lines[0] == "  10 MB of 100 MB" and lines[-1] == "  100 MB of 100 MB"


def test_a_terminal_has_one_line_with_speed_and_time_left(monkeypatch, capsys):
    clock, drawn = [0.0], []
    monkeypatch.setattr(fetch_view, "draws", lambda stream: True)
    monkeypatch.setattr(fetch_view, "redraw", drawn.append)
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    with fetches_shown():
        for second in range(0, 11):
            clock[0] = float(second)
            LISTENER.get().progress("own/tiny", (50 + second) * MB, 1000 * MB)
        assert drawn[-1] == "  60 MB of 1.0 GB, 1.0 MB/s, 16 min left"
    assert capsys.readouterr().err == "\n", "whoever writes next begins a line of its own"
