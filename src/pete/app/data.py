"""Data: examples read, counted and questioned; and rows rendered as the model reads them. No weights are loaded."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pete.config import Config
from pete.data.check import check_data, check_examples, check_prompts, persona_prompts
from pete.data.examples import DataFinding, Example, Question, Split, load_examples, read_examples, read_prompts
from pete.data.render import Renderer
from pete.data.split import split_rows
from pete.engines.base_models.resolve import look_up_base
from pete.errors import DataError
from pete.persona import Persona, load_persona


@dataclass(frozen=True)
class CheckedData:
    """Rows and prompts that can be read, and what there is to question in them."""

    persona: Persona
    rows: list[Example]
    prompts: list[Question]
    findings: list[DataFinding]
    lengths: list[int]
    """Tokens of each row as the base reads it, ascending."""
    splits: dict[Split, list[Example]]

    @property
    def categories(self) -> dict[str, int]:
        """Rows of each category, by its key."""
        return dict(sorted(Counter(row.category for row in self.rows).items()))


def check(config: Config, files: Sequence[Path] = ()) -> CheckedData:
    """Check the persona's examples and prompts, or files in their place; one that is named as the persona's prompts are is prompts.

    Raises:
        DataError: naming every row that cannot be read. UserError: persona or base cannot be used.
    """
    persona = load_persona(config.data.persona)
    if files:
        examples = read_examples([path for path in files if path.name != persona.prompts.name])
        reads = [read_prompts(path) for path in files if path.name == persona.prompts.name]
        rows, prompts = examples.rows, [row for read in reads for row in read.rows]
        findings = [
            *examples.findings,
            *(finding for read in reads for finding in read.findings),
            *check_examples(rows, persona),
            *check_prompts(prompts, rows or read_examples(persona.examples).rows),
        ]
    else:
        examples, kept = read_examples(persona.examples), persona_prompts(persona)
        rows, prompts, findings = examples.rows, kept.rows if kept else [], check_data(persona, examples, kept)
    if not rows:
        return CheckedData(persona, rows, prompts, findings, [], {})
    lengths = sorted(map(len, _renderer(config, persona).examples(rows, config.data.max_length)))
    return CheckedData(persona, rows, prompts, findings, lengths, split_rows(rows, config.data))


@dataclass(frozen=True)
class RenderedRow:
    """One row as the model reads it: file:line, its tokens, and its text in parts, each with whether it is trained on."""

    source: str
    read: int
    trained: int
    parts: list[tuple[bool, str]]


def render(config: Config, files: Sequence[Path], first: int, count: int) -> Iterator[RenderedRow]:
    """Rows of the files, or of the persona's examples, from number `first` (1-based) on.

    Raises:
        DataError: a row cannot be read, or there are not so many. UserError: persona or base cannot be used.
    """
    persona = load_persona(config.data.persona)
    renderer = _renderer(config, persona)
    examples = load_examples(files or persona.examples)
    if first > len(examples):
        raise DataError(f"--first {first}: there are only {len(examples)} rows.", f"--first {len(examples)} shows the last")
    for row in examples[first - 1 : first - 1 + count]:
        rendered = renderer.example(row)
        trained = int(rendered.trained.sum())
        yield RenderedRow(row.source, len(rendered) - trained, trained, list(renderer.parts(rendered)))


def _renderer(config: Config, persona: Persona) -> Renderer:
    base = look_up_base(config.model)
    return Renderer(
        base.folder, template=persona.template, system=persona.system, context=base.context, train_turns=config.data.train_turns
    )
