"""The report of one run, chapter by chapter; html and markdown say the same because both lay out this."""

from pete.adapter import Lineage
from pete.config import PROJECT, values_of
from pete.report import original
from pete.report.blocks import Block, Fact, Facts, Fold, Page, Section, Table
from pete.report.model import ReportData
from pete.report.process import process
from pete.report.results import evaluation
from pete.report.summary import next_steps, summary


def make_page(data: ReportData) -> Page:
    """Verdict first, then what it rests on, then how it came about."""
    chapters = [evaluation(data), next_steps(data), process(data), _tools(data), _facts(data), _how_to_read(data)]
    title = f"{data.voice} on {data.base}: {data.name}"
    return Page(title, (Section("Executive Summary", summary(data)),), tuple(c for c in chapters if c is not None))


def _tools(data: ReportData) -> Section:
    rows = tuple(
        (
            what,
            f"pete {verb} {data.cli_argument}".strip() if verb != "train" else "pete train",
            *(_here(folder, name) for folder, name in files),
        )
        for what, verb, *files in original.TOOLS
    )
    return Section("Tools and Resources", (Table(("For", "Command", "Desktop launcher", "Script"), rows, words=True),))


def _here(folder: str, name: str) -> str:
    return f"{folder}/{name}" if name and (PROJECT / folder / name).is_file() else ""


def _facts(data: ReportData) -> Section:
    parts: list[Block] = []
    if data.lineage:
        parts.append(Section("Voice", (Facts(tuple(_voice(data.lineage))),)))
    parts.append(Section("Data", (Facts(tuple(_data(data))),)))
    parts.append(Fold("Every setting, and where its value came from", (_settings(data),)))
    return Section("Run Facts", tuple(parts))


def _voice(lineage: Lineage) -> list[Fact]:
    found = [Fact("Persona", lineage.persona), Fact("Described as", lineage.description), Fact("System line", lineage.system or "none")]
    found += [Fact(f"Rule {number}", rule) for number, rule in enumerate(lineage.rules, 1)]
    if lineage.prompt_format:
        values = ", ".join(f"{key} {value!r}" for key, value in lineage.prompt_format.items())
        found.append(Fact("Prompt format", f"{values} (pete prompts try)"))
    return [*found, Fact("Words it avoids", ", ".join(lineage.avoid) or "none")]


def _data(data: ReportData) -> list[Fact]:
    persona = data.resolved.config.data.persona
    found = [Fact("Voice", f"{data.voice} ({persona})" if data.voice != persona else data.voice)]
    if data.dataset:
        found.append(Fact("Rows", ", ".join(f"{count} {name}" for name, count in data.dataset.rows.items())))
        found.append(Fact("Data fingerprint", data.dataset.fingerprint[:16]))
        found += [Fact(f"Source {name}", f"sha256 {digest[:16]}") for name, digest in data.dataset.sources.items()]
    elif started := data.training.started:
        found.append(Fact("Rows", f"{started.train_rows} train, {started.valid_rows} valid"))
    if data.lineage:
        found.append(Fact("Configuration", f"sha256 {data.lineage.config_sha256[:16]}"))
    return found


def _settings(data: ReportData) -> Table:
    rows = []
    for dotted, value in values_of(data.resolved.config).items():
        shown = "not set" if value is None else ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        rows.append((dotted, shown, data.resolved.sources.get(dotted, "default")))
    return Table(("Setting", "Value", "From"), tuple(rows), words=True)


def _how_to_read(data: ReportData) -> Section:
    words = [
        Fact("Base and tuned", "The model as it came, and the same model with the adapter this run trained. Everything else is equal."),
        Fact(
            "Loss",
            "How surprised the model is by the next piece of text. Lower is better. Training rows are studied again and again; "
            "validation rows only decide which step was best.",
        ),
    ]
    if data.evaluation is not None:
        words += [
            Fact(
                "Bits per byte",
                "How many yes-or-no hints the model needs for each letter of the author's text it has never seen. "
                "Fewer means the writing is less of a surprise: the model has learned the voice.",
            ),
            Fact(
                "95% interval",
                "Where the true difference plausibly lies. An interval that includes 0 is printed as no significant difference. "
                "Underpowered means fewer than 20 prompts or topics: only a large difference could have shown.",
            ),
            Fact(
                "The verdict",
                "Ship: every gate holds. Don\u2019t ship: the evidence is against at least one. Not enough evidence: nothing is against "
                "it, and more prompts, or more unseen text, would settle the rest.",
            ),
            Fact(
                "Voice index",
                "A classifier that sees style and not subject was taught the author against others. 0 is where it puts the base, "
                "1 where it puts the author's own unseen texts.",
            ),
            Fact(
                "Own prompt found",
                "Of all prompts, how high the one that was asked ranks for its answer. 1.00 means always first; an answer that echoes, "
                "loops or is no English ranks nowhere.",
            ),
            Fact(
                "Loops, copies, leaks",
                "An answer loops when a fifth of its four-word runs are repeats or it zips like a stuck record; it copies when it shares a "
                "longer run of words with a training row than the author's own unseen texts do; it leaks when it shows the model's own "
                "control marks.",
            ),
        ]
    words.append(Fact("What this cannot say", "Whether the writing is good. Numbers do not laugh: read the answers, and trust your ear."))
    return Section("How to Read This", (Facts(tuple(words), prose=True),))
