"""pete evaluate: the evaluation suite, its verdict, and whoever else is asked."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pete.cli.console import JsonOption, RunArgument, SetOption, as_path, as_typed, console, print_json

if TYPE_CHECKING:
    from pete.app.evaluate import Evaluated


def evaluate(
    run: RunArgument = None,
    suite: Annotated[
        Path | None, typer.Option(metavar="FILE", parser=as_path, help="your own prompts, JSONL; the run's held-out ones unless given")
    ] = None,
    against: Annotated[str, typer.Option(metavar="base|RUN", help="also hold the answers against another run's")] = "base",
    task: Annotated[
        str | None, typer.Option(metavar="write|rewrite|all", help="what is asked for; all that the run learned and has prompts for")
    ] = None,
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
    from pete.app.evaluate import Request
    from pete.app.evaluate import evaluate as run_evaluation
    from pete.cli.evaluation_view import show_against, show_evaluation, show_judge
    from pete.cli.notify import ScreenNotify
    from pete.errors import UserError
    from pete.report import write_report

    if task not in (None, "write", "rewrite", "all"):
        raise UserError(f"--task {task}: expected write, rewrite or all.", "--task rewrite")
    screen = console(quiet=json, work=True)
    with ScreenNotify(screen) as notify:
        evaluated = run_evaluation(Request(run, suite, against, samples, name, rescore, judge, judge_model, set_ or (), task), notify)
    folder = evaluated.run
    if open_:
        write_report(folder)
    if json:
        print_json(_document(evaluated))
    else:
        for one in (evaluated, evaluated.rewriting):
            if one is None:
                continue
            show_evaluation(screen, folder, one.log.task)
            if one.compared is not None and one.other is not None:
                show_against(screen, one.compared, one.other)
            show_judge(screen, one.log)
        more = str(folder.report_html) if open_ else as_typed(f"pete report {folder.cli_argument}")
        files = [str(one.file) for one in (evaluated, evaluated.rewriting) if one is not None]
        screen.print("\n" + "\n".join([*files, f"the whole picture: {more}"]), soft_wrap=True)
    if open_:
        typer.launch(str(folder.report_html))
    raise typer.Exit(evaluated.exit_code)


def _document(evaluated: "Evaluated") -> dict[str, object]:
    """What --json prints: the verdict, then the log with every answer; rewriting as a document of its own in it."""
    from dataclasses import asdict

    from pete.evaluate.rewriting import standings

    document: dict[str, object] = {"file": str(evaluated.file), "exit_code": evaluated.exit_code, **evaluated.judgement.record()}
    if evaluated.other is not None and evaluated.compared is not None:
        comparable = {measure.name for measure in evaluated.compared.on_one_scale}
        measures = [m for m in evaluated.compared.judgement.record()["measures"] if m["name"] in comparable]
        document["against"] = {"run": evaluated.other.name, "measures": measures}
    if evaluated.log.task == "rewrite":
        document["beside"] = [asdict(one) for one in standings(evaluated.log)]
    if evaluated.rewriting is not None:
        document["rewriting"] = _document(evaluated.rewriting)
    return document | {"log": evaluated.log.model_dump(mode="json")}
