"""Rows by the hundred thousand: looked at on every core, and not over and over by Python's garbage collector."""

import gc
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

MADE = 200_000
"""Objects made and kept after which it looks again; Python's own figure is 700."""
MANY = 20_000
"""Rows from which on other processes help: to start one costs what rendering four thousand costs."""
BLOCK = 512
"""Rows that are looked at together."""
PROCESSES = 4
"""At most so many, each with some 150 MB of its own."""

Row = TypeVar("Row")
Made = TypeVar("Made")


@contextmanager
def many_rows() -> Iterator[None]:
    """Let the collector look rarely; as a decorator of a stage, or around it. Of a large check it takes 3 to 17% else."""
    before = gc.get_threshold()
    gc.set_threshold(MADE, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def in_blocks(work: Callable[[Sequence[Row]], Made], rows: Sequence[Row]) -> Iterator[Iterator[Made]]:
    """What is made of the rows, block by block in their order; of many of them on every core, while this process goes on.

    Args:
        work: takes a block; looks at each row alone, and can be sent to another process with what it holds.
        rows: all of them.
    """
    blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
    count = min(usable_cores(), PROCESSES) if len(rows) >= MANY else 1
    if count == 1:
        yield map(work, blocks)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # started anew, not forked: safe on a Mac and beside threads
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _begin, (work,))
    try:
        with _deaf_to_interrupts():
            made = pool.map(_made, blocks)
        yield _all(made, work, blocks)
    finally:
        pool.shutdown(cancel_futures=True)


def _all(made: Iterator[Made], work: Callable[[Sequence[Row]], Made], blocks: Sequence[Sequence[Row]]) -> Iterator[Made]:
    """What others make of the blocks; the rest is done here where one of them was ended from outside, or none can be started."""
    from concurrent.futures.process import BrokenProcessPool

    done = 0
    try:
        for one in made:
            yield one
            done += 1
    except BrokenProcessPool:
        yield from map(work, blocks[done:])


def usable_cores() -> int:
    """Processor cores that this process may use: a container or taskset may keep it from some."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Processes started here do not hear Ctrl-C: they end with the one that started them, which does."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_work: Callable[[Any], Any]


def _begin(work: Callable[[Any], Any]) -> None:
    """In a process that helps, before all else."""
    global _work
    _work = work
    gc.set_threshold(MADE)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # it is one of several itself
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    import multiprocessing

    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _made(block: Any) -> Any:
    return _work(block)
