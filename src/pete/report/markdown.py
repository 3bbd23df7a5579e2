"""report.md: the report as text. Whatever a model wrote stays text: it cannot open a tag, a fence, a table or a heading."""

import re
from collections.abc import Iterable, Iterator

from pete.evaluate.log import MODELS
from pete.report.blocks import (
    Answers,
    Block,
    Cards,
    Chart,
    Command,
    FactTable,
    Findings,
    Fold,
    Page,
    Passages,
    Prompted,
    Section,
    Steps,
    Table,
    Text,
    Verdict,
)
from pete.terminal import scrub

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


def to_markdown(page: Page) -> str:
    """The whole page, scrubbed: it is read with `cat` too."""
    parts = [f"# {escape(page.title)}", *_lay_out(page.head, 2), *_lay_out(page.chapters, 2)]
    return scrub("\n\n".join(part for part in parts if part)) + "\n"


def _lay_out(blocks: Iterable[Block], level: int) -> Iterator[str]:
    for block in blocks:
        match block:
            case Section(title, inside):
                yield f"{'#' * level} {escape(title)}"
                yield from _lay_out(inside, level + 1)
            case Fold(summary, inside):
                yield f"*{escape(summary)}*"
                yield from _lay_out(inside, level)
            case Text(text, style):
                yield f"**{escape(text)}**" if style == "lead" else escape(text)
            case Verdict(word, _, sentence):
                yield f"**{escape(word)}.** {escape(sentence)}"
            case Command(line):
                yield _span(line)
            case Cards(cards):
                yield "\n".join(f"- **{escape(c.value)}** {escape(c.meaning)}" for c in cards)
            case Table():
                yield _table(block)
            case FactTable(facts):
                yield "\n".join(f"- **{escape(f.name)}:** {escape(' '.join(f.value.split()))}" for f in facts)
            case Chart(text, _, caption):
                yield "" if caption else escape(text)  # a caption means that the same stands in a table below
            case Findings(_, findings):
                yield "\n".join(f"- **{escape(f.title)}.** {escape(f.evidence)} ({_span(f.source)})" for f in findings)
            case Steps(steps):
                yield "\n".join(
                    f"{number}. {escape(step.text)} Because: {escape(finding.title)}.\n   {_span(step.command)}"
                    for number, (step, finding) in enumerate(steps, 1)
                )
            case Answers(asked):
                for prompted in asked:
                    yield from _answers(prompted)
            case Passages(passages):
                for passage in passages:
                    yield f"**{escape(passage.where)}**"
                    yield quote("".join(p.text for p in passage.pieces))
                    yield escape(passage.source)
                    yield quote("".join(p.text for p in passage.source_pieces))


def _answers(prompted: Prompted) -> Iterator[str]:
    yield f"**{escape(prompted.prompt_id)}**"
    yield quote(prompted.prompt)
    for side in (side for row in prompted.rows for side in row if side.sample is not None):
        assert side.sample is not None
        notes = f" ({escape(', '.join(side.notes))})" if side.notes else ""
        yield f"{escape(side.name.capitalize() if side.name in MODELS else side.name)}{notes}:"
        yield quote(side.sample.text) if side.sample.text.strip() else "*(empty)*"
        if marked := [f"\u201c{' '.join(p.text.split())}\u201d ({p.words})" for p in side.pieces if p.marks]:
            yield f"Marked: {escape(', '.join(marked))}"


def _table(table: Table) -> str:
    if not table.rows:
        return ""
    lines = [" | ".join(map(escape, table.head)), " | ".join(["---"] * len(table.head))]
    lines += [" | ".join(escape(" ".join(cell.split())) for cell in row) for row in table.rows]
    text = "\n".join(f"| {line} |" for line in lines)
    return f"{text}\n\n{escape(table.note)}" if table.note else text


def _span(text: str) -> str:
    return f"`{text.replace('`', chr(39)).replace(chr(10), ' ')}`"
