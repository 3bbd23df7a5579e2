"""The conductor's side: a way's process is started, told when to work, heard, and ended."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from pete.engines.bench import Way
from pete.errors import WorkError
from pete.resources import python_path


class Process:
    """A way at work. Everything that it prints is in FOLDER/WAY.log."""

    def __init__(self, way: Way, folder: Path) -> None:
        self.way = way
        self._log = folder / f"{way.name}.log"
        command = [sys.executable, "-P", "-m", "pete.engines.bench", way.name, str(folder)]
        environment = {**os.environ, "PYTHONPATH": python_path(), "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment, text=True, encoding="utf-8"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except OSError:  # what was not read by a process that has ended
                continue

    def hear(self) -> dict[str, Any]:
        """Its next answer.

        Raises:
            WorkError: it failed, or ended without one.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise WorkError(f"{self.way.title}: {self._end()}")
        answer = json.loads(line)
        if "error" in answer:
            raise WorkError(f"{self.way.title}: {answer['error']}")
        return answer

    def ask(self, **order: Any) -> dict[str, Any]:
        """Give an order and wait for its answer; raises as `hear`."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        except OSError:
            pass  # it has ended: what it said last, or how, is heard below
        return self.hear()

    def end(self) -> None:
        """There are no more orders: it saves what it has to save, and ends.

        Raises:
            WorkError: it failed at that.
        """
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.stdout is not None
        said = self._process.stdout.read()
        if self._process.wait():
            failures = [answer["error"] for answer in map(json.loads, said.splitlines()) if "error" in answer]
            raise WorkError(f"{self.way.title}: {failures[-1] if failures else self._end()}")

    def _end(self) -> str:
        code = self._process.wait()
        if code == -9:
            return "the system ended it, which it does when memory runs out"
        last = [line for line in self._log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()][-1:]
        return f"it ended with code {code}" + (f" ({last[0].strip()[:200]})" if last else "")
