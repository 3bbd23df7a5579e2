"""The chapter "Run Facts": the voice, the data, and every setting with where its value came from."""

from pete.adapter import Lineage
from pete.report.blocks import Block, Fact, FactTable, Fold, Section, Table
from pete.report.model import ReportData


def run_facts(data: ReportData) -> Section:
    """The chapter."""
    parts: list[Block] = []
    if data.lineage:
        parts.append(Section("Voice", (FactTable(tuple(_voice(data.lineage))),)))
    parts.append(Section("Data", (FactTable(tuple(_data(data))),)))
    parts.append(Fold("Every setting, and where its value came from", (_settings(data),)))
    return Section("Run Facts", tuple(parts))


def _voice(lineage: Lineage) -> list[Fact]:
    facts = [Fact("Persona", lineage.persona), Fact("Described as", lineage.description), Fact("System line", lineage.system or "none")]
    facts += [Fact(f"Rule {number}", rule) for number, rule in enumerate(lineage.rules, 1)]
    if lineage.prompt_format:
        values = ", ".join(f"{key} {value!r}" for key, value in lineage.prompt_format.items())
        facts.append(Fact("Prompt format", f"{values} (pete prompts try)"))
    return [*facts, Fact("Words it avoids", ", ".join(lineage.avoid) or "none")]


def _data(data: ReportData) -> list[Fact]:
    persona = data.resolved.config.data.persona
    facts = [Fact("Voice", f"{data.voice} ({persona})" if data.voice != persona else data.voice)]
    if data.dataset:
        facts.append(Fact("Rows", ", ".join(f"{count} {name}" for name, count in data.dataset.rows.items())))
        facts.append(Fact("Data fingerprint", data.dataset.fingerprint[:16]))
        facts += [Fact(f"Source {name}", f"sha256 {digest[:16]}") for name, digest in data.dataset.sources.items()]
    elif started := data.training.started:
        facts.append(Fact("Rows", f"{started.train_rows} train, {started.valid_rows} valid"))
    if data.lineage:
        facts.append(Fact("Configuration", f"sha256 {data.lineage.config_sha256[:16]}"))
    return facts


def _settings(data: ReportData) -> Table:
    rows = tuple((key, value, data.resolved.sources.get(key, "default")) for key, value in data.settings.items())
    return Table(("Setting", "Value", "From"), rows, words=True)
