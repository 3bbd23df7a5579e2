"""A desktop notification when a run ends. A courtesy: it may fail in silence, and never costs more than a few seconds."""

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping

TITLE = "Pete"
LONGEST = 200
"""Characters; the banner of macOS shows fewer."""

APPLESCRIPT = ("on run argv", "display notification (item 2 of argv) with title (item 1 of argv)", "end run")


def notify(text: str, system: str | None = None, environment: Mapping[str, str] = os.environ, timeout: float = 5.0) -> bool:
    """Show `text` in the corner of the screen, and say whether a program took it.

    The text reaches AppleScript as an argument and is never part of the script. On Linux only where notify-send is
    installed and the session has a bus; `timeout` is in seconds.
    """
    command = _command(system or platform.system(), _one_line(text), environment)
    if not command:
        return False
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, start_new_session=True, check=False)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _command(system: str, text: str, environment: Mapping[str, str]) -> list[str]:
    if system == "Darwin":
        return ["osascript", *(part for line in APPLESCRIPT for part in ("-e", line)), TITLE, text]
    if system == "Linux" and environment.get("DBUS_SESSION_BUS_ADDRESS") and shutil.which("notify-send", path=environment.get("PATH")):
        return ["notify-send", "--", TITLE, text]
    return []


def _one_line(text: str) -> str:
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return words if len(words) <= LONGEST else words[: LONGEST - 1] + "\u2026"
