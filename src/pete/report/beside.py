"""Runs side by side: what was set differently, what came out, and whether the difference is more than chance."""

from collections.abc import Mapping, Sequence

from pete.errors import RunError
from pete.evaluate.against import in_place_of_base, refuse_other_base, refuse_other_prompts
from pete.report.blocks import Block, Fact, FactTable, Page, Prompted, Section, Table, Text
from pete.report.comparison import ROWS_DIFFER, Comparison, PromptAnswers, compare
from pete.report.model import ReportData
from pete.report.numbers import bounds, capital, of_unit, percent, plain
from pete.report.results import changes, prompts_by_category, side
from pete.report.summary import VERDICTS, reasons
from pete.words import duration, gigabytes

SHOWN = 3
"""Prompts of a category whose answers are shown at once."""


def make_comparison(reports: Sequence[ReportData]) -> Page:
    """The page.

    Raises:
        RunError: fewer than two runs, one of them twice, not evaluated, on another base, or asked other prompts.
    """
    runs = _comparable(reports)
    names = _names(reports)
    first, *others = runs
    against = [(name, compare(in_place_of_base(first.log, other.log), other.file)) for name, other in zip(names[1:], others, strict=True)]
    chapters = [
        Section("What was set differently", (_settings(reports, names),)),
        *(Section(f"{name} against {names[0]}", _shift(comparison, names[0], name, n)) for n, (name, comparison) in enumerate(against)),
        Section("Numbers", (_numbers(reports, runs, names),)),
        Section("Answers side by side", _answers(runs, names)),
        Section("How to Read This", (_how_to_read(names),)),
    ]
    lines = [Text(_lead(names[0], name, comparison), "lead") for name, comparison in against]
    return Page(
        f"{reports[0].base}: {', '.join(names)}", (Section("Runs side by side", (*lines, _verdicts(runs, names))),), tuple(chapters)
    )


def _comparable(reports: Sequence[ReportData]) -> list[Comparison]:
    """The evaluations, if they can stand beside each other."""
    if len(reports) < 2:
        raise RunError(f"Comparing takes two runs or more; found {len(reports)}.", "pete report --compare RUN RUN")
    folders = [data.run.folder.resolve() for data in reports]
    if twice := next((data for data in reports if folders.count(data.run.folder.resolve()) > 1), None):
        raise RunError(f"{twice.run.name} is named twice: a run compared with itself differs in nothing.", "name another run")
    evaluations: list[Comparison] = []
    for data in reports:
        if data.evaluation is None:
            raise RunError(f"{data.run.name} has no evaluation yet: there is nothing to compare.", data.evaluate_again())
        evaluations.append(data.evaluation)
    first = evaluations[0]
    for data, other in zip(reports[1:], evaluations[1:], strict=True):
        refuse_other_base(reports[0].run.name, first.log, data.run.name, other.log)
        refuse_other_prompts(reports[0].run.name, first.log, data.run.name, other.log)
    return evaluations


def _names(reports: Sequence[ReportData]) -> list[str]:
    names = [data.run.name for data in reports]
    return [str(data.run.folder) if names.count(data.run.name) > 1 else data.run.name for data in reports]


def _lead(first: str, name: str, comparison: Comparison) -> str:
    held = comparison.held_out
    if held is None:
        return f"{name} and {first} were held against other unseen rows, so only their answers are paired."
    sure = held.change.verdict != "no significant difference"
    word = ("fewer" if held.change.mean > 0 else "more") if sure else "not significantly different"
    return (
        f"{name} needs {plain(held.tuned)} bits for each byte of unseen writing, {first} {plain(held.base)}: {word} "
        f"(95% interval of the gain: {bounds(held.change)})."
    )


def _shift(comparison: Comparison, first: str, name: str, number: int) -> tuple[Block, ...]:
    blocks = changes(comparison.on_one_scale, first, name, f"against-{number}")
    return blocks if comparison.held_out is not None else (*blocks, Text(ROWS_DIFFER, "note"))


def _verdicts(runs: Sequence[Comparison], names: Sequence[str]) -> Table:
    rows = tuple(
        (name, VERDICTS[comparison.judgement.verdict][0], reasons(comparison)) for name, comparison in zip(names, runs, strict=True)
    )
    return Table(("Run", "Verdict", "Because"), rows, words=True)


def _settings(reports: Sequence[ReportData], names: Sequence[str]) -> Block:
    flat = [_flat(data) for data in reports]
    rows = tuple((key, *(one[key] for one in flat)) for key in flat[0] if len({one[key] for one in flat}) > 1)
    if not rows:
        return Text("Nothing was set differently: the same settings, the same data.")
    return Table(("Setting", *names), rows, words=True, even=True)


def _flat(data: ReportData) -> Mapping[str, str]:
    started = data.training.started
    drawn = data.evaluation.log.generate if data.evaluation else {}
    return data.settings | {
        "data (fingerprint)": data.dataset.fingerprint[:16] if data.dataset else "not recorded",
        "answers drawn with": ", ".join(f"{key} {value}" for key, value in drawn.items()) or "not recorded",
        "computed on": f"{started.engine} on {started.device}, {started.dtype}" if started else "not recorded",
    }


def _numbers(reports: Sequence[ReportData], runs: Sequence[Comparison], names: Sequence[str]) -> Table:
    rows: dict[str, list[str]] = {}
    for column, (data, comparison) in enumerate(zip(reports, runs, strict=True)):
        training = data.training
        cells = {
            capital(m.title): f"{of_unit(m.base, m.unit)} to {of_unit(m.tuned, m.unit)} ({bounds(m.change)}: {m.verdict})"
            for m in comparison.judgement.measures
        }
        if (alone := comparison.alone("tuned")) is not None:
            cells["Seconds an answer, alone"] = plain(alone.seconds, 1)
            cells["Tokens per second"] = plain(alone.tokens_per_second, 1)
        cells["Peak memory of the evaluation"] = gigabytes(comparison.log.peak_memory)
        if training.steps:
            cells["Steps, best"] = f"{training.last_step}, {training.best_step}"
            cells["Training time"] = duration(training.seconds)
            cells["Peak memory of the training"] = gigabytes(training.peak_memory)
            cells["Trainable share"] = percent(training.trainable_share)
        for name, value in cells.items():
            rows.setdefault(name, [""] * len(runs))[column] = value
    note = "Base to tuned, each run against its own base; in brackets the 95% interval of the difference."
    return Table(("Measure", *names), tuple((name, *cells) for name, cells in rows.items()), note, words=True, even=True)


def _answers(runs: Sequence[Comparison], names: Sequence[str]) -> tuple[Section, ...]:
    columns = [{a.prompt_id: a.pairs[0] for a in comparison.asked} for comparison in runs]

    def prompted(asked: PromptAnswers) -> Prompted:
        answers = [side(name, column[asked.prompt_id][1]) for name, column in zip(names, columns, strict=True)]
        return Prompted(asked.prompt_id, asked.prompt, ((side("base", asked.pairs[0][0]), *answers),))

    return prompts_by_category(runs[0], prompted, SHOWN)


def _how_to_read(names: Sequence[str]) -> FactTable:
    return FactTable(
        (
            Fact("Against", f"Each answer of a run is compared with the answer of {names[0]} to the same prompt; so is each unseen row."),
            Fact(
                "95% interval",
                "The range in which the true difference most likely lies; if it includes 0, there may be none.",
            ),
            Fact(
                "What this cannot say",
                "Whether a recipe is better: one run of each speaks for these adapters. Three seeds of each show how much is chance.",
            ),
        ),
        prose=True,
    )
