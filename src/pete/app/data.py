"""Data: examples read, counted and questioned; and rows rendered as the model reads them. No weights are loaded."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pete.config import Config
from pete.data.batch import Sequencer
from pete.data.bulk import many_rows
from pete.data.check import check_data, check_rows, looking, persona_prompts
from pete.data.checks.prompts import trained_prompts
from pete.data.checks.shape import few_rows
from pete.data.edits import persona_rows
from pete.data.examples import DataFinding, Example, Question, Split, load_examples, read_examples, read_prompts
from pete.data.redact import Redaction
from pete.data.redact import redact as redact_files
from pete.data.render import Rendered, Renderer
from pete.data.split import split_rows
from pete.data.task_share import learned_from, texts_in
from pete.engines import open_trainer, set_environment
from pete.engines.base_models.resolve import look_up_base
from pete.engines.protocol import Base
from pete.errors import ConfigError, DataError, UserError
from pete.generate.meaning.drafts import detail_findings
from pete.persona import Persona, load_persona
from pete.report.dataset import dataset_page
from pete.report.html import to_html
from pete.run import write_atomic
from pete.train.plan import Plan, settle
from pete.train.prepare import Prepared
from pete.words import duration

NIGHT = 8 * 3600
"""Seconds that one sleeps."""


@dataclass(frozen=True)
class Passes:
    """What the configuration makes of the rows: how often each text is learned from."""

    steps: int
    rows_a_step: int
    texts: int

    @property
    def passes(self) -> float:
        """How often each text is learned from, as an answer or a rewrite."""
        return self.steps * self.rows_a_step / max(1, self.texts)

    def in_words(self) -> str:
        """One line of a check."""
        return f"{self.steps:,} steps of {self.rows_a_step} rows: {self.passes:.1f} passes"


@dataclass(frozen=True)
class Night:
    """What this machine can do with the rows: a step of the base was timed."""

    plan: Plan
    tokens_a_pass: int

    @property
    def passes(self) -> float:
        """Times that a night of eight hours goes through the rows."""
        return NIGHT * self.plan.tokens_per_second / max(1, self.tokens_a_pass)

    def in_words(self) -> str:
        """One line of a check."""
        speed = f"{self.plan.tokens_per_second:,.0f} tokens a second"
        return f"{self.passes:.1f} passes at {speed}; this training takes about {duration(self.plan.seconds)}"


@dataclass(frozen=True)
class CheckedData:
    """Rows and prompts that can be read, and what there is to question in them."""

    persona: Persona
    rows: list[Example]
    prompts: list[Question]
    findings: list[DataFinding]
    """The errors first."""
    lengths: list[int]
    """Tokens of each row as the base reads it, ascending; of rewriting, of the rows that are used."""
    splits: dict[Split, list[Example]]
    base: Base | None = None
    training: Passes | None = None
    """None where nothing can be trained on the rows."""
    prepared: Prepared | None = field(default=None, repr=False)

    @property
    def categories(self) -> dict[str, int]:
        """Rows of writing of each category, by its key."""
        return dict(sorted(Counter(row.category for row in self.rows if row.task == "write").items()))

    @property
    def drafts(self) -> dict[str, int]:
        """Rows of rewriting, by the kind of their draft."""
        return dict(Counter(row.draft_kind or "of no kind" for row in self.rows if row.task == "rewrite").most_common())

    @property
    def errors(self) -> list[DataFinding]:
        """What keeps a training from being begun."""
        return [finding for finding in self.findings if finding.severity == "error"]


@many_rows()
def check(config: Config, files: Sequence[Path] = (), *, as_persona: bool = True) -> CheckedData:
    """Check the persona's examples and prompts, or files in their place; one that is named as the persona's prompts are is prompts.

    Args:
        config: whose persona, base and training it is.
        files: what to read in place of the persona's own.
        as_persona: look at the files as rows of the persona; else those outside its folder are checked on their own terms.

    Raises:
        DataError: naming every row that cannot be read. UserError: persona or base cannot be used.
    """
    persona, kept = load_persona(config.data.persona), None
    if files:
        examples = read_examples([path for path in files if path.name != persona.prompts.name])
        reads = [read_prompts(path) for path in files if path.name == persona.prompts.name]
        rows, prompts = examples.rows, [row for read in reads for row in read.rows]
        within = any(path.resolve().is_relative_to(persona.folder.resolve()) for path in files)
        findings = [
            *examples.findings,
            *(finding for read in reads for finding in read.findings),
            *trained_prompts(prompts, rows or (persona_rows(persona).rows if within or as_persona else [])),
        ]
        terms = persona if within or as_persona else None
    else:
        examples, kept, terms = persona_rows(persona), persona_prompts(persona), persona
        rows, prompts, findings = examples.rows, kept.rows if kept else [], []
    if not rows:
        return CheckedData(persona, rows, prompts, _in_order(findings), [], {})
    with looking(rows, terms) as looked:
        splits = split_rows(rows, config.data)
        findings += check_rows(rows, terms, splits, looked) if files else check_data(persona, examples, kept, splits, looked)
    base = look_up_base(config.model)
    renderer = _renderer(config, persona, base)
    splits, shared = learned_from(splits, config.data, renderer)
    findings += [*shared, *detail_findings(rows)]
    used = {id(row) for part in splits.values() for row in part}
    shown = [row for row in rows if row.task == "write" or id(row) in used]
    tried = renderer.tried(shown, config.data.max_length)
    if tried.refused:
        words = f"{len(tried.refused)} row{'s' if len(tried.refused) > 1 else ''} cannot be rendered ({tried.hint})"
        findings.append(DataFinding.of("cannot be rendered", words, tried.refused, "error"))
    if tried.long:
        findings.append(DataFinding.of("too long", f"{tried.too_long} ({tried.shorten})", tried.long, "error"))
    findings += few_rows(len(splits["train"]), base.name, base.shape)
    data = CheckedData(persona, rows, prompts, _in_order(findings), sorted(map(len, tried.rendered)), splits, base)
    if data.errors:
        return data
    by_row = {id(row): rendered for row, rendered in zip(shown, tried.rendered, strict=True)}
    rendered: dict[Split, list[Rendered]] = {name: [by_row[id(row)] for row in part] for name, part in splits.items()}
    return _planned(data, config, renderer, rendered)


def _planned(data: CheckedData, config: Config, renderer: Renderer, rendered: dict[Split, list[Rendered]]) -> CheckedData:
    """The same, with what a training of it would be; as it is where the configuration leaves no training of so few rows."""
    assert data.base is not None
    try:
        sequencer = Sequencer(rendered["train"], config, texts_in(data.splits["train"]))
    except ConfigError:
        return data
    prepared = Prepared(data.persona, data.base, renderer, data.splits, rendered, sequencer, data.findings, data.prompts)
    training = Passes(sequencer.steps, sequencer.micro_batch * sequencer.accumulation, sequencer.texts)
    return replace(data, training=training, prepared=prepared)


def night(config: Config, data: CheckedData) -> Night:
    """Time a step of the base, and say what a night on the checked rows means.

    Raises:
        UserError: nothing can be trained on them.
    """
    if data.prepared is None:
        raise UserError("Nothing can be trained on these rows as they are.", "mend what is found, then run the same command")
    set_environment(config)
    plan = settle(open_trainer(config), data.prepared, config).plan
    return Night(plan, sum(map(len, data.prepared.rendered["train"])))


def write_page(data: CheckedData, dark: Night | None, path: Path) -> None:
    """Write the check as one HTML file.

    Raises:
        UserError: it cannot be written.
    """
    facts = [("Base", data.base.name)] if data.base else []
    if data.training is not None:
        facts.append(("Training", data.training.in_words()))
    if dark is not None:
        facts.append(("A night of 8 h", dark.in_words()))
    page = dataset_page(data.persona.name, data.rows, data.splits, data.findings, data.lengths, data.persona.categories, facts)
    try:
        write_atomic(path, to_html(page).encode("utf-8", "replace"))
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.", "name another file") from None


def redact(config: Config, files: Sequence[Path] = (), *, as_persona: bool = True) -> Redaction:
    """Put placeholders for what is private into the files, or into the persona's examples and edit pairs; the map stays beside them.

    Raises:
        UserError: a file cannot be changed.
    """
    persona = load_persona(config.data.persona)
    if files:
        return redact_files(files, [persona.name] if as_persona else [])
    return redact_files(
        [*persona.examples, *([persona.edits] if persona.edits.is_file() else [])], [persona.name], persona.folder / "examples"
    )


def _in_order(findings: Sequence[DataFinding]) -> list[DataFinding]:
    return sorted(findings, key=lambda finding: finding.severity)


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
    renderer = _renderer(config, persona, look_up_base(config.model))
    examples = load_examples(files) if files else persona_rows(persona).rows
    if first > len(examples):
        raise DataError(f"--first {first}: there are only {len(examples)} rows.", f"--first {len(examples)} shows the last")
    for row in examples[first - 1 : first - 1 + count]:
        rendered = renderer.example(row)
        trained = int(rendered.trained.sum())
        yield RenderedRow(row.source, len(rendered) - trained, trained, list(renderer.parts(rendered)))


def _renderer(config: Config, persona: Persona, base: Base) -> Renderer:
    return Renderer(
        base.folder, template=persona.template, system=persona.system, context=base.context, train_turns=config.data.train_turns
    )
