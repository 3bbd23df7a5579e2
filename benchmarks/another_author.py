"""Another author's prose through the whole pipeline: does the evaluation know him, and does it know that somebody else is not him?

    PYTHONPATH=src .venv/bin/python benchmarks/another_author.py --author A.jsonl --other B.jsonl --out FOLDER

A.jsonl has prompt, completion, group and split (train, test) a row; B.jsonl has text and group. A persona is made of A in
FOLDER/persona, trained with preset quickstart and evaluated through the command line. Its test rows are the human ceiling
(the `author` column). Then B is held against the trained model and its classifier: text that is good English and not his.
"""

import argparse
import json
import math
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pete.data.examples import Example
from pete.evaluate.log import EvaluationLog, HeldOut, Sample, read_log
from pete.evaluate.score import rescore
from pete.evaluate.scorers.voice import voice_index
from pete.evaluate.stats import unpaired
from pete.evaluate.suite import score_held_out
from pete.generate.stream import open_tuned
from pete.resources import PROJECT
from pete.run import RunDir

SUBJECTS = (
    "umbrellas", "railway sandwiches", "being early", "other people's dogs", "learning the cornet", "borrowed books", "moving house",
    "the seaside in March", "aunts", "shaving", "bicycles", "giving advice", "landladies", "getting up early", "packing a bag",
    "a bad cold", "tidy people", "waiting rooms", "gardening", "the piano next door", "boots", "making a speech", "cheese", "maps",
)  # fmt: skip
PERSONA = """name = "{name}"
description = "Reflective prose by {name}."
system = ""
[categories]
essay = "Essays"
"""
MOST = 60
"""Texts of the other author that are scored."""


def make_persona(folder: Path, rows: Sequence[dict[str, str]]) -> None:
    """One persona folder; rows of the author's test split stay in it, the rest is cut by essay."""
    (folder / "examples").mkdir(parents=True)
    (folder / "persona.toml").write_text(PERSONA.format(name=rows[0]["author"]), encoding="utf-8")
    lines = [
        {"category": "essay", "topic": row["group"], "prompt": row["prompt"], "completion": row["completion"]}
        | ({"split": "test"} if row["split"] == "test" else {})
        for row in rows
    ]
    prompts = [
        {"id": f"essay-{n:02d}", "category": "essay", "topic": subject, "prompt": f"Write a short humorous passage on {subject}."}
        for n, subject in enumerate(SUBJECTS, 1)
    ]
    for path, table in ((folder / "examples" / "essays.jsonl", lines), (folder / "prompts.jsonl", prompts)):
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in table), encoding="utf-8")


def pete(*args: str) -> int:
    """The real command line; its output goes where ours goes."""
    return subprocess.run([sys.executable, "-P", "-m", "pete", *args], cwd=PROJECT, check=False).returncode


def saved(row: HeldOut) -> float:
    """Bits that the training saved on this row."""
    return (row.base_nats - row.tuned_nats) / math.log(2)


def others_gain(run: RunDir, texts: Sequence[Example]) -> list[HeldOut]:
    """The other author's text under base and tuned."""
    tuned = open_tuned(run)
    return score_held_out(tuned.engine, tuned.renderer, texts, lambda *_: None, "the other author")


def in_the_place_of_tuned(log: EvaluationLog, run: RunDir, texts: Sequence[str]) -> EvaluationLog:
    """The log scored once more, with these texts where the tuned model's answers were."""
    base = [s for s in log.samples if s.model == "base" and s.number == 0]
    put = [
        Sample.model_validate(
            s.model_dump() | {"model": "tuned", "text": text, "raw": text, "scores": {}, "marks": (), "fluency_nats": None}
        )
        for s, text in zip(base, texts, strict=False)
    ]
    return rescore(log.model_copy(update={"samples": base + put}), run)


def main() -> None:
    """Run it and print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--author", type=Path, required=True)
    parser.add_argument("--other", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    rows = [json.loads(line) for line in args.author.read_text(encoding="utf-8").splitlines()]
    run = RunDir(args.out / "run")
    if not run.config_file.is_file():
        make_persona(args.out / "persona", rows)
        sets = ("data.max_length=1024", "data.test_share=0", "train.micro_batch=4", "generate.max_new_tokens=400")
        flags = [flag for value in sets for flag in ("--set", value)]
        if pete("train", "--preset", "quickstart", "--persona", str(args.out / "persona"), *flags, "--out", str(run.folder)):
            raise SystemExit("the training failed")
    if run.newest_evaluation() is None:
        print("exit code of pete evaluate:", pete("evaluate", str(run.folder)))
    log = read_log(run.evaluation_file("suite"))
    found = [json.loads(line) for line in args.other.read_text(encoding="utf-8").splitlines()]
    usable = [row for row in found if 60 <= len(row["text"].split()) <= 200]
    chosen = random.Random(0).sample(usable, min(MOST, len(usable)))
    texts = [
        Example.model_validate(
            {
                "category": "essay",
                "topic": row["group"],
                "prompt": "Write a short passage.",
                "completion": row["text"],
                "source": f"{args.other.name}:{n}",
            }
        )
        for n, row in enumerate(chosen, 1)
    ]
    theirs = others_gain(run, texts)
    mine, other = [saved(row) for row in log.held_out], [saved(row) for row in theirs]
    sizes = ([float(r.text_bytes) for r in log.held_out], [float(r.text_bytes) for r in theirs])
    change = unpaired(mine, [r.topic for r in log.held_out], other, [r.topic for r in theirs], sizes=sizes)
    per_byte = [sum(bits) / sum(size) for bits, size in zip((mine, other), sizes, strict=True)]
    print(f"bits per byte gained on the author's unseen text {per_byte[0]:+.3f}, the other's {per_byte[1]:+.3f}")
    print(f"difference {change.mean:+.3f} (95% {change.low:+.3f} to {change.high:+.3f})")
    author = [row["completion"] for row in rows if row["split"] == "test" and len(row["completion"].split()) >= 60]
    for name, given in (("the author's own unseen text", author), ("the other author's", [e.completion for e in texts])):
        index = voice_index(in_the_place_of_tuned(log, run, random.Random(1).sample(given, min(len(given), len(SUBJECTS)))))
        print(
            f"voice index of {name}: "
            + (f"{index.tuned:.2f} (95% {index.change.low:.2f} to {index.change.high:.2f})" if index else "unknown")
        )


if __name__ == "__main__":
    main()
