"""Evaluate: the suite on base and tuned, the verdict, another run beside it, and a judge who is asked."""

import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pete.adapter import read_lineage
from pete.app.notify import Notify
from pete.config import ANSWERING, Resolved, override
from pete.data.examples import Task, load_examples, load_prompts
from pete.errors import DataError, RunError, UserError, WorkError
from pete.evaluate import gates
from pete.evaluate.against import in_place_of_base, kept_answers, refuse_other_base, refuse_other_prompts, unused_name
from pete.evaluate.judge.judge import Judge, judge_log
from pete.evaluate.log import EvaluationLog, read_log
from pete.evaluate.rewriting import drafts_of
from pete.evaluate.score import rescore
from pete.evaluate.suite import evaluate as run_suite
from pete.evaluate.suite import load_suite
from pete.generate.stream import open_tuned
from pete.report.comparison import Comparison, compare
from pete.run import RunDir

NAME = "suite"


@dataclass(frozen=True)
class Request:
    """What is asked of an evaluation; see the options of `pete evaluate`."""

    run: str | None = None
    suite: Path | None = None
    against: str = "base"
    samples: int | None = None
    name: str | None = None
    rescore: bool = False
    judge_url: str | None = None
    judge_model: str | None = None
    overrides: Sequence[str] = ()
    task: Literal["write", "rewrite", "all"] | None = None
    """None: all that the run learned and has prompts for."""


@dataclass(frozen=True)
class Evaluated:
    """The evaluation, where it is kept, its verdict, and the comparison with another run that was asked for."""

    run: RunDir
    file: Path
    log: EvaluationLog
    judgement: gates.Judgement
    other: RunDir | None = None
    compared: Comparison | None = None
    rewriting: "Evaluated | None" = None
    """That of rewriting, where both were asked for."""

    @property
    def exit_code(self) -> int:
        """0 where every task ships, 1 where one does not, else 3."""
        codes = {self.judgement.exit_code, *((self.rewriting.exit_code,) if self.rewriting else ())}
        return 1 if 1 in codes else max(codes)


def evaluate(request: Request, notify: Notify) -> Evaluated:
    """Evaluate a run, or score the answers of an earlier evaluation again.

    Raises:
        UserError: what is asked for cannot be, said before a model is loaded. WorkError: it failed, or could not be kept.
    """
    _refuse_contradictions(request)
    run = RunDir.find(request.run)
    run.require_writable()
    resolved = run.read_config()
    if not request.rescore:
        sets = [*request.overrides, *([f"evaluate.samples={request.samples}"] if request.samples else [])]
        resolved = override(resolved, sets, ("evaluate", *ANSWERING))
    tasks = _tasks(run, request)
    other = None if request.against == "base" else _other_run(run, request.against)
    judge = (
        Judge.of(run, request.judge_url, request.judge_model) if request.judge_url is not None and request.judge_model is not None else None
    )
    files: dict[Task, Path] = {task: _file(run, request, task) for task in tasks}
    if request.rescore:
        logs = {task: rescore(read_log(file), run) for task, file in files.items()}
        for task, log in logs.items():
            keep(log, files[task])
            notify.message(f"{len(log.samples)} kept answers scored again")
    else:
        logs = evaluate_run(run, resolved, request.suite, [(task, file.stem) for task, file in files.items()], notify)
    done = []
    for task, log in logs.items():
        compared = _compare(run, log, other, resolved, request, notify) if other else None
        if judge is not None:
            log = log.model_copy(update={"judge": judge_log(log, judge, notify.progress, notify.message).model_dump(mode="json")})
            keep(log, files[task])
        done.append(Evaluated(run, files[task], log, gates.judge(log), other, compared))
    return replace(done[0], rewriting=done[1]) if len(done) > 1 else done[0]


def evaluate_run(
    run: RunDir, resolved: Resolved, suite: Path | None, names: Sequence[tuple[Task, str]], notify: Notify
) -> dict[Task, EvaluationLog]:
    """Load a run's model, put the suite of each task before it, and keep the logs as evaluations/<name>.json."""
    prompts = load_suite(run, suite, resolved.config.evaluate.prompts_per_category)
    asked = [prompts if task == "write" else drafts_of(prompts) for task, _ in names]
    notify.message(f"loading {run.name} ...", "working")
    tuned = open_tuned(run, resolved.config)
    logs: dict[Task, EvaluationLog] = {}
    for (task, name), questions in zip(names, asked, strict=True):
        logs[task] = run_suite(tuned, run, questions, notify.progress, task)
        keep(logs[task], run.evaluation_file(name))
    return logs


def _tasks(run: RunDir, request: Request) -> list[Task]:
    """The tasks that are asked for; nothing said, writing, and rewriting where the run learned it and has drafts to be asked."""
    if request.task in ("write", "rewrite"):
        return [request.task]
    if request.rescore:
        both: tuple[Task, ...] = ("write", "rewrite")
        return [task for task in both if request.task == "all" or _file_of(run, request, task).is_file()] or ["write"]
    return ["write", "rewrite"] if request.task == "all" or _can_rewrite(run, request.suite) else ["write"]


def _can_rewrite(run: RunDir, suite: Path | None) -> bool:
    path = suite or run.prompts_file
    try:
        return any(prompt.drafts for prompt in load_prompts(path)) and any(
            row.task == "rewrite" for row in load_examples([run.split_file("train")])
        )
    except DataError:  # said with more words where it is needed
        return False


def keep(log: EvaluationLog, file: Path) -> None:
    """Write the log; where that fails at the end all the same, it goes somewhere else: answers are dear.

    Raises:
        WorkError: with the place where the log is now.
    """
    try:
        log.write(file)
    except OSError as error:
        kept = Path(tempfile.mkdtemp(prefix="pete-")) / file.name
        log.write(kept)
        raise WorkError(
            f"{file} could not be written: {error.strerror}. The evaluation is kept in {kept}.",
            f"make room there, then: cp {shlex.quote(str(kept))} {shlex.quote(str(file))}",
        ) from error


def _refuse_contradictions(request: Request) -> None:
    if request.rescore and (request.suite or request.samples or request.overrides):
        raise UserError(
            "--rescore takes the answers as they are: --suite, --samples and --set would need new ones.",
            "leave them out, or leave out --rescore",
        )
    if (request.judge_url is None) != (request.judge_model is None):
        missing, hint = "--judge", "--judge URL, its address"
        if request.judge_url:
            missing, hint = "--judge-model", "--judge-model NAME, as its server calls it"
        raise UserError(f"A judge is an address and a model; {missing} is missing.", hint)
    name = request.name
    taken = ("blind-", "against-", "rewrite")
    if name is not None and (name.startswith(taken) or not name.strip() or Path(name).name != name):
        raise UserError(
            f"--name {name!r} cannot name an evaluation: a plain name, and not blind-..., against-... or rewrite..., which are others.",
            "--name suite-2",
        )


def _file_of(run: RunDir, request: Request, task: Task) -> Path:
    """Where the evaluation is, or would be."""
    names = {"write": request.name or NAME, "rewrite": f"rewrite-{request.name}" if request.name else "rewrite"}
    file = run.evaluation_file(names[task])
    return file if request.name or not request.rescore else run.newest_evaluation(task) or file


def _file(run: RunDir, request: Request, task: Task) -> Path:
    """Where the evaluation is, or will be."""
    file = _file_of(run, request, task)
    if request.rescore and not file.is_file():
        raise RunError(f"{run.folder} has no {file.relative_to(run.folder)} to score again.", f"pete evaluate {run.cli_argument}")
    return file


def _other_run(run: RunDir, against: str) -> RunDir:
    """The other run, which must start from the same base."""
    other = RunDir.find(against)
    if other.folder.resolve() == run.folder.resolve():
        raise UserError(f"{run.name} against itself differs in nothing.", "--against another run, or leave it out: base it is")
    refuse_other_base(run.name, read_lineage(run.adapter), other.name, read_lineage(other.adapter))
    return other


def _compare(run: RunDir, log: EvaluationLog, other: RunDir, resolved: Resolved, request: Request, notify: Notify) -> Comparison:
    """The run's tuned answers beside the other's to the same prompts, which are asked for unless they are there."""
    before = kept_answers(other, log)
    if before is None:
        if request.rescore:
            hint = f"pete evaluate {run.cli_argument} --against {other.cli_argument}"
            raise RunError(f"{other.name} has not answered these prompts in this way, and --rescore asks no model.", hint)
        # the other run's own config decides engine and base; what is asked, and how, is this run's
        theirs = other.read_config()
        for section in ("evaluate", "generate"):
            for key, value in getattr(resolved.config, section).model_dump(exclude={"engine"}).items():
                theirs = theirs.replace(f"{section}.{key}", value, f"as {run.name}")
        before = evaluate_run(other, theirs, request.suite or run.prompts_file, [(log.task, unused_name(other, run))], notify)[log.task]
    refuse_other_prompts(run.name, log, other.name, before)
    return compare(in_place_of_base(before, log), str(run.newest_evaluation(log.task)))
