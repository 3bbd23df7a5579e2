"""The chapter "Next Steps": what to try, each with the finding that asks for it."""

from pete.report.blocks import Block, Section, Steps, Text
from pete.report.model import ReportData


def next_steps(data: ReportData) -> Section | None:
    """The chapter, the quick things first; None where nothing is suggested."""
    blocks: list[Block] = []
    for retrains, title in ((False, "Short-Term: without training again"), (True, "Medium-Term: with another training")):
        steps = tuple(pair for pair in data.next_steps if pair[0].retrains == retrains)
        if steps:
            blocks.append(Section(title, (Steps(steps),)))
    if not blocks:
        return None
    note = "Each follows from a finding above. Change one thing at a time, or the next report cannot say which one helped."
    return Section("Next Steps", (Text(note), *blocks))
