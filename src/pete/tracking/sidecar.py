"""Experiment tracking as training sees it: start a process beside the run, and wait a little for it at the end.

The two share nothing but a pipe, through which nothing is ever written: when training closes it, or is gone however it went, the
process reads the end of its input, sends what is left and ends.
"""

import contextlib
import importlib.util
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from pete.config import Config
from pete.errors import ConfigError, UserError
from pete.places import known_home
from pete.resources import python_path
from pete.run import RunDir
from pete.tracking.keys import has_key
from pete.tracking.send import clean_up
from pete.tracking.wandb_run import WandbRun

FINISH_SECONDS = {"offline": 20.0, "online": 60.0}
NOTICED_SECONDS = 2.0  # a shorter wait needs no explanation
GRACE_SECONDS = 3.0  # between the process giving up by itself and being ended from outside


SECRET = re.compile(r"TOKEN|KEY|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
REFUSED = set("/\\#?%:")
"""Characters that W&B takes in no project or entity (wandb 0.31, Settings.validate_project)."""
LONGEST = 128


def check(config: Config, environ: Mapping[str, str] = os.environ, home: Path | None = None) -> None:
    """See before anything is written whether W&B can be used as the configuration asks.

    Raises:
        ConfigError: W&B would refuse the name of the project or entity.
        UserError: the package, or for "online" a key, is missing.
    """
    mode = config.tracking.wandb
    if mode == "off":
        return
    for what, name in (("tracking.project", config.tracking.project), ("WANDB_ENTITY", environ.get("WANDB_ENTITY") or "me")):
        if fault := _fault_in_name(name):
            raise ConfigError(
                f"{what} = {name!r} {fault}, and W&B would not take it.",
                f"a name without {' '.join(sorted(REFUSED))}, such as voices (whose it is says WANDB_ENTITY); or --set tracking.wandb=off",
            )
    if missing := _missing(mode, environ, home):
        raise UserError(*missing)


def _fault_in_name(name: str) -> str:
    if found := sorted(REFUSED & set(name)):
        return f"has {' '.join(found)} in it"
    if not name.strip():
        return "is blank"
    return f"has {len(name)} characters, more than {LONGEST}" if len(name) > LONGEST else ""


def usable(config: Config, environ: Mapping[str, str] = os.environ, home: Path | None = None) -> tuple[str, str]:
    """What a run that goes on can track with: the mode, and a sentence where that is less than its configuration asks for."""
    mode = config.tracking.wandb
    if mode != "off" and _missing("offline", environ, home):
        return "off", "tracking is off from here on: the package wandb is not installed any more (pete install wandb)"
    if _missing(mode, environ, home):
        return "offline", "tracking goes on offline: there is no W&B key here; the numbers can be sent later (docs/tracking.md)"
    return mode, ""


def _missing(mode: str, environ: Mapping[str, str], home: Path | None) -> tuple[str, str] | None:
    """What a mode needs and is not here, with what to do."""
    if mode == "off":
        return None
    found = importlib.util.find_spec("wandb")
    if found is None or found.origin is None:  # a folder called wandb in the way is not the package
        return (
            f'tracking.wandb = "{mode}" needs the package wandb, which is not installed.',
            "pete install wandb; or --set tracking.wandb=off",
        )
    if mode == "online" and not has_key(environ, home or known_home()):
        return (
            'tracking.wandb = "online" needs a W&B key: there is none in WANDB_API_KEY, and none in ~/.netrc.',
            f"{wandb_command('login')}; or --set tracking.wandb=offline, and send the numbers later",
        )
    return None


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
    # what opens other doors than W&B's (HF_TOKEN, PETE_JUDGE_KEY, whatever is called like one) stays here
    environ = {name: value for name, value in os.environ.items() if name.startswith("WANDB_") or not SECRET.search(name)}
    environ["PYTHONPATH"] = python_path()
    try:
        run.wandb.mkdir(parents=True, exist_ok=True)
        with run.wandb_log.open("ab") as log:
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

    def finish(self, timeout: float | None = None, waiting: Callable[[str], None] = lambda _: None) -> str | None:
        """Let the process send what is left; end it when that takes too long.

        Args:
            timeout: seconds to wait; 20 offline and 60 online unless given.
            waiting: told what it waits for, once it takes long enough to be noticed.

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
            try:
                code = process.wait(min(limit, NOTICED_SECONDS))
            except subprocess.TimeoutExpired:
                if limit > NOTICED_SECONDS:
                    saved = "the run itself is saved, and Ctrl-C leaves W&B to end alone"
                    waiting(f"waiting up to {limit:.0f} s for W&B to take the last numbers; {saved}")
                code = process.wait(max(0.0, limit - NOTICED_SECONDS))
        except subprocess.TimeoutExpired:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self.problem = f"W&B had not finished after {limit:.0f} s and was ended."
        else:
            self.problem = WandbRun.read(self.run).problem
            if code and not self.problem:
                self.problem = f"W&B ended with exit code {code}; {self.run.wandb_log} may say why."
        clean_up(self.run.wandb)  # a process that was ended could not
        if self.problem and any(self.run.wandb.glob("*run-*/*.wandb")):
            self.problem += f" The run lost nothing, and what is kept here can be sent later: {sync_command(self.run)}"
        return self.problem or None


def wandb_command(rest: str) -> str:
    """A command of W&B's own, for this environment; its program in .venv/bin would carry the path it was installed at."""
    return f"{shlex.quote(sys.executable)} -m wandb {rest}"


def sync_command(run: RunDir) -> str:
    """What sends a run's folders to W&B; several sessions of one run become one run there."""
    return wandb_command(f"sync {shlex.quote(str(run.wandb))}/*run-*")
