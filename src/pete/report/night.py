"""A training run in a handful of lines: course, losses, sleep, plan against fact; printed at its end and shown in the report."""

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

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
    memory, took = (f"; planned {fact.planned} ({fact.difference})" if fact.difference else "" for fact in against_plan(training))
    lines = [("memory", f"{gigabytes(training.peak_memory)} at the highest{memory}")] if training.peak_memory else []
    return [*lines, ("time", f"{duration(training.seconds)} of training{took}")]


class PlanAgainstFact(NamedTuple):
    """What was planned and what happened, in words; "" is what is not known."""

    planned: str
    happened: str
    difference: str


def against_plan(training: History) -> tuple[PlanAgainstFact, PlanAgainstFact]:
    """Memory and time of a run that began.

    Memory is held against the plan of the session in which it was highest. Time is held against the first plan: that one was for
    the whole run, as is the time that is kept across sessions; the plan of a resumed session is for what is left.
    """
    highest, first = max(training.sessions, key=lambda session: session.peak_memory), training.sessions[0]
    return (
        _against(highest.planned.memory if highest.planned else 0, training.peak_memory, gigabytes),
        _against(first.planned.seconds if first.planned else 0, training.seconds if training.done else 0, duration),
    )


def _against(planned: float, happened: float, words: Callable[[Any], str]) -> PlanAgainstFact:
    difference = change(happened / planned - 1) if planned > 0 and happened else ""
    return PlanAgainstFact(words(planned) if planned > 0 else "", words(happened) if happened else "", difference)


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
