"""Which form of task teaches a voice: one author, one base, equal tokens, and only the form of the rows changes.

    PYTHONPATH=src .venv/bin/python benchmarks/task_form.py --persona personas/pete-connor --out FOLDER [--steps 60] [--seeds 0 1 2]

Trained: `rewrite` (a draft in, the author's text out), `write` (a prompt in, the same text out), `both` (half
and half), `continue` (the text's own beginning in, the rest out). Not trained: the base, and the base with three of the author's rows in
the prompt (`examples`). Every form sees as many tokens, prompts included, as `--steps` steps of `write`. Each run answers the persona's
prompts and rewrites their held-out drafts through `pete evaluate --task all`; what is there already is not made again.

`drafted_author.py` makes such a persona of another author's texts and drafts of them.

Prints, for each task, every measure of every form: the mean over the seeds, and the lowest and highest where there are several.
Rewrites of all forms are scored with the drafts of the form that learned from drafts: a run that saw none has no classifier of its own.
"""

import argparse
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from pete.config import resolve
from pete.data.examples import load_examples
from pete.data.row_files import rewrite_rows
from pete.data.text import sentences
from pete.errors import DataError
from pete.evaluate import gates
from pete.evaluate.log import EvaluationLog, HeldOut, read_log
from pete.evaluate.results import Measure, measures
from pete.evaluate.score import Material, read_material, score
from pete.persona import load_persona
from pete.resources import PROJECT
from pete.run import RunDir
from pete.train.prepare import prepare

TASKS = {"write": "suite", "rewrite": "rewrite"}
"""Task -> name of its evaluation."""
UNKNOWN = {"base_nats": math.nan, "tuned_nats": math.nan}
"""Of a row that a run kept no draft of."""
SHOTS = 3
"""As many as a persona may show."""
Pete = Callable[..., int]


@dataclass(frozen=True)
class Form:
    """A form of rows: the persona it is made of, and settings."""

    persona: str
    sets: tuple[str, ...] = ()


FORMS = {
    "rewrite": Form("whole", ("data.rewrite_share=1",)),
    "write": Form("whole", ("data.rewrite_share=0",)),
    "both": Form("whole", ("data.rewrite_share=0.5",)),
    "continue": Form("continue", ("data.rewrite_share=0",)),
}


def pete(*args: str) -> int:
    """The real command line; its output goes where ours goes."""
    return subprocess.run([sys.executable, "-P", "-m", "pete", *args], cwd=PROJECT, check=False).returncode


def make_personas(persona: Path, out: Path) -> None:
    """The persona as it is, one whose rows go on from their own beginning, and one that is asked with examples."""
    for name in ("whole", "continue", "examples"):
        if (out / name).exists():
            continue
        shutil.copytree(persona, out / name)
        if name == "examples":
            file = out / name / "persona.toml"
            file.write_text(file.read_text(encoding="utf-8") + f"\n[prompt_format]\nshots = {SHOTS}\n", encoding="utf-8")
        if name == "continue":
            for path in load_persona(str(out / name)).examples:
                rewrite_rows(path, _continued)


def _continued(record: dict) -> dict | None:
    """A row whose prompt is the beginning of its text; None where there is nothing behind the beginning, or it is a draft's."""
    if record.get("task") == "rewrite" or record.get("messages"):
        return None
    text = record["completion"]
    first = sentences(text)[0]
    at = text.find(first) + len(first)
    rest = text[at:].strip()
    return record | {"prompt": f"Go on: {text[:at].strip()}", "completion": rest} if rest else None


def tokens_a_row(persona: Path, preset: str, sets: Sequence[str]) -> float:
    """Tokens of a training row on average, prompt and text together."""
    config = resolve(preset, None, [f"data.persona={json.dumps(str(persona))}", *sets]).config
    rows = prepare(config).rendered["train"]
    return fmean(len(row.ids) for row in rows)


def trained(folder: RunDir, persona: Path, preset: str, sets: Sequence[str], samples: int, run: Pete) -> dict[str, EvaluationLog]:
    """The evaluations of one training, by task; made unless they are there."""
    flags = [flag for value in sets for flag in ("--set", value)]
    if not folder.adapter.is_dir():
        shutil.rmtree(folder.folder, ignore_errors=True)
        if run("train", "--preset", preset, "--persona", str(persona), *flags, "--out", str(folder.folder)):
            raise SystemExit(f"the training of {folder.name} failed")
    for task, name in TASKS.items():
        if not folder.evaluation_file(name).is_file():
            run("evaluate", str(folder.folder), "--task", task, "--samples", str(samples))  # its exit code is the verdict
    return {task: read_log(folder.evaluation_file(name)) for task, name in TASKS.items()}


def on_one_ruler(logs: Sequence[EvaluationLog], material: Material, author: Sequence[HeldOut]) -> list[EvaluationLog]:
    """Rewrites scored anew with the drafts and the author's own rows of one run; likelihoods stay each run's own, and may be lacking."""
    rows = [log.model_copy(update={"held_out": log.held_out or [row.model_copy(update=UNKNOWN) for row in author]}) for log in logs]
    return [score(log, material) for log in rows]


def table(task: str, logs: dict[str, list[EvaluationLog]], base: EvaluationLog, examples: EvaluationLog) -> str:
    """One task in Markdown: measures down, forms across."""
    found = {form: [{m.name: m for m in measures(log) if math.isfinite(m.tuned)} for log in some] for form, some in logs.items()}
    known: dict[str, Measure] = {}
    for measure in (*measures(base), *(m for some in found.values() for one in some for m in one.values())):
        known.setdefault(measure.name, measure)  # the base's own, and not that of a form whose texts are others
    shot = {m.name: m for m in measures(examples)}
    lines = [f"| {task} | base | {SHOTS} examples | {' | '.join(logs)} | author |", "|---|" + "---|" * (len(logs) + 3)]
    for name, measure in known.items():
        cells = [_spread([one[name].tuned for one in some if name in one]) for some in found.values()]
        author = "" if measure.author is None else f"{measure.author:.3g}"
        lines.append(
            f"| {measure.title} ({measure.unit}) | {measure.base:.3g} | {_spread([shot[name].base] if name in shot else [])} | "
            f"{' | '.join(cells)} | {author} |"
        )
    verdicts = [", ".join(gates.judge(log).verdict for log in some) for some in logs.values()]
    return "\n".join([*lines, f"| verdict | | | {' | '.join(verdicts)} | |"])


def _spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    return f"{fmean(values):.3g}" + (f" ({min(values):.3g} to {max(values):.3g})" if len(values) > 1 else "")


def main(argv: Sequence[str] | None = None, run: Pete = pete) -> None:
    """Run it and print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--persona", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=60, help="of `write`; the others get as many tokens")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--forms", nargs="+", default=list(FORMS), choices=list(FORMS))
    parser.add_argument("--samples", type=int, default=1, help="answers a prompt")
    parser.add_argument("--preset", default="quickstart")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    args = parser.parse_args(argv)
    out = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    make_personas(args.persona.resolve(), out)
    if not any(row.task == "rewrite" for row in load_examples(load_persona(str(out / "whole")).examples)):
        raise DataError(f"{args.persona} has no drafts: there is nothing to compare.", "pete data pairs --task rewrite makes some")
    size = {
        form: tokens_a_row(out / FORMS[form].persona, args.preset, [*FORMS[form].sets, *args.set])
        for form in dict.fromkeys(("write", *args.forms))
    }
    steps = {form: max(2, round(args.steps * size["write"] / size[form])) for form in args.forms}
    print(json.dumps({"tokens a row": size, "steps": steps}), flush=True)
    logs: dict[str, list[dict[str, EvaluationLog]]] = {form: [] for form in args.forms}
    for seed in args.seeds:
        for form, count in steps.items():
            sets = (f"train.seed={seed}", f"generate.seed={seed}", f"train.steps={count}", f"optim.warmup_steps={min(6, count - 1)}")
            sets = (*sets, *FORMS[form].sets, *args.set)
            logs[form].append(trained(RunDir(out / f"{form}-seed{seed}"), out / FORMS[form].persona, args.preset, sets, args.samples, run))
    one_step = ("train.steps=1", "optim.warmup_steps=0", "data.rewrite_share=0", *args.set)
    examples = trained(RunDir(out / "examples-base"), out / "examples", args.preset, one_step, args.samples, run)
    if ruler := next((form for form in ("rewrite", "both") if form in logs), None):
        material, author = read_material(RunDir(out / f"{ruler}-seed{args.seeds[0]}")), logs[ruler][0]["rewrite"].held_out
        for some in logs.values():
            for one, log in zip(some, on_one_ruler([one["rewrite"] for one in some], material, author), strict=True):
                one["rewrite"] = log
        (examples["rewrite"],) = on_one_ruler([examples["rewrite"]], material, author)
    first = logs[ruler or args.forms[0]][0]
    tables = [
        table(task, {form: [one[task] for one in some] for form, some in logs.items()}, first[task], examples[task]) for task in TASKS
    ]
    (out / "task_form.md").write_text("\n\n".join(tables) + "\n", encoding="utf-8")
    print("\n\n".join(tables))


if __name__ == "__main__":
    main()
