"""A small run folder, written by Pete's own writers."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pete.adapter import Lineage, write_lineage
from pete.config import resolve
from pete.evaluate.log import EvaluationLog, HeldOut, Sample
from pete.events import Event, Finished, Started, Step, Validated
from pete.run import RunDir

MakeRun = Callable[..., RunDir]
CATEGORIES = {"marketing": "Marketing", "service": "Customer Service"}


def started(at: float = 0.0, resumed_from: int = 0) -> Started:
    return Started(
        time=1_700_000_000 + at, monotonic=at, base="tiny", engine="fake", device="cpu", dtype="float32", dtype_reason="it is exact",
        trainable=50, parameters=950, steps=10, train_rows=40, valid_rows=5, resumed_from=resumed_from,
    )  # fmt: skip


def step(number: int, loss: float, at: float = 0.0, grad_norm: float = 0.5) -> Step:
    at = at or float(number)
    return Step(
        time=1_700_000_000 + at, monotonic=at, step=number, loss=loss, lr=1e-3 / number, grad_norm=grad_norm,
        tokens=100, trained_tokens=60, seconds=0.5, memory=1_000_000_000 + number,
    )  # fmt: skip


def validated(number: int, loss: float, best: bool = False) -> Validated:
    return Validated(time=1_700_000_000 + number, monotonic=float(number), step=number, loss=loss, best=best)


def finished(number: int = 10, best_step: int = 10, reason: str = "done") -> Finished:
    return Finished(
        time=1_700_000_000 + number, monotonic=float(number), step=number, reason=reason, best_step=best_step, best_loss=2.0, seconds=7.5
    )  # fmt: skip


HISTORY: list[Event] = [
    started(),
    validated(0, 4.0),
    *(step(n, 4.0 - 0.1 * n) for n in range(1, 6)),
    validated(5, 3.0, True),
    *(step(n, 4.0 - 0.1 * n) for n in range(6, 11)),
    validated(10, 2.5, True),
    finished(),
]


def sample(model: str, prompt_id: str, text: str, **facts: object) -> Sample:
    values = {
        "model": model, "prompt_id": prompt_id, "category": "marketing", "prompt": f"Ask {prompt_id}?", "text": text, "raw": text,
        "tokens": 20, "stop": "end", "seconds": 2.0, "batch": 4, "seed": 0, "leaks_raw": 0, "leaks_clean": 0,
        "scores": {"degenerate.any": 0.0, "degenerate.loop": 0.0, "cliche.any": 0.0, "cliche.hashtags": 0.0, "leak.any": 0.0},
    }  # fmt: skip
    return Sample.model_validate(values | facts)


def held_out(base_nats: float, tuned_nats: float, text_bytes: int = 100, topic: str = "t", category: str = "marketing") -> HeldOut:
    return HeldOut(source="x:1", category=category, topic=topic, text_bytes=text_bytes, base_nats=base_nats, tuned_nats=tuned_nats)


def numbered(samples: Sequence[Sample]) -> list[Sample]:
    seen: Counter[tuple[str, str]] = Counter()
    out = []
    for one in samples:
        out.append(one.model_copy(update={"number": seen[(one.model, one.prompt_id)]}))
        seen[(one.model, one.prompt_id)] += 1
    return out


def evaluation(held: Sequence[HeldOut] = (), samples: Sequence[Sample] = (), **facts: object) -> EvaluationLog:
    speed = [
        {"model": m, "prompt_id": "p", "tokens": 40, "first_token_seconds": 0.2, "seconds": s, "tokens_per_second": 20.0}
        for m, s in (("base", 4.0), ("tuned", 2.0), ("tuned", 3.0), ("tuned", 9.0))
    ]  # fmt: skip
    values = {
        "created": "2026-11-23T08:31:00+0000", "run": "r", "base": "tiny", "base_fingerprint": "b" * 64, "persona": "Ada", "engine": "fake",
        "device": "cpu", "dtype": "float32", "machine": "Test machine", "cores": 2,
        "generate": {"max_new_tokens": 220, "temperature": 0.7},
        "categories": CATEGORIES, "held_out": list(held), "samples": numbered(samples), "speed": speed, "peak_memory": 2_000_000_000,
        "seconds": 30.0,
    }  # fmt: skip
    return EvaluationLog.model_validate(values | facts)


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    def make(
        events: Sequence[Event] = HISTORY,
        log: EvaluationLog | None = None,
        overrides: Sequence[str] = (),
        persona: str = "Ada",
        folder: str = "r",
    ) -> RunDir:
        run = RunDir(tmp_path / folder)
        run.folder.mkdir()
        run.write_config(resolve(overrides=["train.steps=10", "optim.warmup_steps=2", *overrides]))
        run.data.mkdir()
        splits = {name: {"rows": rows, "sha256": "0" * 64} for name, rows in (("train", 40), ("valid", 5), ("test", 5))}
        run.manifest_file.write_text(
            json.dumps({"version": 1, "fingerprint": "f" * 64, "splits": splits, "sources": {"a.jsonl": "5" * 64}})
        )
        for event in events:
            run.append_event(event)
        run.adapter.mkdir()
        write_lineage(
            run.adapter,
            Lineage(
                base="tiny", base_revision="rev1", base_fingerprint="b" * 64, data_fingerprint="f" * 64, config_sha256="c" * 64,
                persona=persona, description="Short and plain.", rules=("Be short.",),
                system="", stop=(), generate={}, categories=CATEGORIES, avoid=(), pete="0.1.0", architecture="gpt_neox",
            ),
        )  # fmt: skip
        if log is not None:
            log.write(run.evaluation_file("suite"))
        return run

    return make
