"""The report as plain data, computed from a run folder and nothing else; html and markdown only lay it out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pete.adapter import LINEAGE, Lineage, read_lineage
from pete.config import Resolved, values_of
from pete.data.examples import load_examples
from pete.errors import DataError, PersonaError
from pete.evaluate.blind.record import BlindTest, blind_tests
from pete.evaluate.log import read_log
from pete.events import read
from pete.history import fold
from pete.persona import run_persona
from pete.report.advice import Measured, Suggestion
from pete.report.comparison import Comparison, compare
from pete.report.findings import Finding, find, next_steps
from pete.report.night import night_summary
from pete.run import RunDir


@dataclass(frozen=True)
class Dataset:
    """What data/manifest.json says: rows of each split, and fingerprints."""

    fingerprint: str
    rows: Mapping[str, int]
    sources: Mapping[str, str]


@dataclass(frozen=True)
class ReportData(Measured):
    """One run, measured, and everything else that its report says."""

    resolved: Resolved
    rewriting: Comparison | None
    """The newest evaluation of rewriting."""
    dataset: Dataset | None
    lineage: Lineage | None
    blind: Mapping[str, BlindTest]
    """Blind tests by their file, the oldest first."""
    findings: tuple[Finding, ...]
    next_steps: tuple[tuple[Suggestion, Finding], ...]
    night: tuple[tuple[str, str], ...]
    """What happened during training: (name, sentence)."""
    training_rows: Mapping[str, str]
    """Completions of the training rows by the names an evaluation gives them."""
    errors: int
    """Failures in errors.jsonl."""

    @property
    def base(self) -> str:
        """The base model's name."""
        return self.training.started.base if self.training.started else self.resolved.config.model.base

    @property
    def machine(self) -> Mapping[str, str | int | float]:
        """Facts of the machine, as examined before the run; empty for runs of before that."""
        return self.training.checked.machine if self.training.checked else {}

    @property
    def settings(self) -> dict[str, str]:
        """Every setting by its dotted name, its value in words."""
        return {
            key: "not set" if value is None else ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            for key, value in values_of(self.resolved.config).items()
        }

    def of_kind(self, kind: str) -> list[Finding]:
        """The findings of one kind, in order."""
        return [f for f in self.findings if f.kind == kind]


def read_report(run: RunDir) -> ReportData:
    """Read what is in a run folder; what is not there yet is left out of the report.

    Raises:
        UserError: config.toml, adapter/pete.json or the newest evaluation is there and cannot be read.
    """
    resolved = run.read_config().portable(run.folder)
    dataset = _dataset(run)
    lineage = read_lineage(run.adapter) if (run.adapter / LINEAGE).is_file() else None
    training = fold(read(run.events_file))
    evaluation, rewriting = _newest(run, "write"), _newest(run, "rewrite")
    voice = lineage.persona if lineage else evaluation.log.persona if evaluation else _voice(run, resolved)
    rows = training.started.train_rows if training.started else dataset.rows.get("train", 0) if dataset else 0
    measured = Measured(run, resolved.config, training, evaluation, rows, voice)
    findings = find(measured)
    return ReportData(
        **vars(measured),
        resolved=resolved,
        rewriting=rewriting,
        dataset=dataset,
        lineage=lineage,
        blind={str(path.relative_to(run.folder)): test for path, test in blind_tests(run).items()},
        findings=findings,
        next_steps=next_steps(findings),
        night=tuple(night_summary(training)),
        training_rows=_training_rows(run),
        errors=_lines(run.errors_file),
    )


def _newest(run: RunDir, task: str) -> Comparison | None:
    newest = run.newest_evaluation(task)
    return compare(read_log(newest), str(newest.relative_to(run.folder))) if newest else None


def _voice(run: RunDir, resolved: Resolved) -> str:
    try:
        return run_persona(run).name
    except PersonaError:  # a run of an earlier version, and its persona is gone
        return Path(resolved.config.data.persona).name


def _training_rows(run: RunDir) -> dict[str, str]:
    from pete.evaluate.score import source_of  # with the scorers, which are slow to import

    try:
        rows = load_examples([run.split_file("train")])
    except DataError:  # gone: the report stands without them
        return {}
    return {row.id or source_of(row): row.completion for row in rows}


def _lines(path: Path) -> int:
    try:
        return len(path.read_bytes().splitlines())
    except OSError:
        return 0


def _dataset(run: RunDir) -> Dataset | None:
    # a run that stopped before its data was written still gets a report
    try:
        manifest = json.loads(run.manifest_file.read_text(encoding="utf-8"))
        rows = {name: int(split["rows"]) for name, split in manifest["splits"].items()}
        return Dataset(str(manifest["fingerprint"]), rows, {str(k): str(v) for k, v in manifest.get("sources", {}).items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
