"""What the report says, in words and tables; html and markdown say the same because both lay this out."""

from collections.abc import Iterable
from dataclasses import dataclass

from pete.adapter import Lineage
from pete.evaluate.log import Sample
from pete.evaluate.stats import Interval
from pete.report import original
from pete.report.comparison import CUT_OFF, Comparison, Responses, flags_of
from pete.report.model import ReportData
from pete.report.numbers import bounds, change, counted, duration, gigabytes, millions, percent, plain, short, when
from pete.report.training import Training

FLAG_TITLES = {CUT_OFF: "Cut off", "degenerate.any": "Loops or empty", "cliche.any": "Phrases to avoid"}
FLAG_TAGS = {CUT_OFF: "cut off", "degenerate.any": "loops or empty", "cliche.any": "phrase to avoid"}
STOP_TITLES = {"end": "ended by itself", "stop string": "stopped at a marker", "length": "cut off at the limit"}


KINDS = (("strength", "What works"), ("weakness", "What does not work yet"), ("open", "What the numbers cannot settle"))


@dataclass(frozen=True)
class Card:
    """One number that matters, with what it is and what it stands against."""

    name: str
    value: str
    beside: str


@dataclass(frozen=True)
class Table:
    """Rows of text under a head; the first column names the row."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Fact:
    """One line of the run facts."""

    name: str
    value: str


def lead(data: ReportData) -> str:
    """What changed, in one plain sentence with numbers."""
    training, held = data.training, data.evaluation.held_out if data.evaluation else None
    if not training.steps and held is None:
        return f"Nothing has been trained yet: events.jsonl records 0 steps for {data.base}."
    taught = f"After {counted(training.best_step, 'step')} of training on {counted(_rows(data), 'example')}, " if training.steps else ""
    if held is not None:
        more = "fewer" if held.tuned <= held.base else "more"
        line = (
            f"{taught}{data.base} needs {plain(held.tuned, 2)} bits for each byte of {data.voice}'s unseen writing; "
            f"before, it needed {plain(held.base, 2)}. That is {percent(abs(held.relative))} {more}"
        )
        if held.gain.verdict == "no significant difference":
            return f"{line}, which is no significant difference (95% interval of the gain: {bounds(held.gain)})."
        return f"{line} (95% interval of the gain: {bounds(held.gain)})."
    base, best = training.base_loss, training.best
    if base is not None and best is not None:
        moved = "fell" if best.loss < base else "went"
        return (
            f"{taught}the validation loss of {data.base} {moved} from {plain(base)} to {plain(best.loss)} nats a token "
            f"({change(best.loss / base - 1)}). No evaluation has been made yet, so this report shows the training only."
        )
    smooth = training.smoothed()
    return (
        f"{taught}the training loss of {data.base} went from {plain(smooth[0])} to {plain(smooth[-1])} nats a token. "
        "No evaluation has been made yet, so this report shows the training only."
    )


def cards(data: ReportData) -> list[Card]:
    """The compact numbers row."""
    found: list[Card] = []
    training, evaluation = data.training, data.evaluation
    if evaluation is not None:
        if (held := evaluation.held_out) is not None:
            found.append(Card("bits per byte, unseen text", plain(held.tuned, 2), f"base {plain(held.base, 2)}, {change(held.relative)}"))
        base, tuned = evaluation.overall("base"), evaluation.overall("tuned")
        if tuned is not None:
            ended = 1 - tuned.flags[CUT_OFF].share
            found.append(Card("answers that end", percent(ended), f"base {percent(1 - base.flags[CUT_OFF].share)}" if base else ""))
            for key, name in (("degenerate.any", "answers that loop"), ("cliche.any", "with phrases to avoid")):
                if key in tuned.flags:
                    beside = f"base {percent(base.flags[key].share)}" if base and key in base.flags else ""
                    found.append(Card(name, percent(tuned.flags[key].share), beside))
        if (alone := evaluation.alone("tuned")) is not None:
            found.append(Card("an answer, alone", f"{plain(alone.seconds, 1)} s", f"original {original.span(original.SECONDS)} s"))
    elif training.best is not None:
        beside = f"base {plain(training.base_loss)}" if training.base_loss is not None else ""
        found.append(Card("validation loss", plain(training.best.loss), beside))
    if training.steps:
        found.append(Card("training", duration(training.seconds), f"{counted(training.last_step, 'step')}, best {training.best_step}"))
        if evaluation is None:
            found.append(Card("training speed", f"{training.tokens_per_second:,.0f} tok/s", f"{training.tokens:,} tokens"))
            found.append(Card("peak memory", gigabytes(training.peak_memory), "while training"))
    if training.started is not None and evaluation is None:
        found.append(Card("of the model trains", percent(training.trainable_share), f"{millions(training.started.trainable)} parameters"))
    return found


def validation_table(training: Training) -> Table | None:
    """Every validation, for those who would rather read the numbers."""
    if not training.validations:
        return None
    rows = []
    smooth = {s.step: value for s, value in zip(training.steps, training.smoothed(), strict=True)}
    for v in training.validations:
        mark = "base, before training" if v.step == 0 else "best" if training.best is not None and v.step == training.best.step else ""
        rows.append((str(v.step), plain(v.loss), plain(smooth[v.step]) if v.step in smooth else "", mark))
    return Table(("Step", "Validation loss", "Training loss", ""), tuple(rows), _loss_note(training))


def held_out_table(evaluation: Comparison) -> Table | None:
    """Bits per byte by category."""
    if evaluation.held_out is None:
        return None
    rows = [*evaluation.by_category, evaluation.held_out] if len(evaluation.by_category) > 1 else [evaluation.held_out]
    return Table(
        ("Category", "Rows", "Topics", "Base", "Tuned", "Change", "Gain a row", "95% interval", "Verdict"),
        tuple(
            (
                evaluation.title(h.category),
                str(h.rows),
                str(h.gain.clusters),
                plain(h.base),
                plain(h.tuned),
                change(h.relative),
                plain(h.gain.mean),
                bounds(h.gain),
                _verdict(h.gain, "better", "worse"),
            )
            for h in rows
        ),
        "Base, tuned and change are sums over all bytes; the gain is base minus tuned, averaged over rows, with rows of one topic "
        "kept together. The categories are for orientation: looking at several makes one lucky interval likelier.",
    )


def responses_table(evaluation: Comparison) -> Table | None:
    """Answers by category and model."""
    if not evaluation.categories:
        return None
    flags = list(dict.fromkeys(key for row in evaluation.categories for key in row.flags))
    flags.sort(key=lambda key: list(FLAG_TITLES).index(key) if key in FLAG_TITLES else len(FLAG_TITLES))
    head = ("Category", "Model", "Answers", "Seconds", "Tokens", "Ended by itself", "At a marker", *(FLAG_TITLES.get(f, f) for f in flags))
    batch = max(s.batch for s in evaluation.log.samples)
    return Table(
        (*head, "Leaks, raw", "Leaks, shown", "Begin alike"),
        tuple(_responses_row(row, flags) for row in evaluation.categories),
        f"Seconds and tokens are averages, with up to {counted(batch, 'answer')} sharing the machine; the speed of one alone is below. "
        "Leaks count answers with a special token or template marker, before and after the text is cleaned. "
        "Begin alike: the first four words also begin an answer to another prompt.",
    )


def changes_table(evaluation: Comparison) -> Table | None:
    """Tuned against base on the same prompts, with intervals."""
    if not evaluation.changes:
        return None
    return Table(
        ("Share of answers", "Tuned minus base", "95% interval", "Verdict"),
        tuple(
            (FLAG_TITLES.get(key, key), plain(shift.mean, 2), bounds(shift, 2), _verdict(shift, "more often", "less often"))
            for key, shift in evaluation.changes.items()
        ),
        "Paired: each prompt is compared with itself. Below 0 the tuned model does it less often.",
    )


def speed_table(data: ReportData) -> Table | None:
    """One answer at a time, beside the original report's figures."""
    evaluation = data.evaluation
    if evaluation is None or not evaluation.speeds:
        return None
    log, speeds = evaluation.log, evaluation.speeds
    none = "not given"
    rows = (
        ("Seconds an answer", *(plain(s.seconds, 1) for s in speeds), original.span(original.SECONDS)),
        ("Tokens per second", *(plain(s.tokens_per_second, 1) for s in speeds), original.span(original.TOKENS_PER_SECOND)),
        ("Seconds to the first token", *(plain(s.first_token_seconds, 2) for s in speeds), none),
        ("Tokens an answer", *(plain(s.tokens, 0) for s in speeds), none),
        ("Peak memory, GB", *(f"{log.peak_memory / 1e9:.1f}" for _ in speeds), original.span(original.GIGABYTES)),
    )
    return Table(
        ("Median", *(s.model.capitalize() for s in speeds), "Original report"),
        rows,
        f"Each model answered {counted(speeds[0].prompts, 'prompt')} alone, warmed up, on {log.machine} ({counted(log.cores, 'core')}, "
        f"{log.engine} on {log.device}, {log.dtype}) with {log.base}. The original's figures are for {original.WHAT}, so the columns "
        "compare what a person waits for, not two machines. Memory is the peak of the whole evaluation, one figure for both models.",
    )


def facts(data: ReportData) -> list[tuple[str, list[Fact]]]:
    """Run facts, in groups."""
    training, lineage, config = data.training, data.lineage, data.resolved.config
    started = training.started
    model = [Fact("Base", data.base), Fact("Revision", _or(lineage.base_revision if lineage else config.model.revision))]
    if lineage:
        model.append(Fact("Base fingerprint", lineage.base_fingerprint[:16]))
    if started:
        share = f"{started.trainable:,} of {started.parameters + started.trainable:,} ({training.trainable_share:.2%})"
        model.append(Fact("Trainable parameters", share))
    lora = config.lora
    model.append(Fact("Adapter (LoRA)", f"rank {lora.rank}, alpha {lora.alpha:g}, dropout {lora.dropout:g}, on {', '.join(lora.targets)}"))
    if lineage:
        model.append(Fact("Made with", f"Pete {lineage.pete}, configuration {lineage.config_sha256[:16]}"))
    groups = [("Voice", _voice_facts(lineage)), ("Model", model), ("Data", _data_facts(data)), ("Training", _training_facts(training))]
    if data.evaluation:
        groups.append(("Evaluation", _evaluation_facts(data.evaluation)))
    return [(title, found) for title, found in groups if found]


def settings_table(data: ReportData) -> Table:
    """Every value of config.toml with where it came from."""
    rows = []
    for section, table in data.resolved.config.model_dump().items():
        for key, value in table.items():
            dotted = f"{section}.{key}"
            shown = "not set" if value is None else ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
            rows.append((dotted, shown, data.resolved.sources.get(dotted, "default")))
    return Table(("Setting", "Value", "From"), tuple(rows))


def how_to_read(data: ReportData) -> list[Fact]:
    """The words of this report, explained for people who write for a living."""
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
                "Loops, cut off, leaks",
                "An answer loops when a fifth of its four-word runs are repeats or it zips like a stuck record; it is cut off when it "
                "ran into the token limit; it leaks when it shows the model's own control marks.",
            ),
        ]
    words.append(
        Fact("What this cannot say", "Whether the writing is good. Nobody judged it: read the answers, or the rows, and trust your ear.")
    )
    return words


def notes_on(sample: Sample) -> list[str]:
    """How an answer ended and what is marked against it, in a few words."""
    marks = [FLAG_TAGS.get(key, key.removesuffix(".any")) for key, found in flags_of(sample).items() if found and key != CUT_OFF]
    marks += ["leaks a marker"] if sample.leaks_clean else []
    return [counted(sample.tokens, "token"), STOP_TITLES.get(sample.stop, sample.stop), *marks]


def is_marked(sample: Sample) -> bool:
    """Whether anything is marked against an answer."""
    return any(flags_of(sample).values()) or sample.leaks_clean > 0


def _responses_row(row: Responses, flags: Iterable[str]) -> tuple[str, ...]:
    return (
        row.title,
        row.model,
        str(row.answers),
        plain(row.seconds, 1),
        plain(row.tokens, 0),
        percent(row.stops.get("end", 0.0)),
        percent(row.stops.get("stop string", 0.0)),
        *(percent(row.flags[key].share) if key in row.flags else "" for key in flags),
        str(row.leaks_raw.hits),
        str(row.leaks_clean.hits),
        percent(row.same_opening.share),
    )


def _voice_facts(lineage: Lineage | None) -> list[Fact]:
    if lineage is None:
        return []
    found = [Fact("Persona", lineage.persona), Fact("Described as", lineage.description), Fact("System line", lineage.system or "none")]
    found += [Fact(f"Rule {number}", rule) for number, rule in enumerate(lineage.rules, 1)]
    return [*found, Fact("Words it avoids", ", ".join(lineage.avoid) or "none")]


def _data_facts(data: ReportData) -> list[Fact]:
    found = [
        Fact(
            "Voice",
            f"{data.voice} ({data.resolved.config.data.persona})" if data.voice != data.resolved.config.data.persona else data.voice,
        )
    ]
    if data.dataset:
        rows = data.dataset.rows
        found.append(Fact("Rows", ", ".join(f"{count} {name}" for name, count in rows.items())))
        found.append(Fact("Data fingerprint", data.dataset.fingerprint[:16]))
        found += [Fact(f"Source {name}", f"sha256 {digest[:16]}") for name, digest in data.dataset.sources.items()]
    elif data.training.started:
        found.append(Fact("Rows", f"{data.training.started.train_rows} train, {data.training.started.valid_rows} valid"))
    return found


def _training_facts(training: Training) -> list[Fact]:
    found: list[Fact] = []
    if (s := training.started) is not None:
        found.append(
            Fact(
                "Computed by",
                f"{s.engine} on {s.device}, {s.dtype}: {s.dtype_reason}" if s.dtype_reason else f"{s.engine} on {s.device}, {s.dtype}",
            )
        )
    planned = f" of {s.steps} planned" if s is not None and s.steps != training.last_step else ""
    if training.steps:
        found += [
            Fact("Steps", f"{training.last_step}{planned}; the adapter is the one of step {training.best_step}"),
            Fact("Time", f"{duration(training.seconds)}, {training.tokens_per_second:,.0f} tokens/s over {training.tokens:,} real tokens"),
            Fact("Peak memory", gigabytes(training.peak_memory)),
        ]
    for number, sitting in enumerate(training.sittings, 1):
        name = "Sitting" if len(training.sittings) == 1 else f"Sitting {number}"
        resumed = f", resumed after step {sitting.from_step}" if sitting.from_step else ""
        found.append(Fact(name, f"{when(sitting.began)} to {when(sitting.ended)}{resumed}: {sitting.reason} at step {sitting.last_step}"))
    if training.repeated:
        found.append(Fact("Steps lost and done again", str(training.repeated)))
    if training.asleep:
        found.append(Fact("Asleep", f"the machine slept {duration(training.asleep)} while training"))
    found += [Fact("Warning", w.message) for w in training.warnings[:10]]
    if len(training.warnings) > 10:
        found.append(Fact("Warnings", f"{len(training.warnings) - 10} more in train.log"))
    return found


def _evaluation_facts(evaluation: Comparison) -> list[Fact]:
    log = evaluation.log
    drawn = ", ".join(
        f"{key.replace('_', ' ')} {short(value) if isinstance(value, float) else value}" for key, value in log.generate.items()
    )
    return [
        Fact("File", f"{evaluation.file}, made {log.created}"),
        Fact("Machine", f"{log.machine}, {counted(log.cores, 'core')}; {log.engine} on {log.device}, {log.dtype}"),
        Fact("Asked", f"{counted(evaluation.prompts, 'prompt')}, {counted(len(log.samples), 'answer')}, in {duration(log.seconds)}"),
        Fact("Answers drawn with", drawn),
    ]


def _rows(data: ReportData) -> int:
    return data.training.started.train_rows if data.training.started else data.dataset.rows.get("train", 0) if data.dataset else 0


def _loss_note(training: Training) -> str:
    window = 2 * training.smoothing + 1
    return f"Nats a token. The training loss is averaged over {window} steps around, and is taken with dropout on, where there is any."


def _verdict(interval: Interval, up: str, down: str) -> str:
    words = {"up": up, "down": down}.get(interval.verdict, interval.verdict)
    return f"{words}, underpowered" if interval.underpowered else words


def _or(value: str | None) -> str:
    return value or "not recorded"
