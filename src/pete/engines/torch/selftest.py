"""The self-test of the device training will use: run once for a torch, a system build and a chip, then remembered.

Nothing here imports torch; `selftest_checks` does, in a process of its own.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pete.config import Config, EngineConfig
from pete.engines.proofs import Proof
from pete.engines.torch import environment
from pete.machine.device_check import DEAD, DeviceCheck
from pete.machine.probes import or_none
from pete.resources import python_path

CODE = tuple(Path(__file__).with_name(f"{name}.py") for name in ("selftest_checks", "kernels", "device"))
"""What is tested and how; a change asks for the test anew."""
LONGEST = 180.0
"""Seconds after which the device is said not to answer; the test takes about 15 on a Mac, 2 here."""

Start = Callable[[EngineConfig], str | None]
"""engine -> what `selftest_checks` printed until it ended, was killed or crashed; None where it could not be started."""


def selftest(
    config: Config, facts: Mapping[str, str | int | float], *, again: bool = False, folder: Path | None = None, start: Start | None = None
) -> DeviceCheck | None:
    """Test the device this configuration trains on, or remember an earlier test; None where there is nothing to test with.

    Args:
        config: decides engine and device.
        facts: of `check_machine`: torch, build and chip, for which an answer is kept.
        again: test even though an answer is kept.
        folder: where answers are kept; the cache unless given.
        start: how the checks are run; a process of its own unless given.
    """
    if facts.get("torch") in (None, "not installed"):
        return None
    key = {name: str(facts.get(name, "")) for name in ("torch", "os", "system", "build", "chip", "python")}
    proof = Proof.of(f"selftest-{config.engine.device}", key, files=CODE, folder=folder)
    kept = None if again else proof.recall()
    if kept and (found := or_none(lambda: DeviceCheck(**kept | {"fallback": tuple(kept["fallback"]), "remembered": True}))):
        return found
    began = time.time()
    outcome = read_lines((start or start_checks)(config.engine), began)
    if not outcome.unfinished and outcome.refused != DEAD:  # a machine under load may be too slow today
        proof.keep(dict(vars(outcome)))
    return outcome


def needs_selftest(config: Config, facts: Mapping[str, str | int | float]) -> bool:
    """Whether a run would use a Mac's GPU, whose arithmetic is not taken on trust."""
    return config.engine.device in ("auto", "mps") and facts.get("os") == "macOS"


def start_checks(engine: EngineConfig) -> str | None:
    """See `Start`. The process has the environment that training has."""
    path = python_path()
    variables = os.environ | {"PYTHONPATH": path} | environment(engine)
    command = [sys.executable, "-P", "-m", "pete.engines.torch.selftest_checks", engine.device]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=LONGEST,
            env={name: value for name, value in variables.items() if value},
        )  # fmt: skip
        return done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as error:
        return (error.stdout or b"").decode(errors="replace")
    except OSError:
        return None


def read_lines(text: str | None, when: float = 0.0) -> DeviceCheck:
    """What the process printed, as an outcome."""
    records = list(_records((text or "").splitlines()))
    first = records[0] if records else {}
    if "device" not in first:
        return DeviceCheck("", "", {}, when=when, refused=str(first.get("refused") or DEAD))
    wrong = {str(r["check"]): str(r["wrong"]) for r in records if "check" in r}
    return DeviceCheck(
        device=str(first["device"]),
        reason=str(first["reason"]),
        wrong=wrong,
        seconds=sum(r["seconds"] for r in records if "check" in r),
        when=when,
        unfinished=next((name for name in first["checks"] if name not in wrong), ""),
        fallback=tuple(records[-1].get("fallback", ())),
    )


def _records(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        record = or_none(lambda line=line: json.loads(line))
        if isinstance(record, dict):
            yield record
