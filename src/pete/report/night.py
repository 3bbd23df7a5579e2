"""A training run in a handful of lines: course, losses, sleep, plan against fact; printed at its end and shown in the report."""

import time
from collections.abc import Callable
from itertools import pairwise

from pete.history import History, Session
from pete.report.numbers import change, plain
from pete.words import GB, counted, duration, gigabytes

SWAP_NOTICED = GB // 4
"""Bytes; other programs cause smaller changes."""
SHOWN = 3
"""Sleep gaps and warnings listed in full; the log has them all."""

Local = Callable[[float], time.struct_time]


def night_summary(training: History, local: Local = time.localtime) -> list[tuple[str, str]]:
    """A run as (name, sentence) lines; nothing for a run that never started.

    What was not recorded is left out, never guessed: an older run has no plan, some machines hide their swap.

    Args:
        training: all its sessions, those that broke off included.
        local: seconds since 1970 to local time; an argument so that a test has a clock of its own.
    """
    if training.started is None:
        return []
    lines = [*_course(training, local), *_losses(training), *_sleep(training, local), *_against_plan(training), *_swap(training)]
    warnings = list(training.warnings)
    lines += [("note", message) for message in warnings[:SHOWN]]
    if len(warnings) > SHOWN:
        lines.append(("", f"and {counted(len(warnings) - SHOWN, 'more note')} in train.log"))
    return lines


def _course(training: History, local: Local) -> list[tuple[str, str]]:
    assert training.started is not None, "looked at before"
    sessions = training.sessions
    first, last = sessions[0], sessions[-1]
    steps = f"{training.last_step:,} of {training.started.steps:,} steps"
    lines = [
        ("began", _day(first.began, local)),
        ("ended", f"{_day(last.ended, local)}, {duration(last.ended - first.began)} later; {steps}"),
    ]
    if training.unpublished:
        lines.append(("unpublished", training.unpublished))
    elif last.reason != "done":
        lines.append(("unfinished", f"{_ending(last)}; pete resume goes on"))
    for before, after in pairwise(sessions):
        at = f"{_day(before.ended, local)} after step {before.last_step:,}"
        lines.append(("break", f"{_ending(before)} {at}; went on {_day(after.began, local)} from step {after.from_step:,}"))
    if training.repeated:
        lines.append(("", f"{counted(training.repeated, 'step')} after the last checkpoint had to be done again"))
    return lines


def _ending(session: Session) -> str:
    return {
        "interrupted": "stopped on request",
        "not better": "took every step, and none was better than the base",
        "not published": "took every step and published nothing",
    }.get(session.reason, "broke off (no reason recorded)")


def _losses(training: History) -> list[tuple[str, str]]:
    lines = []
    if smooth := training.smoothed():
        lines.append(("loss", f"{plain(smooth[0])} at first, {plain(smooth[-1])} at last (averaged over neighbouring steps)"))
    if training.best:
        base = f"{plain(training.base_loss)} before training, " if training.base_loss is not None else ""
        end = training.last_validation
        tail = f", {plain(end.loss)} at the end" if end and end.step != training.best.step else ""
        lines.append(("validation", f"{base}best {plain(training.best.loss)} at step {training.best.step:,}{tail}"))
    return lines


def _sleep(training: History, local: Local) -> list[tuple[str, str]]:
    sleep_gaps = training.sleep_gaps
    if not sleep_gaps:
        return []
    longest = ", ".join(f"{duration(gap.seconds)} until {_clock(gap.until, local)} (step {gap.step:,})" for gap in sleep_gaps[:SHOWN])
    more = f", and {counted(len(sleep_gaps) - SHOWN, 'more time')}" if len(sleep_gaps) > SHOWN else ""
    return [("asleep", f"{duration(training.asleep)} in all; training waited: {longest}{more}")]


def _against_plan(training: History) -> list[tuple[str, str]]:
    lines = []
    highest = max(training.sessions, key=lambda session: session.peak_memory)
    if highest.peak_memory:
        lines.append(("memory", f"{gigabytes(highest.peak_memory)} at the highest" + _planned(highest.peak_memory, highest, "memory")))
    # the first plan was for the whole run, and so is the time that is kept across sessions
    planned = _planned(training.seconds, training.sessions[0], "time") if training.done else ""
    lines.append(("time", f"{duration(training.seconds)} of training{planned}"))
    return lines


def _planned(found: float, session: Session, what: str) -> str:
    plan = session.planned
    expected = 0 if plan is None else plan.memory if what == "memory" else plan.seconds
    if expected <= 0:
        return ""
    return f"; planned {gigabytes(round(expected)) if what == 'memory' else duration(expected)} ({change(found / expected - 1)})"


def _swap(training: History) -> list[tuple[str, str]]:
    growth = 0
    for session in training.sessions:
        swaps = [step.swap for step in training.steps if session.began <= step.time <= session.ended]
        growth = max(growth, max(swaps) - swaps[0] if swaps else 0)
    if growth < SWAP_NOTICED:
        return []
    return [("swap", f"grew by up to {gigabytes(growth)}: memory was short, which is slow; close other programs, or take a smaller preset")]


def _day(seconds: float, local: Local) -> str:
    return time.strftime("%a %d %b, %H:%M", local(seconds))


def _clock(seconds: float, local: Local) -> str:
    return time.strftime("%H:%M", local(seconds))
