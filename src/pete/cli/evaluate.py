"""pete evaluate: the evaluation suite, its verdict, and whoever else is asked."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pete.cli.console import JsonOption, OnStage, RunArgument, SetOption, as_path, as_typed, console, print_json, with_progress
from pete.errors import RunError, UserError

if TYPE_CHECKING:
    from rich.console import Console

    from pete.config import Resolved
    from pete.evaluate.gates import Judgement
    from pete.evaluate.judge.judge import Judge
    from pete.evaluate.log import EvaluationLog
    from pete.report.comparison import Comparison
    from pete.run import RunDir

NAME = "suite"


def evaluate(
    run: RunArgument = None,
    suite: Annotated[
        Path | None, typer.Option(metavar="FILE", parser=as_path, help="your own prompts, JSONL; the run's held-out ones unless given")
    ] = None,
    against: Annotated[str, typer.Option(metavar="base|RUN", help="also hold the answers against another run's")] = "base",
    samples: Annotated[int | None, typer.Option(min=1, help="answers a prompt, 3 unless the run says otherwise")] = None,
    name: Annotated[str | None, typer.Option(help="evaluations/<name>.json; suite, or with --rescore the newest")] = None,
    rescore: Annotated[bool, typer.Option("--rescore", help="compute every score again from the kept answers; no model is loaded")] = False,
    judge: Annotated[
        str | None, typer.Option(metavar="URL", help="let a model behind an address compare the answers: they go there")
    ] = None,
    judge_model: Annotated[str | None, typer.Option(metavar="NAME", help="the judge, as its server calls it")] = None,
    open_: Annotated[bool, typer.Option("--open", help="write the report and open it")] = False,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Is it any good: base and tuned on the same prompts, with intervals and a verdict. Exit 0 ship, 1 don't, 3 not enough evidence."""
    from pete.cli.evaluation_view import show_against, show_evaluation, show_judge
    from pete.evaluate import gates
    from pete.report import write_report
    from pete.run import RunDir

    _refuse_what_does_not_go_together(suite, samples, rescore, judge, judge_model, name, set_)
    folder = RunDir.find(run)
    folder.require_writable()
    resolved = folder.read_config() if rescore else _settings(folder, samples, set_)
    other = None if against == "base" else _other(folder, against)
    asked = _judge_of(folder, judge, judge_model)
    screen = console(quiet=json, work=True)
    file = _file(folder, name, rescore)
    log = _scored_again(folder, file, screen) if rescore else run_evaluation(screen, folder, resolved, suite, file.stem)
    compared = _against(screen, folder, log, other, resolved, suite, rescore) if other else None
    if asked is not None:
        log = _judged(screen, log, asked)
        _keep(log, file)
    verdict = gates.judge(log)
    if open_:
        write_report(folder)
    if json:
        print_json(_document(file, log, verdict, other, compared))
    else:
        show_evaluation(screen, folder)
        if compared is not None and other is not None:
            show_against(screen, compared, other)
        show_judge(screen, log)
        more = str(folder.report_html) if open_ else as_typed(f"pete report {folder.cli_argument}")
        screen.print(f"\n{file}\nthe whole picture: {more}", soft_wrap=True, markup=False)
    if open_:
        typer.launch(str(folder.report_html))
    raise typer.Exit(verdict.exit_code)


def run_evaluation(screen: "Console", run: "RunDir", resolved: "Resolved", suite: Path | None, name: str) -> "EvaluationLog":
    """Load the run's model, evaluate it with a progress line, and write the log."""
    from dataclasses import replace

    from pete.evaluate.suite import evaluate as run_suite
    from pete.evaluate.suite import load_suite
    from pete.generate.stream import open_tuned

    prompts = load_suite(run, suite, resolved.config.evaluate.prompts_per_category)

    def work(on_stage: OnStage) -> "EvaluationLog":
        tuned = replace(open_tuned(run), config=resolved.config)
        return run_suite(tuned, run, prompts, on_stage)

    log = with_progress(screen, f"evaluate {run.name}", work)
    _keep(log, run.evaluation_file(name))
    return log


def _keep(log: "EvaluationLog", file: Path) -> None:
    """Write the log; where that fails at the end all the same, it goes somewhere else: answers are dear.

    Raises:
        WorkError: with the place where the log is now.
    """
    import shlex
    import tempfile

    from pete.errors import WorkError

    try:
        log.write(file)
    except OSError as error:
        kept = Path(tempfile.mkdtemp(prefix="pete-")) / file.name
        log.write(kept)
        raise WorkError(
            f"{file} could not be written: {error.strerror}. The evaluation is kept in {kept}.",
            f"make room there, then: cp {shlex.quote(str(kept))} {shlex.quote(str(file))}",
        ) from error


def _refuse_what_does_not_go_together(
    suite: Path | None, samples: int | None, rescore: bool, judge: str | None, judge_model: str | None, name: str | None,
    set_: list[str] | None,
) -> None:  # fmt: skip
    if rescore and (suite or samples or set_):
        raise UserError(
            "--rescore takes the answers as they are: --suite, --samples and --set would need new ones.",
            "leave them out, or leave out --rescore",
        )
    if (judge is None) != (judge_model is None):
        missing, hint = (
            ("--judge-model", "--judge-model NAME, as its server calls it") if judge else ("--judge", "--judge URL, its address")
        )
        raise UserError(f"A judge is an address and a model; {missing} is missing.", hint)
    if name is not None and (name.startswith(("blind-", "against-")) or not name.strip() or Path(name).name != name):
        raise UserError(
            f"--name {name!r} cannot name an evaluation: a plain name, and not blind-... or against-..., which are others' files.",
            "--name suite-2",
        )


def _settings(folder: "RunDir", samples: int | None, set_: list[str] | None) -> "Resolved":
    from pete.config import override

    sets = [*(set_ or []), *([f"evaluate.samples={samples}"] if samples else [])]
    return override(folder.read_config(), sets, ("evaluate", "generate"))


def _file(folder: "RunDir", name: str | None, rescore: bool) -> Path:
    """Where the evaluation is, or will be."""
    file = folder.evaluation_file(name or NAME)
    if not rescore:
        return file
    file = file if name else folder.newest_evaluation() or file
    if not file.is_file():
        raise RunError(f"{folder.folder} has no {file.relative_to(folder.folder)} to score again.", f"pete evaluate {folder.cli_argument}")
    return file


def _other(folder: "RunDir", against: str) -> "RunDir":
    """The other run, which must start from the same base."""
    from pete.adapter import read_lineage
    from pete.evaluate.against import refuse_other_base
    from pete.run import RunDir

    other = RunDir.find(against)
    if other.folder.resolve() == folder.folder.resolve():
        raise UserError(f"{folder.name} against itself differs in nothing.", "--against another run, or leave it out: base it is")
    refuse_other_base(folder.name, read_lineage(folder.adapter), other.name, read_lineage(other.adapter))
    return other


def _judge_of(folder: "RunDir", url: str | None, model: str | None) -> "Judge | None":
    """What is wrong with a judge is said before a model is loaded."""
    if url is None or model is None:
        return None
    from pete.evaluate.judge.judge import Judge

    return Judge.of(folder, url, model)


def _scored_again(folder: "RunDir", file: Path, screen: "Console") -> "EvaluationLog":
    from pete.evaluate.log import read_log
    from pete.evaluate.score import rescore

    log = rescore(read_log(file), folder)
    _keep(log, file)
    screen.print(f"{len(log.samples)} kept answers scored again")
    return log


def _against(
    screen: "Console", folder: "RunDir", log: "EvaluationLog", other: "RunDir", resolved: "Resolved", suite: Path | None, rescore: bool
) -> "Comparison":
    """The run's tuned answers beside the other's to the same prompts, which are asked for unless they are there."""
    from pete.evaluate.against import in_place_of_base, kept_answers, refuse_other_prompts, unused_name
    from pete.report.comparison import compare

    before = kept_answers(other, log)
    if before is None:
        if rescore:
            hint = f"pete evaluate {folder.cli_argument} --against {other.cli_argument}"
            raise RunError(f"{other.name} has not answered these prompts in this way, and --rescore asks no model.", hint)
        # the other run's own config decides engine and base; what is asked, and how, is this run's
        theirs = other.read_config()
        for section in ("evaluate", "generate"):
            for key, value in getattr(resolved.config, section).model_dump().items():
                theirs = theirs.replace(f"{section}.{key}", value, f"as {folder.name}")
        before = run_evaluation(screen, other, theirs, suite or folder.prompts_file, unused_name(other, folder))
    refuse_other_prompts(folder.name, log, other.name, before)
    return compare(in_place_of_base(before, log), str(folder.newest_evaluation()))


def _judged(screen: "Console", log: "EvaluationLog", judge: "Judge") -> "EvaluationLog":
    from pete.evaluate.judge.judge import judge_log

    def say(text: str) -> None:
        screen.print(text, soft_wrap=True, markup=False)

    def work(on_stage: OnStage) -> "EvaluationLog":
        return log.model_copy(update={"judge": judge_log(log, judge, on_stage, say)})

    return with_progress(screen, "judge", work)


def _document(
    file: Path, log: "EvaluationLog", verdict: "Judgement", other: "RunDir | None", compared: "Comparison | None"
) -> dict[str, object]:
    """What --json prints: the verdict, then the log with every answer."""
    document: dict[str, object] = {"file": str(file), "exit_code": verdict.exit_code, **verdict.record()}
    if other is not None and compared is not None:
        # each evaluation learned a voice classifier of its own: their logits have no common scale
        measures = [m for m in compared.judgement.record()["measures"] if m["name"] != "voice"]
        document["against"] = {"run": other.name, "measures": measures}
    return document | {"log": log.model_dump(mode="json")}
