"""What people preferred in blind tests, and what another language model said; both stand beside the verdict and do not enter it."""

from collections.abc import Iterator

from pete.evaluate.judge.conclusion import judge_result, sentences
from pete.report.blocks import Section, Table, Text
from pete.report.model import ReportData
from pete.report.numbers import capital, percent


def opinions(data: ReportData) -> Iterator[Section]:
    """A section for the blind tests and one for the judge, each where there is one."""
    if data.blind:
        rows = tuple(
            (
                file, str(test.wins), str(test.losses), str(test.ties), "" if test.win_rate is None else percent(test.win_rate),
                " to ".join(map(percent, test.interval)), test.preferred or "no significant difference",
            )
            for file, test in data.blind.items()
        )  # fmt: skip
        note = "A person chose between two answers without knowing whose they were. Ties are left out of the share; 50% is no preference."
        head = ("Test", "Tuned won", "Base won", "Ties", "Share", "95% interval", "Preferred")
        yield Section("Blind test", (Table(head, rows, note),))
    if data.evaluation is not None and (judge := judge_result(data.evaluation.log)) is not None:
        yield Section("Another model as judge", tuple(Text(f"{capital(line)}.") for line in sentences(judge)))
