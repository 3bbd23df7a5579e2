"""Before a run: the machine examined, the work planned, and a refusal while nothing is lost yet."""

import math
import time
from dataclasses import dataclass
from pathlib import Path

from pete.app.notify import Notify
from pete.config import Resolved
from pete.engines import check_device, environment, open_trainer
from pete.events import Event
from pete.machine.doctor import check_machine, device_findings
from pete.tracking.keys import has_key
from pete.train.plan import Plan, settle
from pete.train.prepare import Prepared
from pete.words import clock, duration, file_size, gigabytes

BASIS = "a step of this base, timed on this machine just before"


@dataclass(frozen=True)
class Preflight:
    """A run that fits: with nothing left to choose, what it will take, where, and both as events for the run's record."""

    resolved: Resolved
    prepared: Prepared
    plan: Plan
    device: str
    events: list[Event]


def preflight(resolved: Resolved, prepared: Prepared, folder: Path, notify: Notify) -> Preflight:
    """Examine the machine, plan the work, and say both.

    Raises:
        UserError: the machine forbids a run, or the run does not fit into it.
    """
    config = resolved.config
    notify.message("examining the machine ...", "working")
    checkup = check_machine(config, folder, has_key)
    if (outcome := check_device(config, checkup.facts, before_run=True)) is not None:
        checkup = checkup.plus(device_findings(outcome, str(checkup.facts["os"])), device=outcome.device)
    if (error := checkup.refusal()) is not None:
        raise error
    for line in checkup.lines():
        notify.message(line)
    notify.message("planning: a step of the base is timed ...", "working")
    engine = open_trainer(config)
    settled = settle(engine, prepared, config)
    plan, prepared = settled.plan, settled.prepared
    if config.train.micro_batch == "auto":
        for key in ("micro_batch", "accumulation"):
            resolved = resolved.replace(f"train.{key}", getattr(settled.config.train, key), "auto: rows together that fit here")
    describe(prepared, plan, engine.device, notify, config.train.devices)
    if (error := plan.refusal(prepared.base.name, engine.device)) is not None:
        raise error
    return Preflight(resolved, prepared, plan, engine.device, [checkup.plus((), **environment(config)).event(), plan.event(BASIS)])


def describe(prepared: Prepared, plan: Plan, device: str, notify: Notify, devices: int = 1) -> None:
    """Say what will be learned from, and what it takes, on how many devices."""
    splits, steps = prepared.splits, prepared.sequencer.steps - prepared.done
    together, per_step = prepared.sequencer.micro_batch, prepared.sequencer.micro_batch * prepared.sequencer.accumulation
    in_parts = f" ({together} together)" if together < per_step else ""
    passes = steps * per_step / max(1, prepared.sequencer.texts)
    left = f" left of {prepared.sequencer.steps:,}" if prepared.done else ""
    drafts = sum(row.task == "rewrite" for row in splits["train"])
    of_drafts = f" ({drafts} of them drafts to rewrite)" if drafts else ""
    parts = ", ".join(f"{name} {gigabytes(size)}" for name, size in plan.parts.items())
    place = device if devices == 1 else f"each of {devices} {device} devices"
    now = time.time()
    lines = [
        f"plan      {prepared.persona.name} on {prepared.base.name}: {len(splits['train'])} rows to learn from{of_drafts}, "
        f"{len(splits['valid'])} to choose the best step, {len(splits['test'])} held out",
        f"  work      {steps:,} steps{left} of {per_step} rows{in_parts}: {passes:.1f} passes, {plan.tokens:,} tokens",
        f"  memory    {gigabytes(plan.memory)} at the highest, {gigabytes(plan.available)} to be had on {place} ({parts})",
    ]
    if math.isfinite(plan.seconds):  # what does not fit was not timed
        speed = f"{plan.tokens_per_second:,.0f} tokens a second"
        lines.append(f"  time      about {duration(plan.seconds)} at {speed}: done about {clock(now + plan.seconds, now)}")
    if devices > 1:
        each = (
            "share the cores that were timed" if device == "cpu" else "taken to be as fast as the one that was timed, nothing lost between"
        )
        lines.append(f"  devices   {devices}, {each}")
    if prepared.base.missing:
        lines.insert(3, f"  download  {file_size(prepared.base.missing)} of weights to fetch first, once")
    if prepared.persona.system and prepared.renderer.folds_system:
        lines.insert(1, "          this base knows no system role: the system line stands in front of the first message")
    for line in lines:
        notify.message(line)
    if prepared.findings:
        notify.message("the data deserves a look (pete data check says where):", "note")
        for finding in prepared.findings:
            notify.message(f"          {finding.message}")
