"""Resume: an interrupted run, ready to go on exactly where it stopped."""

from dataclasses import replace

from pete.app.devices import idle, on_devices
from pete.app.train import Training
from pete.run import RunDir
from pete.tracking import sidecar
from pete.train.prepare import resumable


def resumed_training(run: RunDir, devices: int | None = None) -> Training:
    """What `train` goes on with. Only looks: nothing in the run folder is changed. `devices` is --devices.

    Raises:
        ConfigError: the devices it was trained on, or those that were asked for, are not here.
        RunError: the run is finished, in use, read-only or damaged. DataError: its data was changed.
    """
    resolved, prepared = resumable(run)
    resolved = on_devices(resolved, devices)
    notes = idle(resolved)
    mode, note = sidecar.usable(resolved.config)
    if note:
        resolved = resolved.replace("tracking.wandb", mode, note)
        notes = (note, *notes)
    return Training(run.name, resolved, replace(prepared, notes=(*notes, *prepared.notes)) if notes else prepared, run)
