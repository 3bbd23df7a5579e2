"""What training knows of Weights & Biases: start a process beside the run, and wait a little for it at the end.

The two share nothing but a pipe, through which nothing is ever written: when training closes it, or is gone however it went, the
process reads the end of its input, sends what is left and ends.
"""

import contextlib
import importlib.util
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from pete.config import PROJECT, Config
from pete.errors import UserError
from pete.machine.places import known_home
from pete.run import RunDir
from pete.tracking.keys import has_key
from pete.tracking.send import clean_up
from pete.tracking.state import State

FINISH_SECONDS = {"offline": 20.0, "online": 60.0}
GRACE_SECONDS = 3.0  # between the process giving up by itself and being ended from outside


def check(config: Config, environ: Mapping[str, str] = os.environ, home: Path | None = None) -> None:
    """See before anything is written whether W&B can be used as the configuration asks.

    Raises:
        UserError: the package, or for "online" a key, is missing.
    """
    mode = config.tracking.wandb
    if mode == "off":
        return
    found = importlib.util.find_spec("wandb")
    if found is None or found.origin is None:  # a folder called wandb in the way is not the package
        raise UserError(
            f'tracking.wandb = "{mode}" needs the package wandb, which is not installed.', "pete install wandb; or --set tracking.wandb=off"
        )
    if mode == "online" and not has_key(environ, home or known_home()):
        raise UserError(
            'tracking.wandb = "online" needs a W&B key: there is none in WANDB_API_KEY, and none in ~/.netrc.',
            f"{wandb_command('login')}; or --set tracking.wandb=offline, and send the numbers later",
        )


def start(config: Config, run: RunDir) -> "Tracker | None":
    """Start the process beside a run; None when tracking is off. Takes milliseconds.

    A process that cannot be started is a message from `Tracker.finish`, not an error: the run matters more.

    Raises:
        UserError: as `check` does.
    """
    check(config)
    mode = config.tracking.wandb
    if mode == "off":
        return None
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(PROJECT / "src"), os.environ.get("PYTHONPATH"))))}
    try:
        run.wandb.mkdir(parents=True, exist_ok=True)
        with (run.wandb / "sidecar.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "pete.tracking", str(run.folder.resolve()), mode],
                env=environ, stdin=subprocess.PIPE, stdout=log, stderr=log,
                start_new_session=True,  # Ctrl-C and a closed window are for training, which saves first
            )  # fmt: skip
    except OSError as error:
        return Tracker(run, mode, None, f"W&B was not started: {error.strerror}.")
    return Tracker(run, mode, process)


class Tracker:
    """The process beside a run, seen from the run."""

    def __init__(self, run: RunDir, mode: str, process: "subprocess.Popen[bytes] | None", problem: str = "") -> None:
        self.run = run
        self.mode = mode
        self.process = process
        self.problem = problem

    def finish(self, timeout: float | None = None) -> str | None:
        """Let the process send what is left; end it when that takes too long.

        Args:
            timeout: seconds to wait; 20 offline and 60 online unless given.

        Returns:
            What a person should know, as one or two sentences; None when W&B has everything.
        """
        if self.process is None:
            return self.problem or None
        process, self.process = self.process, None
        limit = FINISH_SECONDS[self.mode] + GRACE_SECONDS if timeout is None else timeout
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self.problem = f"W&B had not finished after {limit:.0f} s and was ended."
        else:
            self.problem = State.read(self.run).problem
            if code and not self.problem:
                self.problem = f"W&B ended with exit code {code}; {self.run.wandb / 'sidecar.log'} may say why."
        clean_up(self.run.wandb)  # a process that was ended could not
        if self.problem and any(self.run.wandb.glob("*run-*/*.wandb")):
            self.problem += f" The run lost nothing, and what is kept here can be sent later: {sync_command(self.run)}"
        return self.problem or None


def wandb_command(rest: str) -> str:
    """A command of W&B's own, for this environment; its program in .venv/bin would carry the path it was installed at."""
    return f"{shlex.quote(sys.executable)} -m wandb {rest}"


def sync_command(run: RunDir) -> str:
    """What sends a run's folders to W&B; several sittings of one run become one run there."""
    return wandb_command(f"sync {shlex.quote(str(run.wandb))}/*run-*")
