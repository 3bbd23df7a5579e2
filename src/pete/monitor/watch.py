"""Reads a run on disk again and again for the monitor; opens nothing for writing, and the trainer never waits for it."""

import datetime
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pete.run
from pete.errors import RunError, WorkError
from pete.events import Checked, Event, Step, Tail
from pete.history import History
from pete.monitor.state import Failure, RunFacts, State, observe
from pete.places import expand
from pete.run import RunDir
from pete.terminal import harmless

END_OF_ERRORS = 1 << 16
"""Bytes of errors.jsonl that are looked at; the last failure is in them."""


def find(name: str | None) -> RunDir:
    """The run to watch: by folder or name, else the one that said something last, also before it has its configuration.

    Raises:
        RunError: there is none.
    """
    if name is None:
        active = {folder: moment for folder in pete.run.RUNS.glob("*/") if (moment := _last_activity(RunDir(folder)))}
        return RunDir(max(active, key=active.__getitem__)) if active else RunDir.find(None)
    for folder in (expand(name), pete.run.RUNS / name):
        if _last_activity(RunDir(folder)):
            return RunDir(folder)
    return RunDir.find(name)


class Watch:
    """Looks at one run; each look reads only what is new."""

    def __init__(
        self,
        run: RunDir,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        as_typed: Callable[[str], str] = str,
    ) -> None:
        self.run = run
        self._now, self._monotonic, self._as_typed = now, monotonic, as_typed
        self._tail = Tail(run.events_file)
        self._history = History()

    def look(self) -> State:
        """The state now.

        Raises:
            WorkError: the run is not there any more.
            RunError: it may not be read.
        """
        run = self.run
        if not run.folder.is_dir():
            raise WorkError(
                f"{run.folder} is gone: the run was deleted or moved while it was watched.", "pete monitor looks for the newest run"
            )
        lock_owner_pid = run.lock_owner_pid()  # before the events: a run that ends in between has then said so
        try:
            anew, events = self._tail.poll()
            failure = _last_failure(run.errors_file)
        except OSError as error:
            raise RunError(
                f"{run.folder} cannot be read: {error.strerror}.", f"look at who may read it: ls -l {run.cli_argument}"
            ) from None
        if anew:
            self._history = History()
        for event in events:
            self._history.take(harmless_event(event))
        since = self._history.session.began
        facts = RunFacts(
            name=harmless(run.name),
            folder=str(run.folder),
            cli_argument=run.cli_argument,
            lock_owner_pid=lock_owner_pid,
            failure=failure[1] if failure and failure[0] >= int(since) else None,
            resumable=run.config_file.is_file() and run.manifest_file.is_file(),
        )
        state = observe(self._history, facts, self._now(), self._monotonic())
        return replace(state, next=self._as_typed(state.next))


def harmless_event(event: Event) -> Event:
    """The same with every text fit for a terminal: a model, or a file from elsewhere, may have said anything."""
    if isinstance(event, Step):  # has none, and there are many of them
        return event
    texts: dict[str, Any] = {name: harmless(value) for name, value in vars(event).items() if isinstance(value, str)}
    if isinstance(event, Checked):
        texts["findings"] = [{key: harmless(value) for key, value in finding.items()} for finding in event.findings]
    return replace(event, **texts)


def _last_activity(run: RunDir) -> float:
    """When a run last wrote events, or its configuration; 0 when it is no run."""
    try:
        return max((path.stat().st_mtime for path in (run.events_file, run.config_file) if path.is_file()), default=0.0)
    except OSError:
        return 0.0


def _last_failure(path: Path) -> tuple[float, Failure] | None:
    """The last entry of errors.jsonl and when it was written (seconds since 1970; infinity when it does not say)."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - END_OF_ERRORS))
        lines = file.read().splitlines()
    for line in reversed(lines):
        try:
            record = json.loads(line)
            kind, message, moment = str(record["kind"]), str(record["message"]), str(record["time"])
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        try:
            when = datetime.datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S%z").timestamp()
        except ValueError:
            when = float("inf")
        return when, Failure(harmless(kind), harmless(message))
    return None
