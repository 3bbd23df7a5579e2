"""report.md: the report as text. Whatever a model wrote stays text: it cannot open a tag, a fence, a table or a heading."""

import re
from collections.abc import Iterator

from pete.report import content
from pete.report.charts import gain_text, loss_text
from pete.report.comparison import Asked, Comparison
from pete.report.content import Fact, Table
from pete.report.model import ReportData

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MARKUP = re.compile(r"([\\`*_\[\]|~#$])")
_LINE_START = re.compile(r"^(\s*)([-+=:]|\d+(?=[.)](?:\s|$)))")
_LINK = re.compile(r"(?i)(://|www\.|@)")


def escape(text: str) -> str:
    """One line of foreign text as Markdown that shows exactly it, in CommonMark and in older dialects."""
    line = _MARKUP.sub(r"\\\1", " ".join(text.splitlines()).translate(_ENTITIES))
    # four spaces would make a code block, and Markdown eats spaces at a line's start anyway
    line = line.replace("\t", " ").lstrip(" ")
    line = _LINE_START.sub(lambda m: m[1] + (m[2] + "\\" if m[2].isdigit() else "\\" + m[2]), line)
    return _LINK.sub(lambda m: "".join(f"&#{ord(c)};" if c in ":@." else c for c in m[0]), line)


def quote(text: str) -> str:
    """Foreign text of any length as a blockquote, its line breaks kept."""
    lines = text.splitlines() or [""]
    return "\n".join(f"> {escape(line)}  ".rstrip() if not line.strip() else f"> {escape(line)}  " for line in lines)


def to_markdown(data: ReportData) -> str:
    """The whole report."""
    return "\n\n".join(part for part in _parts(data) if part) + "\n"


def _parts(data: ReportData) -> Iterator[str]:
    evaluation = data.evaluation
    yield f"# {escape(data.voice)}: {escape(data.name)}"
    yield f"**{escape(content.lead(data))}**"
    yield _table(Table(("Number", "Value", "Beside"), tuple((c.name, c.value, c.beside) for c in content.cards(data))))
    if data.training.steps:
        yield "## Learning"
        yield escape(loss_text(data.training))
        if table := content.validation_table(data.training):
            yield _table(table)
    if evaluation is None:
        yield "## Not evaluated yet"
        yield "There is no evaluation in this run, so nothing is said about answers or speed. To make one:"
        yield _span(data.evaluate_command)
    else:
        yield from _evaluation(data, evaluation)
    yield from _judgement(data)
    yield "## Run facts"
    for title, facts in content.facts(data):
        yield f"### {title}"
        yield _facts(facts)
    yield "### Settings, and where each came from"
    yield _table(content.settings_table(data))
    yield "## How to read this"
    yield _facts(content.how_to_read(data))


def _evaluation(data: ReportData, evaluation: Comparison) -> Iterator[str]:
    if evaluation.held_out is not None and (table := content.held_out_table(evaluation)):
        yield "## Unseen writing of the author"
        yield escape(gain_text(evaluation))
        yield _table(table)
    if evaluation.asked:
        yield "## Answers, base beside tuned"
        for title, prompts in evaluation.by_prompt_category():
            yield f"### {escape(title)}"
            for asked in prompts:
                yield from _answers(asked)
    if table := content.responses_table(evaluation):
        yield "## Answers in numbers"
        yield _table(table)
    if table := content.changes_table(evaluation):
        yield _table(table)
    if table := content.speed_table(data):
        yield "## Speed"
        yield _table(table)


def _answers(asked: Asked) -> Iterator[str]:
    yield f"**{escape(asked.prompt_id)}**"
    yield quote(asked.prompt)
    for pair in asked.pairs:
        for model, sample in zip(("Base", "Tuned"), pair, strict=True):
            if sample is not None:
                yield f"{model} ({escape(', '.join(content.notes_on(sample)))}):"
                yield quote(sample.text) if sample.text.strip() else "*(empty)*"


def _judgement(data: ReportData) -> Iterator[str]:
    for kind, title in content.KINDS:
        found = data.of_kind(kind)
        if found:
            yield f"## {title}"
            yield "\n".join(f"- **{escape(f.title)}.** {escape(f.evidence)} ({_span(f.source)})" for f in found)
    if data.next_steps:
        yield "## What to try next"
        yield "\n".join(
            f"{number}. {escape(step.text)} Because: {escape(finding.title)}.\n   `{_code(step.command)}`"
            for number, (step, finding) in enumerate(data.next_steps, 1)
        )


def _table(table: Table) -> str:
    if not table.rows:
        return ""
    lines = [" | ".join(map(escape, table.head)), " | ".join(["---"] * len(table.head))]
    lines += [" | ".join(escape(" ".join(cell.split())) for cell in row) for row in table.rows]
    text = "\n".join(f"| {line} |" for line in lines)
    return f"{text}\n\n{escape(table.note)}" if table.note else text


def _facts(facts: list[Fact]) -> str:
    return "\n".join(f"- **{escape(f.name)}:** {escape(' '.join(f.value.split()))}" for f in facts)


def _span(text: str) -> str:
    return f"`{_code(text)}`"


def _code(text: str) -> str:
    return text.replace("`", "'").replace("\n", " ")
