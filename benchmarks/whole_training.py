"""A whole training through the command line on any base and device: plan, training, proof of the adapter; the plan beside the fact.

    PYTHONPATH=src .venv/bin/python benchmarks/whole_training.py --base FOLDER --device cuda --out RUN [--kill] [--set KEY=VALUE]...

--kill does it twice more: a second run is killed (SIGKILL) half way and resumed, a third is not, and all three adapters are compared.
Prints what the plan says of memory, and one JSON line for each run.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from pete.events import Finished, Planned, Started, Step, read


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "pete", *words]


def checked(words: list[str]) -> str:
    """Run it; what it printed, which a failure says."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(words)}\nexit code {done.returncode}\n{done.stdout[-6000:]}")
    return done.stdout


def killed_half_way(words: list[str], run: Path, steps: int) -> int:
    """Start a training, kill it without a warning at half its steps; the step that was reached."""
    with (run.parent / f"{run.name}.out").open("w") as out:
        process = subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT)
        while process.poll() is None:
            reached = max((event.step for event in read(run / "events.jsonl") if isinstance(event, Step)), default=0)
            if reached >= steps // 2:
                process.send_signal(signal.SIGKILL)
                process.wait()
                assert not (run / "adapter").exists(), "it was killed in the middle"
                return reached
            time.sleep(0.05)
    sys.exit(f"{' '.join(words)}\nended by itself\n{(run.parent / f'{run.name}.out').read_text()[-6000:]}")


def facts(run: Path) -> dict[str, object]:
    """What was planned and what came of it."""
    seen = list(read(run / "events.jsonl"))
    planned, started = (next(event for event in seen if isinstance(event, kind)) for kind in (Planned, Started))
    finished = [event for event in seen if isinstance(event, Finished)][-1]
    steps = [event for event in seen if isinstance(event, Step)]
    return {
        "run": run.name, "base": started.base, "device": started.device, "dtype": started.dtype, "why": started.dtype_reason,
        "reason": finished.reason, "steps": finished.step, "first loss": steps[0].loss, "last loss": steps[-1].loss,
        "GB planned": planned.memory / 1e9, "GB at the highest": finished.peak_memory / 1e9,
        "seconds planned": planned.seconds, "seconds": finished.seconds,
        "tok/s": sum(event.tokens for event in steps) / sum(event.seconds for event in steps),
    }  # fmt: skip


def apart(one: Path, other: Path) -> float:
    """The largest difference between two adapters, as a share of the largest weight; 0 is bit for bit."""
    a, b = (load_file(run / "adapter" / "adapter_model.safetensors") for run in (one, other))
    return max(float(np.abs(a[name] - b[name]).max()) for name in a) / max(float(np.abs(value).max()) for value in a.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", required=True)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda", "mps"))
    parser.add_argument("--out", type=Path, required=True, metavar="RUN")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    args = parser.parse_args()
    os.environ.setdefault("COLUMNS", "140")
    given = [f"model.base={args.base}", f"engine.device={args.device}", f"train.steps={args.steps}", "generate.engine=torch", *args.set]
    options = [word for value in given for word in ("--set", value)]
    runs = {
        name: args.out.with_name(args.out.name + ending) for name, ending in (("straight", ""), ("killed", "-killed"), ("again", "-again"))
    }
    said = checked(command("train", "--out", str(runs["straight"]), *options))
    print(*(line for line in said.splitlines() if line.startswith("  memory")), sep="\n")
    print(json.dumps(facts(runs["straight"])), flush=True)
    if not args.kill:
        return
    reached = killed_half_way(command("train", "--out", str(runs["killed"]), *options), runs["killed"], args.steps)
    checked(command("resume", str(runs["killed"])))
    resumed = [event.resumed_from for event in read(runs["killed"] / "events.jsonl") if isinstance(event, Started)][-1]
    checked(command("train", "--out", str(runs["again"]), *options))
    found = {"killed at": reached, "resumed from": resumed, "apart": apart(runs["straight"], runs["killed"])}
    print(json.dumps(facts(runs["killed"]) | found | {"two that were not killed are apart": apart(runs["straight"], runs["again"])}))


if __name__ == "__main__":
    main()
