"""Before a run: the machine examined, the work planned, and a refusal while nothing is lost yet."""

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from pete.config import Resolved
    from pete.events import Event
    from pete.train.plan import Plan
    from pete.train.session import Prepared

BASIS = "a step of this base, timed on this machine just before"


def preflight(screen: "Console", resolved: "Resolved", prepared: "Prepared", folder: "Path") -> "list[Event]":
    """Examine and plan, on the screen; returns what was found, for the run's record.

    Raises:
        UserError: the machine forbids a run, or the run does not fit into it.
    """
    from pete.cli.console import as_typed
    from pete.engines import open_engine
    from pete.engines.torch.policy import environment
    from pete.engines.torch.selftest import needs_selftest, selftest
    from pete.machine.doctor import check_machine
    from pete.tracking.keys import has_key
    from pete.train.plan import make_plan

    config = resolved.config
    with screen.status("examining the machine ..."):
        checkup = check_machine(config, folder, has_key)
        if needs_selftest(config, checkup.facts) and (outcome := selftest(config, checkup.facts)) is not None:
            checkup = checkup.plus(outcome.findings(str(checkup.facts["os"])), device=outcome.device)
    if (error := checkup.refusal()) is not None:
        raise error
    for line in checkup.lines():
        screen.print(as_typed(line), markup=False)
    with screen.status("planning: a step of the base is timed ..."):
        engine = open_engine(config)
        plan = make_plan(engine, prepared, config)
    show_plan(screen, prepared, plan, engine.device)
    if (error := plan.refusal(prepared.base.name, engine.device)) is not None:
        raise error
    return [checkup.plus((), **environment(config.engine)).event(), plan.event(BASIS)]


def show_plan(screen: "Console", prepared: "Prepared", plan: "Plan", device: str) -> None:
    """What will be learned from, and what it takes."""
    from rich.text import Text

    from pete.words import clock, duration, file_size, gigabytes

    splits, steps = prepared.splits, prepared.sequencer.steps - prepared.done
    per_step = prepared.sequencer.micro_batch * prepared.sequencer.accumulation
    what = (
        f"      {prepared.persona.name} on {prepared.base.name}: {len(splits['train'])} rows to learn from, "
        f"{len(splits['valid'])} to choose the best step, {len(splits['test'])} held out"
    )
    screen.print(Text.assemble(("plan", "bold"), what))
    if prepared.persona.system and prepared.renderer.folds_system:
        screen.print("          this base knows no system role: the system line stands in front of the first message")
    passes = steps * per_step / max(1, len(splits["train"]))
    left = f" left of {prepared.sequencer.steps:,}" if prepared.done else ""
    screen.print(f"  work      {steps:,} steps{left} of {per_step} rows: {passes:.1f} passes, {plan.tokens:,} tokens")
    parts = ", ".join(f"{name} {gigabytes(size)}" for name, size in plan.parts.items())
    screen.print(f"  memory    {gigabytes(plan.memory)} at the highest, {gigabytes(plan.available)} to be had on {device} ({parts})")
    if prepared.base.missing:
        screen.print(f"  download  {file_size(prepared.base.missing)} of weights to fetch first, once")
    now = time.time()
    screen.print(
        f"  time      about {duration(plan.seconds)} at {plan.tokens_per_second:,.0f} tokens a second: done about "
        f"{clock(now + plan.seconds, now)}"
    )
    if prepared.findings:
        screen.print(Text.assemble(("note:", "yellow"), " the data deserves a look (pete data check says where):"), soft_wrap=True)
        for finding in prepared.findings:
            screen.print(Text(f"          {finding.message}"), soft_wrap=True)
