"""Processes of `pete` without the second that importing takes: a server that has imported it forks one for every call.

It reads a request a line and writes two lines for each: the number of the process, then what it ended with. Arguments,
environment, working directory, streams and exit code are those of `python -m pete`; what Python reads when it starts is not.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
import traceback
from functools import cache
from pathlib import Path
from select import select

import pete.run
from pete.places import expand
from pete.resources import PROJECT

AT_RUN_TIME = {"COLUMNS", "LINES", "PATH", "PETE_CONFIG", "PETE_JUDGE_KEY", "PETE_PAIRS_KEY", "PETE_PERSONAS", "PETE_RUNS",
               "HF_ENDPOINT", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_DISABLE_XET", "HF_HUB_OFFLINE", "HF_TOKEN", "NO_PROXY",
               "no_proxy"}  # fmt: skip
"""Variables that are looked at when they are needed, or when something is imported that the server has not."""


def run(
    *args: object, here: Path | None = None, text: str = "", timeout: float = 300, fresh: bool = False, script: str = "", **given: str
) -> subprocess.CompletedProcess[str]:
    """`python -m pete ARGS`, or `python -c SCRIPT ARGS`, to its end, with its output captured; `fresh` imports everything itself."""
    environment = os.environ | {"PYTHONPATH": str(PROJECT / "src")} | given
    words, here = list(map(str, args)), here or Path.cwd()
    # on a Mac, who has used the system's libraries may not fork
    if sys.platform == "linux" and not fresh and given.keys() <= AT_RUN_TIME:
        return _server().run(words, here, environment, text, timeout, script)
    return subprocess.run(
        [sys.executable, *(("-c", script) if script else ("-m", "pete")), *words],
        cwd=here, env=environment, input=text, capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip


@cache
def _server() -> "_Server":
    return _Server()


class _Server:
    """The server, for whoever asks it; it ends with the process that started it."""

    def __init__(self) -> None:
        environment = os.environ | {"PYTHONPATH": f"{PROJECT / 'src'}{os.pathsep}{PROJECT}"}
        # unbuffered: `select` sees the second line only while nobody has read it with the first
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "bufsize": 0}
        self._process = subprocess.Popen([sys.executable, "-m", "tests.forks"], env=environment, **pipes)

    def run(
        self, args: list[str], here: Path, environment: dict[str, str], text: str, timeout: float, script: str
    ) -> subprocess.CompletedProcess[str]:
        assert self._process.stdin is not None and self._process.stdout is not None
        with tempfile.TemporaryDirectory() as folder:
            streams = [Path(folder, name) for name in ("stdin", "stdout", "stderr")]
            streams[0].write_text(text, encoding="utf-8")
            request = {"args": args, "here": str(here), "environment": environment, "streams": list(map(str, streams)), "script": script}
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            number = int(self._process.stdout.readline())
            late = not select([self._process.stdout], [], [], timeout)[0]
            if late:
                os.kill(number, 9)
            code = int(self._process.stdout.readline())
            said, complained = (path.read_text(encoding="utf-8") for path in streams[1:])
        command = ["pete", *args]
        if late:
            raise subprocess.TimeoutExpired(command, timeout, said, complained)
        return subprocess.CompletedProcess(command, code, said, complained)


def serve() -> None:
    """Answer until nobody asks any more."""
    for module in pkgutil.walk_packages(pete.__path__, "pete."):
        if not set(module.name.split(".")) & {"torch", "llama", "mlx", "bench", "__main__"}:
            importlib.import_module(module.name)
    assert not {"torch", "huggingface_hub"} & sys.modules.keys()
    gc.freeze()
    for line in sys.stdin:
        number = os.fork()
        if number == 0:
            _become(**json.loads(line))
        print(number, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]), flush=True)


def _become(args: list[str], here: str, environment: dict[str, str], streams: list[str], script: str) -> None:
    code: object = 1
    try:
        for number, path in enumerate(streams):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
        os.chdir(here)
        os.environ.clear()
        os.environ.update(environment)
        if runs := environment.get("PETE_RUNS"):
            pete.run.RUNS = expand(runs)  # which stands there since it was imported
        sys.argv = ["pete", *args]
        sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode, encoding="utf-8") for number, mode in enumerate("rww"))
        if script:
            exec(compile(script, "<script>", "exec"), {"__name__": "__main__"})
        else:
            from pete.cli import main

            main()
        code = 0
    except SystemExit as left:
        code = left.code
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    serve()
