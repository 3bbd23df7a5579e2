"""A checkout with a folder name full of traps, whose ./pete only writes down how it was started; and Finder's way of starting things."""

import os
import pty
import select
import shutil
import stat
import subprocess
import time
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
MINIMAL = "/usr/bin:/bin:/usr/sbin:/sbin"
AWKWARD = 'my "own" pete\'s $HOME `x` \\ (1) & ü'

PETE = """#!/bin/sh
echo "pete $* in $PWD as $0" >>"$LOG"
[ "$1" != chat ] || { read -r line; echo "you said $line"; }
eval "exit \\${EXIT_$1:-0}"
"""


class Finder:
    """Starts launchers as Finder does: nearly no environment, the home folder as working directory, an absolute path."""

    def __init__(self, tmp: Path) -> None:
        self.root, self.home, self.stubs, self.log = tmp / AWKWARD, tmp / "my home's", tmp / "stubs", tmp / "log"
        self.desktop = self.home / "Desktop"
        for folder in (self.root, self.desktop, self.stubs):
            folder.mkdir(parents=True)
        shutil.copytree(CHECKOUT / "launchers", self.root / "launchers")
        self.program(self.root / "pete", PETE)
        for name in ("caffeinate", "osascript", "pmset"):
            self.program(self.stubs / name, f'#!/bin/sh\necho "{name} $*" >>"$LOG"\nexit "${{EXIT_{name.replace("-", "_")}:-0}}"\n')
        self.program(self.stubs / "uname", '#!/bin/sh\n[ "$*" = -m ] && echo arm64 || echo Darwin\n')
        self.env = {"HOME": str(self.home), "PATH": f"{self.stubs}:{MINIMAL}", "LOG": str(self.log)}

    def program(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def start(self, path: Path, keys: str = "\n", shell: tuple[str, ...] = (), **env: str) -> subprocess.CompletedProcess[str]:
        command = [*shell, str(path)]
        return subprocess.run(command, cwd=self.home, env=self.env | env, input=keys, capture_output=True, text=True, timeout=60)

    def window(self, path: Path, **env: str) -> "Window":
        return Window([str(path)], self.home, self.env | {"TERM": "xterm-256color"} | env)

    def did(self) -> list[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines


class Window:
    """A terminal window with a program in it, as leader of its session."""

    def __init__(self, command: list[str], cwd: Path, env: dict[str, str]) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execve(command[0], command, env)
        self.text = ""

    def wait_for(self, text: str, seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while text not in self.text:
            assert time.monotonic() < end, f"never saw {text!r} in {self.text!r}"
            assert self.look(), f"ended without {text!r}: {self.text!r}"

    def look(self) -> bool:
        """Take in what was printed meanwhile (a window nobody reads fills up and holds the program); False when it ended."""
        if select.select([self.fd], [], [], 0.02)[0]:
            try:
                self.text += os.read(self.fd, 65536).decode(errors="replace")
            except OSError:  # Linux: nobody holds the other end any more
                return False
        return True

    def type(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def is_open(self) -> bool:
        return os.waitpid(self.pid, os.WNOHANG) == (0, 0)

    def ended(self) -> int:
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        return code

    def close(self) -> None:
        """What clicking the red button does: the terminal goes away under the program."""
        os.close(self.fd)


@pytest.fixture
def finder(tmp_path: Path) -> Finder:
    return Finder(tmp_path)
