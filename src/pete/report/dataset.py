"""A dataset on a page: what there is to question in it, how long its rows are and what they are about."""

from collections.abc import Mapping, Sequence

from pete.data.examples import DataFinding, Example, Split
from pete.report.blocks import Block, Card, Cards, Command, Fact, FactTable, Page, Section, Table, Text, Verdict
from pete.report.dataset_charts import category_chart, length_chart
from pete.words import counted


def dataset_page(
    voice: str,
    rows: Sequence[Example],
    splits: Mapping[Split, Sequence[Example]],
    findings: Sequence[DataFinding],
    lengths: Sequence[int],
    titles: Mapping[str, str],
    facts: Sequence[tuple[str, str]],
) -> Page:
    """The verdict first, then the findings, then the pictures.

    Args:
        voice: whose rows they are.
        rows: all of them.
        splits: the rows by what they are for.
        findings: what was found.
        lengths: tokens of each row, ascending.
        titles: of the categories.
        facts: what else is known, as (name, value).
    """
    own = [row for row in rows if row.task == "write"] or rows
    words = [len(row.completion.split()) for row in own]
    drafts = len(rows) - len(own)
    head: list[Block] = [_verdict(findings)]
    if rows:
        learned = len(splits.get("train", ()))
        head.append(
            Cards(
                (
                    Card(f"{len(own):,}", "rows"),
                    *([Card(f"{drafts:,}", "drafts")] if drafts else []),
                    Card(f"{learned:,}", "to learn from"),
                    Card(f"{sum(words):,}", "words of answers"),
                )
            )
        )
    chapters = [Section("What was found", _found(findings))] if findings else []
    charts = [chart for chart in (length_chart(words), category_chart(own, splits, titles)) if chart is not None]
    if charts:
        chapters.append(Section("Lengths and categories", tuple(charts)))
    known = [
        *(
            [("Tokens a row", f"{lengths[0]} to {lengths[-1]}, half below {lengths[len(lengths) // 2]}; {sum(lengths):,} in all")]
            if lengths
            else []
        ),
        ("Split", ", ".join(f"{len(part):,} {name}" for name, part in splits.items()) or "none"),
        *facts,
    ]
    chapters.append(Section("Training on it", (FactTable(tuple(Fact(*fact) for fact in known)), Command("pete train --plan"))))
    return Page(f"The data of {voice}", tuple(head), tuple(chapters))


def _verdict(findings: Sequence[DataFinding]) -> Verdict:
    errors = sum(finding.severity == "error" for finding in findings)
    if errors:
        return Verdict("Not yet", "bad", f"{counted(errors, 'kind')} of error to mend before a night is spent on it.")
    if findings:
        return Verdict(
            "Ready, with a look", "open", f"It can be trained on; {counted(len(findings), 'kind')} of thing deserve a look first."
        )
    return Verdict("Ready", "good", "It can be trained on, and there is nothing to question.")


def _found(findings: Sequence[DataFinding]) -> tuple[Block, ...]:
    table = Table(
        ("", "Found", "Places", "For example"),
        tuple(
            (
                finding.severity,
                finding.message,
                f"{finding.count:,}",
                "; ".join(f"{where.rpartition('/')[2]} {text}".strip() for where, text in finding.examples),
            )
            for finding in findings
        ),
        words=True,
    )
    return (Text("Errors keep a training from being begun; warnings do not. What is private is masked.", "note"), table)
