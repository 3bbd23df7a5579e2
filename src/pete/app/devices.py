"""Several devices: how many a training takes, and what those of torchrun's processes do that do not lead."""

from pete.config import Resolved
from pete.engines import check_devices, serve_leader
from pete.engines.devices import rank, world
from pete.errors import UserError


def led() -> bool:
    """Whether this is one of torchrun's processes that rank 0 leads; if so it has computed what that one wanted, and that is all."""
    if rank() == 0:
        return False
    serve_leader()
    return True


def on_devices(resolved: Resolved, asked: int | None) -> Resolved:
    """The configuration with the devices that torchrun or --devices (`asked`) name; without either it keeps its own.

    Raises:
        ConfigError: the engine trains on one, or this machine has fewer. UserError: the two name different ones.
    """
    if asked and world() and asked != world():
        raise UserError(f"--devices {asked}, and torchrun has started {world()} processes.", "leave out --devices: torchrun decides")
    if devices := asked or world():
        resolved = resolved.replace("train.devices", devices, "--devices" if asked else "torchrun")
    check_devices(resolved.config)
    return resolved


def enough_micro_batches(resolved: Resolved) -> tuple[Resolved, tuple[str, ...]]:
    """The same with at least one micro-batch a step for each device, and a sentence where that is more than was asked for."""
    train = resolved.config.train
    parts = train.rows_together if train.micro_batch == "auto" else 1  # that the plan may make of a micro-batch
    enough = -(-train.devices // parts)
    if train.accumulation >= enough:
        return resolved, ()
    why = f"raised from {train.accumulation}: a micro-batch for each of train.devices"
    return resolved.replace("train.accumulation", enough, why), (f"train.accumulation = {enough}, {why}",)


def idle(resolved: Resolved) -> tuple[str, ...]:
    """A sentence where a run goes on with more devices than it has micro-batches a step: its steps stay what they were."""
    devices, micro_batches = resolved.config.train.devices, resolved.config.train.accumulation
    if micro_batches >= devices:
        return ()
    return (f"train.accumulation = {micro_batches} leaves {devices - micro_batches} of {devices} devices without work",)
