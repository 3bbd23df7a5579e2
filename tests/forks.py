"""Processes of Python without the seconds that importing takes: a server that has imported everything forks one for every call.

There are two, one of them with PyTorch. Arguments, environment, working directory, streams and exit code are those of `python -m pete`;
what Python and its packages read when they start is not.
"""

import array
import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import socket
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import pete.run
from pete.places import expand
from pete.resources import PROJECT

AT_RUN_TIME = {"COLUMNS", "LINES", "PATH", "PETE_CACHE", "PETE_CONFIG", "PETE_JUDGE_KEY", "PETE_PAIRS_KEY", "PETE_PERSONAS", "PETE_RUNS",
               "NO_PROXY", "no_proxy"}  # fmt: skip
"""Variables that are looked at when they are needed."""
BY_THE_HUB = {"HF_ENDPOINT", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_DISABLE_XET", "HF_HUB_OFFLINE", "HF_TOKEN"}
"""Looked at when huggingface_hub is imported, which only the server with PyTorch has done."""
text_file = partial(tempfile.TemporaryFile, "w+", encoding="utf-8")


def run(
    *args: object, here: Path | None = None, text: str = "", timeout: float = 300, fresh: bool = False, torch: bool = False,
    script: str = "", **given: str,
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """`python -m pete ARGS`, or `python -c SCRIPT ARGS`, to its end, with its output captured.

    Args:
        args: of the program.
        here: its working directory.
        text: what it reads.
        timeout: in seconds.
        fresh: it imports everything itself.
        torch: it will need PyTorch.
        script: what it runs, where not pete.
        given: more of its environment.
    """
    process = start(*args, here=here, text=text, fresh=fresh, torch=torch, script=script, **given)
    try:
        said, complained = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired as late:
        process.kill()
        raise subprocess.TimeoutExpired(late.cmd, timeout, *process.communicate()) from None
    return subprocess.CompletedProcess(["pete", *map(str, args)], process.wait(), said, complained)


def start(
    *args: object, here: Path | None = None, text: str = "", fresh: bool = False, torch: bool = False, session: bool = False,
    script: str = "", **given: str,
) -> "subprocess.Popen[str] | Started":  # fmt: skip
    """The same under way; with `session` it leads one of its own."""
    environment = os.environ | {"PYTHONPATH": str(PROJECT / "src")} | given
    words, here = list(map(str, args)), here or Path.cwd()
    new = {name for name, value in given.items() if os.environ.get(name) != value}
    with text_file() as reads:
        reads.write(text)
        reads.seek(0)
        # on a Mac, who has used the system's libraries may not fork
        if sys.platform == "linux" and not fresh and new <= (AT_RUN_TIME if torch else AT_RUN_TIME | BY_THE_HUB):
            return Started(words, here, environment, reads.fileno(), torch=torch, script=script, session=session)
        return subprocess.Popen(
            [sys.executable, *(("-c", script) if script else ("-m", "pete")), *words], cwd=here, env=environment, stdin=reads,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=session,
        )  # fmt: skip


class Forked:
    """A process, and what one does with a Popen."""

    stdin: IO[Any] | None = None
    stdout: IO[Any] | None = None

    def __init__(
        self, args: Sequence[str], here: Path, environment: Mapping[str, str], streams: Sequence[int], *, torch: bool = False,
        script: str = "", module: str = "pete", session: bool = False,
    ) -> None:  # fmt: skip
        self.args = [module, *args]
        self._code: int | None = None
        ours, theirs = socket.socketpair()
        self._heard = ours
        request = {"args": list(args), "here": str(here), "environment": dict(environment), "script": script, "module": module,
                   "session": session}  # fmt: skip
        with theirs:
            socket.send_fds(_server(torch), [json.dumps(request).encode()], [theirs.fileno(), *streams])
        self.pid = self._number()

    def _number(self) -> int:
        numbers = array.array("i")
        numbers.frombytes(self._heard.recv(numbers.itemsize, socket.MSG_WAITALL))
        return numbers[0]

    def wait(self, timeout: float | None = None) -> int:
        if self._code is None:
            if not select.select([self._heard], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
            self._code = self._number()
            self._heard.close()
        return self._code

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(9)


class Started(Forked):
    """One whose output goes into files until it is asked for."""

    def __init__(
        self, args: Sequence[str], here: Path, environment: Mapping[str, str], reads: int, *, torch: bool, script: str, session: bool
    ) -> None:
        self._written = text_file(), text_file()
        streams = [reads, *(file.fileno() for file in self._written)]
        super().__init__(args, here, environment, streams, torch=torch, script=script, session=session)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        self.wait(timeout)
        said, complained = self._written
        for file in self._written:
            file.seek(0)
        return said.read(), complained.read()


class Popen(Forked):
    """subprocess.Popen of `python -P -m MODULE ARGS`, with PyTorch imported; both its pipes are asked for."""

    def __init__(
        self, command: Sequence[str], *, env: Mapping[str, str], stdin: int, stdout: int, stderr: Any = None, text: bool = False,
        encoding: str | None = None, start_new_session: bool = False,
    ) -> None:  # fmt: skip
        assert list(command[:3]) == [sys.executable, "-P", "-m"] and stdin == stdout == subprocess.PIPE
        (read_in, write_in), (read_out, write_out) = os.pipe(), os.pipe()
        streams = [read_in, write_out, 2 if stderr is None else stderr.fileno()]
        super().__init__(command[4:], Path.cwd(), env, streams, torch=True, module=command[3], session=start_new_session)
        os.close(read_in)
        os.close(write_out)
        kind = "" if text else "b"
        self.stdin, self.stdout = os.fdopen(write_in, f"w{kind}", encoding=encoding), os.fdopen(read_out, f"r{kind}", encoding=encoding)


WITH_TORCH = SimpleNamespace(Popen=Popen, PIPE=subprocess.PIPE, TimeoutExpired=subprocess.TimeoutExpired)
"""What a module may get in the place of subprocess."""


@cache
def _server(torch: bool) -> socket.socket:
    """What a server reads its requests from; it ends with the process that started it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = os.environ | {"PYTHONPATH": f"{PROJECT / 'src'}{os.pathsep}{PROJECT}"}
    command = [sys.executable, "-m", "tests.forks", str(theirs.fileno()), "torch" if torch else ""]
    subprocess.Popen(command, env=environment, pass_fds=[theirs.fileno()])
    theirs.close()
    return ours


def serve(requests: socket.socket, torch: bool) -> None:
    """Answer until nobody asks any more: a fork for every request, which tells the number of its own fork, and how that ended."""
    for module in pkgutil.walk_packages(pete.__path__, "pete."):
        if not set(module.name.split(".")) & {"llama", "mlx", "bench", "__main__", *([] if torch else ["torch"])}:
            importlib.import_module(module.name)
    if torch:
        for name in ("peft", "transformers.models.gpt_neox.modeling_gpt_neox", "transformers.models.llama.modeling_llama"):
            importlib.import_module(name)
    assert torch or not {"torch", "huggingface_hub"} & sys.modules.keys()
    os.fsync = lambda _: None  # as in tests/conftest.py
    gc.freeze()
    while True:
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:  # those that have told everything
                pass
        request, passed, *_ = socket.recv_fds(requests, 1 << 20, 4)
        if not request:
            return
        told, *streams = passed
        if os.fork() == 0:
            number = os.fork()
            if number == 0:
                os.close(told)
                _become(**json.loads(request), streams=streams)
            for stream in streams:
                os.close(stream)
            os.write(told, array.array("i", [number]).tobytes())
            os.write(told, array.array("i", [os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])]).tobytes())
            os._exit(0)
        for stream in (told, *streams):
            os.close(stream)


def _become(args: list[str], here: str, environment: dict[str, str], streams: list[int], script: str, module: str, session: bool) -> None:
    code: object = 1
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        if session:
            os.setsid()
        os.chdir(here)
        os.environ.clear()
        os.environ.update(environment)
        if runs := environment.get("PETE_RUNS"):
            pete.run.RUNS = expand(runs)  # which stands there since it was imported
        sys.argv = ["pete", *args]
        sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode, encoding="utf-8") for number, mode in enumerate("rww"))
        if script:
            exec(compile(script, "<script>", "exec"), {"__name__": "__main__"})
        elif module != "pete":
            warnings.filterwarnings("ignore", ".*found in sys.modules after import", RuntimeWarning)
            runpy.run_module(module, run_name="__main__", alter_sys=True)
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
    serve(socket.socket(fileno=int(sys.argv[1])), torch=bool(sys.argv[2]))
