"""A night that could have been: 2,000 steps of Pythia-1.4b on a Mac, as events. `python -m tests.unit.monitor.synthetic FOLDER STEPS`."""

import math
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from pete.events import Checked, Event, Finished, Planned, Sampled, Saved, Started, Step, Validated, Warned, to_line
from pete.words import GB

EVENING = 1_795_642_503.0
"""25 November 2026, 21:35:03 UTC."""

SAMPLES = (
    "We bake bread. It is warm in the morning and gone by noon, which is the only funnel we run.",
    "Our customers asked for a person on the phone. We gave them one. He is called Frank, he has a chair, and he "
    "answers. The industry has been told and is said to be taking it calmly.",
    "Nobody has ever engaged with a bakery. People buy a loaf, eat it and come back. If you would like to call that a "
    "journey, the bus stop is outside. We have no app. We have a door, and behind it there is bread.",
)


def night(
    until: int = 2000, *, steps: int = 2000, end: str = "", began: float = EVENING, nap_at: int = 900, seconds: float = 8.4, pid: int = 4242
) -> Iterator[Event]:
    """The events up to a step; `end` is done, interrupted or nothing (still running, or killed)."""
    rng = random.Random(0)
    wall, awake = began, 5000.0

    def at() -> dict[str, float]:
        return {"time": wall, "monotonic": awake}

    power = {"name": "low power mode", "level": "caution", "found": "it is on: a third slower", "advice": "System Settings, Battery"}
    yield Checked(
        **at(),
        findings=[{"name": "memory", "level": "good", "found": "24 GB, 15.1 GB to be had", "advice": ""}, power],
        machine={"chip": "Apple M4 Pro", "memory": 25_769_803_776},
    )
    yield Planned(
        **at(),
        memory=int(7.4 * GB),
        available=int(15.1 * GB),
        seconds=2000 * 8.0,
        tokens=4_100_000,
        basis="a matrix product timed just now",
    )
    wall, awake = wall + 41, awake + 41
    yield Started(
        **at(), base="EleutherAI/pythia-1.4b", engine="torch", device="mps", dtype="float32", dtype_reason="the report's setting",
        trainable=3_145_728, parameters=1_414_647_808, steps=steps, train_rows=590, valid_rows=66, pid=pid,
    )  # fmt: skip
    yield Warned(**at(), message="aten::_linalg_svd.U ran on the CPU: 2 calls so far")
    best, best_step, saved = math.inf, 0, 0
    for step in range(0, until + 1):
        if step:
            took = seconds * rng.uniform(0.93, 1.12)
            wall, awake = wall + took, awake + took
            if step == nap_at:
                wall += 47 * 60
            ideal = 2.78 + 0.92 * math.exp(-step / 160) - 0.00008 * step
            tokens = rng.randint(1850, 2300)
            yield Step(
                **at(),
                step=step,
                loss=ideal + rng.gauss(0, 0.09),
                lr=2e-4 * min(1.0, step / 100) * (0.55 + 0.45 * math.cos(math.pi * step / steps)),
                grad_norm=0.35 + 1.3 * math.exp(-step / 60) + abs(rng.gauss(0, 0.06)),
                tokens=tokens,
                trained_tokens=tokens * 5 // 9,
                seconds=took,
                memory=int((6.9 + 0.25 * min(1.0, step / 200) + rng.uniform(0, 0.12)) * GB),
                resident=int((3.1 + rng.uniform(0, 0.05)) * GB),
                swap=int((1.2 + (0.6 if step > 1100 else 0.0)) * GB),
            )
        if step % 100 == 0:
            wall, awake = wall + 19, awake + 19
            loss = 2.874 + 0.84 * math.exp(-step / 170) + max(0.0, step - 1300) ** 1.5 * 4e-6
            better = step > 0 and loss < best
            best, best_step = (loss, step) if better else (best, best_step)
            yield Validated(**at(), step=step, loss=loss, best=better)
        if step and step % 200 == 0:
            yield Sampled(**at(), step=step, prompt="Write a line for a bakery that has no app.", text=SAMPLES[step // 200 % 3])
        if step and step % 100 == 0:
            saved = step
            yield Saved(**at(), step=step, checkpoint=f"step-{step:06d}")
        if step == 1150:
            yield Warned(**at(), message="swap grew by 0.6 GB since the start: close what you do not need, or take preset mac-16gb")
    if end:
        yield Finished(
            **at(), step=until, reason=end, best_step=best_step or saved, best_loss=best, seconds=awake - 5041, peak_memory=int(7.7 * GB)
        )


def write(path: Path, events: Iterator[Event]) -> None:
    """events.jsonl of these events."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(map(to_line, events)), encoding="utf-8")


if __name__ == "__main__":
    folder, until = Path(sys.argv[1]), int(sys.argv[2])
    whole = until >= 2000
    last = list(night(until, end="done" if whole else ""))[-1]
    shift = time.time() - last.time - 3
    write(folder / "events.jsonl", night(until, end="done" if whole else "", began=EVENING + shift))
    (folder / "config.toml").touch()
