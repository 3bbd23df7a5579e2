"""An evaluation at the terminal: the verdict first, from the same numbers as the report."""

from typing import TYPE_CHECKING

from pete.words import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from pete.evaluate.gates import Judgement
    from pete.evaluate.log import EvaluationLog
    from pete.evaluate.results import Measure
    from pete.report.comparison import Comparison
    from pete.run import RunDir

COLOURS = {"ship": "bold green", "don't ship": "bold red", "not enough evidence": "bold yellow"}
LONGEST = 240
"""Characters of a worst answer that are shown; the report has all of it."""


def show_evaluation(screen: "Console", run: "RunDir", task: str) -> None:
    """The newest evaluation of a task: verdict, what failed with its worst answers, every measure, speed."""
    from pete.report.model import read_report

    data = read_report(run)
    evaluation = data.rewriting if task == "rewrite" else data.evaluation
    assert evaluation is not None, "called after an evaluation was written"
    if task == "rewrite":
        screen.print("\nrewriting drafts:", style="bold")
    show_verdict(screen, evaluation)
    screen.print()
    if task == "rewrite":
        show_standings(screen, evaluation)
        screen.print()
    show_measures(screen, evaluation.judgement.measures, "base", "tuned")
    screen.print()
    for speed in evaluation.speeds:
        first = f"first token {speed.first_token_seconds:.2f} s"
        screen.print(f"alone, {speed.model}: {speed.seconds:.1f} s an answer, {speed.tokens_per_second:.0f} tok/s, {first}")
    for note in evaluation.judgement.notes:
        screen.print(f"note: {note}", soft_wrap=True)
    answers = len(evaluation.log.samples)
    screen.print(f"evaluated in {duration(evaluation.log.seconds)}: {len(evaluation.asked)} prompts, {answers} answers")


def show_verdict(screen: "Console", evaluation: "Comparison") -> None:
    """One word, why, and the answers that speak loudest against it."""
    from rich.text import Text

    from pete.report.summary import reasons

    verdict = evaluation.judgement.verdict
    screen.print()
    screen.print(Text(verdict.upper(), style=COLOURS[verdict]), Text(reasons(evaluation)), soft_wrap=True)
    _show_worst(screen, evaluation.judgement)


def _show_worst(screen: "Console", judgement: "Judgement") -> None:
    from rich.padding import Padding
    from rich.text import Text

    from pete.report.numbers import bounds, percent, plain

    for outcome in judgement.of("failed"):
        gate, interval = outcome.gate, outcome.interval
        assert interval is not None, "a gate fails on a number"
        mean = percent(interval.mean) if gate.in_percent else plain(interval.mean)
        number = f"{mean} ({bounds(interval, share=gate.in_percent)})"
        screen.print(Text.assemble("\n", (gate.title, "bold"), f": {number}; holds with {gate.condition}"))
        for worst in outcome.worst:
            text = " ".join(worst.text.split())
            excerpt = f"{text[:LONGEST]}..." if len(text) > LONGEST else text
            screen.print(Padding(Text.assemble((f"{worst.where}: {worst.why}", "dim"), f"\n{excerpt}" if excerpt else ""), (0, 0, 0, 2)))


def show_measures(screen: "Console", measures: "Sequence[Measure]", before: str, after: str) -> None:
    """The measures named in advance and those that differ, each with its interval; the others in one line."""
    from rich.table import Table
    from rich.text import Text

    from pete.evaluate.stats import FEW
    from pete.report.numbers import bounds, of_unit

    table = Table(box=None, pad_edge=False)
    for column in ("", before, after, "author", "difference, 95%", ""):
        table.add_column(column, justify="right" if column in (before, after, "author") else "left", no_wrap=bool(column))
    styles = {"better": "green", "worse": "red", "no significant difference": "dim"}
    open_ = [m.title for m in measures if not (m.settled or m.primary)]
    for m in measures:
        if not (m.settled or m.primary):
            continue
        cells = [of_unit(m.base, m.unit), of_unit(m.tuned, m.unit), "" if m.author is None else of_unit(m.author, m.unit)]
        style = styles.get(m.verdict, "")
        table.add_row(
            m.title + (" *" if m.primary else ""), *cells, bounds(m.change), Text("not significant" if not m.settled else m.verdict, style)
        )
    if table.row_count:
        screen.print(table)
    if open_:
        screen.print(f"no significant difference: {', '.join(open_)}", soft_wrap=not screen.is_terminal)
    few = [m.title for m in measures if m.change.underpowered]
    notes = [
        "* named in advance; the others are corrected for their number (Holm).",
        "gain and selectivity are bits per byte",
    ]
    if few:
        enough = [m.title for m in measures if not m.change.underpowered]
        which = "all" if not enough else f"all but {', '.join(enough)}" if len(enough) < len(few) else ", ".join(few)
        notes.append(f"underpowered (fewer than {FEW} independent prompts or topics): {which}")
    for note in notes:
        screen.print(note, style="dim", soft_wrap=True)


NAME, NUMBER = 22, 6
"""Letters of a line: for what could have been given for a draft, and for each of eight measures; 78 with the gaps."""


def show_standings(screen: "Console", evaluation: "Comparison") -> None:
    """The ways to answer a draft beside each other."""
    from rich.table import Table

    from pete.report.chapters.rewriting import COLUMNS, standing_rows

    table = Table(box=None, pad_edge=False, padding=(0, 0, 0, 1))
    for number, column in enumerate(COLUMNS):  # the names on one line each, the headings on as many as it takes
        table.add_column(column, justify="right" if number else "left", width=NUMBER if number else NAME)
    for row in standing_rows(evaluation.log):
        table.add_row(*row)
    screen.print(table)


def show_against(screen: "Console", compared: "Comparison", other: "RunDir") -> None:
    """The run's answers and unseen text beside another run's."""
    from pete.report.comparison import ROWS_DIFFER

    screen.print(f"\nagainst {other.name}, both tuned:", style="bold")
    show_measures(screen, compared.on_one_scale, other.name, compared.log.run)
    if compared.held_out is None:
        screen.print(ROWS_DIFFER, soft_wrap=True)


def show_judge(screen: "Console", log: "EvaluationLog") -> None:
    """The judge's verdicts, with all that it depends on."""
    from pete.evaluate.judge.conclusion import judge_result, sentences

    if (judge := judge_result(log)) is not None:
        screen.print()
        for line in sentences(judge):
            screen.print(line, soft_wrap=True)
