"""Stands for training: starts the tracking, writes events as a run does, waits for the tracking, and prints what it took as JSON.

python trainer.py FOLDER FIRST LAST PAUSE TIMEOUT [KEY=VALUE]...
"""

import json
import sys
import time
from pathlib import Path

from pete.config import resolve
from pete.events import Finished, Sampled, Started, Step, Validated
from pete.run import RunDir
from pete.tracking import sidecar

folder, first, last, pause, timeout, *overrides = sys.argv[1:]
run = RunDir(Path(folder))
run.folder.mkdir(exist_ok=True)
resolved = resolve("quickstart", None, overrides)
run.write_config(resolved)
began = time.perf_counter()
tracker = sidecar.start(resolved.config, run)
started = time.perf_counter()
run.append_event(
    Started(
        base="/secret-place/base",
        engine="fake",
        device="cpu",
        dtype="float32",
        dtype_reason="none",
        trainable=10,
        parameters=1000,
        steps=int(last),
        train_rows=5,
        valid_rows=2,
        resumed_from=int(first) - 1,
    )
)
for step in range(int(first), int(last) + 1):
    time.sleep(float(pause))
    run.append_event(
        Step(
            step=step,
            loss=1 / step,
            lr=1e-4,
            grad_norm=0.5,
            tokens=100,
            trained_tokens=50,
            seconds=0.1,
            memory=2**30,
            resident=2**29,
            swap=7,
        )
    )
    if step % 10 == 0:
        run.append_event(Validated(step=step, loss=2 / step, best=True))
        run.append_event(Sampled(step=step, prompt="What about the zebra?", text="A dataset sentence about zebras."))
run.append_event(Finished(step=step, reason="done", best_step=step, best_loss=2 / step, seconds=1.0, peak_memory=3))
trained = time.perf_counter()
said = tracker.finish(float(timeout) or None) if tracker else None
ended = time.perf_counter()
print(json.dumps({"start": started - began, "training": trained - started, "finish": ended - trained, "said": said}))
