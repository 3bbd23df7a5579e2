"""Is augmentation worth it: the same training with and without it, on several seeds, at equal steps.

    PYTHONPATH=src .venv/bin/python benchmarks/augmentation.py --persona personas/pete-connor --steps 120 --out FOLDER \
        --kind paraphrase --kind noise --augment=--category=customer_service [--set model.base=...]

The persona is copied twice into FOLDER, and one copy is augmented (`pete data augment`, whose options --augment passes on). Both
train for the same number of steps on each seed through the command line, and are evaluated: bits per byte on the same held-out
rows, and how much the answers to the same prompts sound like the author. What is there already is not done again.

Differences are with minus without, paired by row and by prompt over all seeds, each topic and each prompt one draw; the seeds
one by one show how far a training wanders by itself.
"""

import argparse
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pete.evaluate.log import EvaluationLog, read_log
from pete.evaluate.scorers.voice import voice_index
from pete.evaluate.stats import Interval, paired
from pete.resources import PROJECT
from pete.run import RunDir

ARMS = ("without", "with")
Pete = Callable[..., int]


def pete(*args: str) -> int:
    """The real command line; its output goes where ours goes."""
    return subprocess.run([sys.executable, "-P", "-m", "pete", *args], cwd=PROJECT, check=False).returncode


def make_personas(persona: Path, out: Path, kinds: Sequence[str], more: Sequence[str], run: Pete) -> None:
    """One copy as it is without augmented rows, one with."""
    for arm in ARMS:
        folder = out / arm
        if folder.exists():
            continue
        shutil.copytree(persona, folder)
        if run("data", "augment", "--persona", str(folder), "--remove"):
            raise SystemExit("augmented rows could not be taken out")
        flags = [flag for kind in kinds for flag in ("--kind", kind)]
        if arm == "with" and run("data", "augment", "--persona", str(folder), *flags, *more):
            shutil.rmtree(folder)
            raise SystemExit("the augmentation failed")


def trained(out: Path, arm: str, seed: int, steps: int, preset: str, sets: Sequence[str], run: Pete) -> EvaluationLog:
    """The evaluation of one training, which is made unless it is there."""
    folder = RunDir(out / f"{arm}-seed{seed}")
    flags = [flag for value in (f"train.seed={seed}", f"train.steps={steps}", *sets) for flag in ("--set", value)]
    if not folder.adapter.is_dir():
        if folder.folder.exists():
            shutil.rmtree(folder.folder)
        if run("train", "--preset", preset, "--persona", str(out / arm), *flags, "--out", str(folder.folder)):
            raise SystemExit(f"the training of {folder.name} failed")
    if folder.newest_evaluation() is None:
        run("evaluate", str(folder.folder))  # its exit code is the verdict
    return read_log(folder.evaluation_file("suite"))


def bits_per_byte(logs: Sequence[EvaluationLog]) -> float:
    """Of the tuned model on the held-out rows."""
    rows = [row for log in logs for row in log.held_out]
    return sum(row.tuned_nats for row in rows) / math.log(2) / sum(row.text_bytes for row in rows)


def compare_loss(without: Sequence[EvaluationLog], augmented: Sequence[EvaluationLog]) -> Interval:
    """Bits per byte, with minus without, row by row; below 0 is better."""
    both = []
    for one, other in zip(without, augmented, strict=True):
        known = {row.source: row for row in one.held_out}
        if [row.source for row in other.held_out] != list(known):
            raise SystemExit("the two did not hold out the same rows: nothing can be compared")
        both += [(known[row.source], row) for row in other.held_out]
    bits = [(b.tuned_nats - a.tuned_nats) / math.log(2) for a, b in both]
    return paired(bits, [a.topic or a.source for a, _ in both], sizes=[float(a.text_bytes) for a, _ in both])


def compare_voice(without: Sequence[EvaluationLog], augmented: Sequence[EvaluationLog]) -> Interval | None:
    """Logit of the author's voice, with minus without, answer by answer; above 0 is better. None where no answer was long enough."""
    differences, prompts = list[float](), list[str]()
    for one, other in zip(without, augmented, strict=True):
        known = {(s.prompt_id, s.number): s.scores for s in one.samples if s.model == "tuned" and "voice.logit" in s.scores}
        for sample in other.samples:
            before = known.get((sample.prompt_id, sample.number))
            if sample.model == "tuned" and before is not None and "voice.logit" in sample.scores:
                differences.append(sample.scores["voice.logit"] - before["voice.logit"])
                prompts.append(sample.prompt_id)
    return paired(differences, prompts) if differences else None


def report(logs: dict[str, list[EvaluationLog]], seeds: Sequence[int]) -> dict[str, object]:
    """Everything that is said, as one object."""
    loss, voice = compare_loss(logs["without"], logs["with"]), compare_voice(logs["without"], logs["with"])
    index = {arm: [found.tuned if (found := voice_index(log)) else None for log in logs[arm]] for arm in ARMS}
    return {
        "seeds": list(seeds),
        "bits_per_byte": {arm: [round(bits_per_byte([log]), 4) for log in logs[arm]] for arm in ARMS},
        "bits_per_byte_change": _plain(loss),
        "voice_index": {arm: [None if value is None else round(value, 3) for value in index[arm]] for arm in ARMS},
        "voice_logit_change": _plain(voice) if voice else None,
    }


def _plain(interval: Interval) -> dict[str, float]:
    return {"mean": round(interval.mean, 5), "low": round(interval.low, 5), "high": round(interval.high, 5), "clusters": interval.clusters}


def main(argv: Sequence[str] | None = None, run: Pete = pete) -> None:
    """Run it and print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--persona", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--kind", action="append", required=True, choices=("paraphrase", "windows", "noise"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--preset", default="quickstart")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--augment", action="append", default=[], metavar="OPTION", help="passed on, as in --augment=--per-row=2")
    args = parser.parse_args(argv)
    out = args.out.resolve()
    make_personas(args.persona.resolve(), out, args.kind, args.augment, run)
    logs: dict[str, list[EvaluationLog]] = {arm: [] for arm in ARMS}
    for seed in args.seeds:
        for arm in ARMS:
            logs[arm].append(trained(out, arm, seed, args.steps, args.preset, args.set, run))
    found = report(logs, args.seeds)
    (out / "augmentation.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
