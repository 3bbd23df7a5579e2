"""Choose what an unattended run trains: the unfinished run, else the preset and base that fit this machine."""

from collections.abc import Sequence

from pete import run as runs
from pete.app.notify import Notify
from pete.app.resume import resumed_training
from pete.app.train import Training, new_training
from pete.config import EMBEDDED_BASE, resolve
from pete.engines.base_models.resolve import look_up_base, resolve_base
from pete.errors import BaseModelError, RunError, UserError
from pete.events import read
from pete.history import fold
from pete.machine.memory import read_memory
from pete.run import RunDir
from pete.words import GB

PRESETS = ((20 * GB, "mac-24gb"), (12 * GB, "mac-16gb"), (0, "mac-8gb"))
"""(least memory in the machine, preset): 18 GB counts as 16, and a machine that reports a little less than it was sold with still fits."""
FALLBACK = "quickstart"
"""On the embedded base: it needs no network, and it is better to wake up to a small model than to an error."""


def unattended_training(overrides: Sequence[str], notify: Notify, memory: int | None = None, devices: int | None = None) -> Training:
    """Decide, and fetch what is missing now, while somebody may still be looking.

    Args:
        overrides: key=value for a new run; a run that goes on keeps what it was started with.
        notify: asked, where a run is unfinished, whether to start afresh all the same.
        memory: bytes in the machine; read unless given.
        devices: --devices.

    Raises:
        RunError: another run is being trained right now. UserError: the persona, its data or an override is wrong.
    """
    newest_first = _newest_first()
    for run in newest_first:
        if (lock_owner_pid := run.lock_owner_pid()) is not None:
            raise RunError(
                f"{run.folder} is being trained right now, by process {lock_owner_pid}; two at once slow each other down many times over.",
                f"watch it: pete monitor {run.cli_argument}",
            )
    unfinished = _unfinished(newest_first)
    if unfinished is not None and notify.ask(f"{unfinished.name} is not finished.", ("continue", "new"), "continue") == "continue":
        try:
            training = resumed_training(unfinished, devices)
            notify.message(f"Going on with {unfinished.folder}.")
            return training
        except UserError as error:
            notify.message(f"{unfinished.folder} cannot go on: {error.message} A new run instead; that one is left as it is.")
    memory = read_memory().total if memory is None else memory
    preset = preset_for(memory)
    try:
        resolved = resolve(preset, None, overrides)
        base = resolved.config.model.base
        if base != EMBEDDED_BASE:
            # the hub, where there is none, is given up after half a minute: too long for silence
            notify.message(f"Preset {preset}, for a machine with {memory / GB:.0f} GB. Looking for {base}, here and then at the hub ...")
            if look_up_base(resolved.config.model).missing:
                resolve_base(resolved.config.model)
        return new_training(preset, None, overrides, devices)
    except BaseModelError as error:
        notify.message(f"{error.message} Tonight the embedded base learns instead: smaller, and here.")
    return new_training(FALLBACK, None, overrides, devices)


def preset_for(memory: int) -> str:
    """The preset for a machine with so many bytes of memory."""
    return next(name for least, name in PRESETS if memory >= least)


def _newest_first() -> list[RunDir]:
    if not runs.RUNS.is_dir():
        return []
    started = [run for folder in runs.RUNS.iterdir() if (run := RunDir(folder)).config_file.is_file()]
    return sorted(started, key=lambda run: run.config_file.stat().st_mtime, reverse=True)


def _unfinished(newest_first: Sequence[RunDir]) -> RunDir | None:
    """The newest run of some length, if it can still come to something.

    A broken-off quickstart is no night's work: it is done again in minutes. A run that took every step and published nothing would
    only do so again.
    """
    for run in newest_first:
        try:
            quick = f"preset {FALLBACK}" in run.read_config().sources.values()
        except UserError:  # written by another version
            continue
        if not quick:
            return None if run.adapter.is_dir() or fold(read(run.events_file)).unpublished else run
    return None
