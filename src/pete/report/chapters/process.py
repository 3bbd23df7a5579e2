"""The chapter "Fine-Tuning Process": what was trained, how, on what, and what happened meanwhile."""

from collections.abc import Mapping

from pete.history import History
from pete.report import original
from pete.report.blocks import Block, Fact, FactTable, Fold, Section, Table, Text
from pete.report.charts import loss_chart, pulse_chart
from pete.report.model import ReportData
from pete.report.night import against_plan
from pete.report.numbers import plain, when
from pete.words import counted, file_size, gigabytes, millions, short

UNKNOWN = "not recorded"
BESIDE = ("This run", "Original report")


def process(data: ReportData) -> Section:
    """The chapter, its sections under the original report's names."""
    sections = [
        _learning(data),
        Section("Base Model", (_beside("Base model", _base(data), original.BASE),)),
        Section("Fine-Tuning Configuration", (_beside("Adapter", _lora(data), original.LORA),)),
        Section("Training Hyperparameters", (_beside("Setting", _hyperparameters(data), original.TRAINING),)),
        Section("Apple Silicon Optimizations", (_beside("Setting", _apple(data), original.APPLE),)),
        _machine(data),
        _prediction(data),
        _monitoring(data),
    ]
    return Section("Fine-Tuning Process", tuple(s for s in sections if s is not None))


def _beside(name: str, values: Mapping[str, str], originals: Mapping[str, str]) -> Table:
    rows = tuple((key, value, originals.get(key, original.NOT_GIVEN)) for key, value in values.items())
    return Table((name, *BESIDE), rows, words=True, even=True)


def _learning(data: ReportData) -> Section | None:
    training = data.training
    loss, pulse = loss_chart(training), pulse_chart(training)
    if loss is None or pulse is None:
        return None
    more: list[Block] = [pulse]
    if training.validations:
        more.append(_validations(training))
    return Section(
        "Learning curves",
        (
            Text(
                "Each step shows the model a few examples and corrects it a little. The loss says how badly it predicts the text: lower is "
                "better. Thin line: each step. Thick line: its average. Dots: the loss on rows kept aside, which choose the best step."
            ),
            loss,
            Fold("Every validation, learning rate, gradient norm, speed and memory", tuple(more)),
        ),
    )


def _validations(training: History) -> Table:
    smooth = {s.step: value for s, value in zip(training.steps, training.smoothed(), strict=True)}
    rows = []
    for v in training.validations:
        mark = "base, before training" if v.step == 0 else "best" if training.best is not None and v.step == training.best.step else ""
        rows.append((str(v.step), plain(v.loss), plain(smooth[v.step]) if v.step in smooth else "", mark))
    note = (
        f"Nats a token. The training loss is averaged over {2 * training.smoothing + 1} steps around, and is taken with dropout on, "
        "where there is any."
    )
    return Table(("Step", "Validation loss", "Training loss", ""), tuple(rows), note)


# --- what was set ----------------------------------------------------------------------------------------------------


def _base(data: ReportData) -> dict[str, str]:
    started, lineage = data.training.started, data.lineage
    return {
        "Model": data.base,
        "Architecture": (lineage.architecture if lineage else "") or UNKNOWN,
        "Parameters": f"{millions(started.parameters)} ({started.parameters:,})" if started else UNKNOWN,
        "Framework": f"{started.engine} engine of Pete{f' {lineage.pete}' if lineage else ''}" if started else UNKNOWN,
        "Revision": (lineage.base_revision if lineage else data.resolved.config.model.revision) or UNKNOWN,
        "Fingerprint": lineage.base_fingerprint[:16] if lineage else UNKNOWN,
    }


def _lora(data: ReportData) -> dict[str, str]:
    lora, started = data.resolved.config.lora, data.training.started
    trained = UNKNOWN
    if started:
        trained = (
            f"{data.training.trainable_share:.2%} of all parameters: {started.trainable:,} of {started.parameters + started.trainable:,}"
        )
    return {
        "Method": "LoRA adapter in PEFT's format",
        "Target modules": ", ".join(lora.targets),
        "Rank (r)": str(lora.rank),
        "Alpha": f"{lora.alpha:g}",
        "Dropout": f"{lora.dropout:g}",
        "Trainable parameters": trained,
    }


def _hyperparameters(data: ReportData) -> dict[str, str]:
    config, training = data.resolved.config, data.training
    train, optim, started = config.train, config.optim, training.started
    length = f"{train.epochs:g} epochs" if train.steps is None else f"{train.steps}"
    done = f"{training.last_step} of {started.steps}" if started else UNKNOWN
    return {
        "Batch size": str(train.rows_together),
        "Gradient accumulation steps": f"{train.accumulation} ({train.rows_together * train.accumulation} rows an update)",
        "Learning rate": f"{optim.learning_rate:g}, {optim.schedule} after the warm-up",
        "Weight decay": f"{optim.weight_decay:g}",
        "Warmup steps": str(optim.warmup_steps),
        "Training iterations": f"{done} (asked for: {length})",
        "Mixed precision": _precision(data),
        "Optimizer": "AdamW",
        "Gradient clipping (norm)": f"{optim.clip_norm:g}",
        "Gradient checkpointing": "on" if train.gradient_checkpointing else "off",
        "Longest row, in tokens": f"{config.data.max_length:,}{', rows packed together' if config.data.packing else ''}",
        "Seed": str(train.seed),
    }


def _precision(data: ReportData) -> str:
    started = data.training.started
    if started is None:
        return UNKNOWN
    return "disabled: float32" if started.dtype == "float32" else f"base weights in {started.dtype}, adapter in float32"


def _apple(data: ReportData) -> dict[str, str]:
    started, resolved = data.training.started, data.resolved
    device = started.device if started else UNKNOWN
    environment = {
        key: str(data.machine.get(key, UNKNOWN))
        for key in ("PYTORCH_MPS_HIGH_WATERMARK_RATIO", "PYTORCH_ENABLE_MPS_FALLBACK", "TOKENIZERS_PARALLELISM")
    }
    # runs of before this setting have it as a default only: nobody put it in force then
    if environment["PYTORCH_MPS_HIGH_WATERMARK_RATIO"] == UNKNOWN and "engine.torch.mps_high_watermark" in resolved.sources:
        environment["PYTORCH_MPS_HIGH_WATERMARK_RATIO"] = f"{resolved.config.engine.torch.mps_high_watermark:.1f}"
    if device not in ("mps", UNKNOWN):
        for key in ("PYTORCH_MPS_HIGH_WATERMARK_RATIO", "PYTORCH_ENABLE_MPS_FALLBACK"):
            environment[key] += f" (nothing to do on {device})" if environment[key] != UNKNOWN else ""
    dtype = f"{started.dtype}: {started.dtype_reason}" if started and started.dtype_reason else started.dtype if started else UNKNOWN
    return {"Device": device, **environment, "Quantization": "none", "Number format of the base": dtype}


# --- what the machine was, what was predicted, what happened -----------------------------------------------------------


def _machine(data: ReportData) -> Section:
    checked = data.training.checked
    if checked is None:
        return Section("The machine", (Text("Not recorded: the machine was not examined before this run."),))
    blocks: list[Block] = []
    if checked.machine:
        blocks.append(
            FactTable(
                tuple(Fact(_name(key), _value(key, value)) for key, value in checked.machine.items() if value != "" and not key.isupper())
            )
        )
    for levels, summary in ((("stop", "caution"), ""), (("good",), "Checks without remarks")):
        rows = [
            tuple(f.get(key, "") for key in ("level", "name", "found", "advice"))
            for level in levels
            for f in checked.findings
            if f.get("level") == level
        ]
        if rows and not summary:
            blocks.append(Table(("Level", "What", "Found", "Advice"), tuple(rows), f"As examined {when(checked.time)}.", words=True))
        elif rows:
            blocks.append(Fold(f"{summary}: {len(rows)}", (Table(("What", "Found"), tuple(row[1:3] for row in rows), words=True),)))
    return Section("The machine", tuple(blocks))


def _name(key: str) -> str:
    return {"os": "Kind", "gpu_cores": "GPU cores", "available": "Free memory"}.get(key, key.replace("_", " ").capitalize())


def _value(key: str, value: str | int | float) -> str:
    if isinstance(value, str):
        return value
    return gigabytes(value) if key in ("memory", "available", "swap") else file_size(value) if key == "disk" else short(value)


def _prediction(data: ReportData) -> Section:
    title, training = "Prediction against what happened", data.training
    planned = training.planned
    if planned is None:
        return Section(title, (Text("Not recorded: nothing was predicted before this run."),))
    rows = tuple(
        (name, fact.planned or UNKNOWN, fact.happened or UNKNOWN, fact.difference)
        for name, fact in zip(("Peak memory", "Training time"), against_plan(training), strict=True)
    )
    unfinished = "" if training.done else " Training did not come to its end, so its time is not compared."
    note = f"{gigabytes(planned.available)} of memory were free. The prediction of time is based on: {planned.basis}.{unfinished}"
    return Section(title, (Table(("", "Predicted", "Happened", "Difference"), rows, note),))


def _monitoring(data: ReportData) -> Section:
    training, tracking = data.training, data.resolved.config.tracking
    wandb = UNKNOWN
    if "tracking.wandb" in data.resolved.sources:
        where = {"off": "off", "offline": "offline: kept in the run's wandb/", "online": f"online, project {tracking.project}"}
        wandb = where[tracking.wandb] + (", sampled answers too" if tracking.samples and tracking.wandb != "off" else "")
    lines = ", ".join(counted(n, _KINDS[kind]) for kind, n in training.counts.items() if kind in _KINDS and n)
    facts = (
        Fact("Weights & Biases", wandb),
        Fact("Local logging", f"events.jsonl: {lines or 'nothing'}; the same in words, with timestamps, in train.log"),
        Fact("Errors", f"{counted(data.errors, 'failure')}, with tracebacks in errors.jsonl" if data.errors else "none recorded"),
    )
    blocks: list[Block] = [FactTable(facts)]
    told_already = ("memory", "time") if training.planned else ()  # beside their prediction
    if course := [Fact(name, words) for name, words in data.night if name not in told_already]:
        blocks.append(Section("During training", (FactTable(tuple(course)),)))
    if training.samples:
        answers = tuple(Fact(f"Step {s.step}: {s.prompt}", s.text.strip() or "(empty)") for s in training.samples)
        blocks.append(Fold("Sample answers during training", (FactTable(answers, prose=True),)))
    return Section("Monitoring", tuple(blocks))


_KINDS = {"Step": "step", "Validated": "validation", "Saved": "checkpoint", "Sampled": "sample", "Warned": "note"}
"""Kinds of events that count something, and what."""
