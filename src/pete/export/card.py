"""The model card that goes with an export: what it was taught, how that was judged, what it is for, and what it is not.

No path and no user's name of this machine stands in it; the training text is named by its hash and count.
"""

import json
from pathlib import Path

from pete.config import EMBEDDED_BASE
from pete.data.examples import SPLITS
from pete.errors import DataError
from pete.evaluate import gates
from pete.evaluate.log import read_log
from pete.export.record import ExportProof
from pete.export.source import Source
from pete.places import is_hub_id

VERDICTS = {
    "ship": "met every quality gate",
    "don't ship": "failed at least one quality gate",
    "not enough evidence": "failed no quality gate, but there was not enough evidence for all of them",
}


def model_card(source: Source, proof: ExportProof) -> str:
    """README.md, with the head that model hubs read."""
    base, lineage = source.base, source.lineage
    named = base.name if is_hub_id(base.name) else "HuggingFaceTB/SmolLM2-135M-Instruct" if base.name == EMBEDDED_BASE else ""
    licence = "apache-2.0" if base.name == EMBEDDED_BASE else licence_of(base.folder)
    head = ["---", *([f"base_model: {named}"] if named else []), *([f"license: {licence}"] if licence else []),
            "library_name: transformers", "pipeline_tag: text-generation", "tags: [lora, pete]", "---"]  # fmt: skip
    voice = f"the voice of {lineage.persona}" if lineage else "what its adapter was trained on"
    parts = [
        *head, "", f"# {source.name}", "",
        f"{base.name}, fine-tuned with LoRA to {voice}, its adapter merged into the weights.",
        *(["", lineage.description] if lineage and lineage.description else []),
        "", "## Intended use", "", *_use(source),
        "", "## Training", "", *_training(source),
        "", "## Evaluation", "", *_evaluation(source),
        "", "## Proof of this export", "",
        f"Loaded again with {proof.reader} and compared with the tuned model ({proof.reference}) on {proof.prompts} held-out prompts "
        f"and {proof.rows} rows ({proof.rows_of}): token ids equal, largest gap of a logit {proof.gap:.2g} of their spread, divergence "
        f"{proof.kl:.2g} nats{'' if proof.kl_base is None else f' (the untrained base: {proof.kl_base:.2g})'}.",
        "", "## Limits", "",
        "- It imitates a manner of writing. It knows no more facts than its base, and states wrong ones as calmly as right ones.",
        "- It may repeat phrases of its training text. The evaluation looks for copied runs of words; it cannot find every one.",
        "- Whatever limits and biases the base has, it has.",
        f"- Licence: {licence or 'that of the base'}; what the base asks of those who pass it on holds here too.",
        "",
    ]  # fmt: skip
    return "\n".join(parts)


def _use(source: Source) -> list[str]:
    lineage, sampling = source.lineage, source.sampling
    kinds = f"Writing of these kinds: {', '.join(lineage.categories.values())}. " if lineage and lineage.categories else ""
    lines = [f"{kinds}A draft for a person to read, not a text to publish unread."]
    if source.renderer.system:
        lines += ["", "The system line it was trained with, which the chat template adds where a conversation has none:", "",
                  f"> {' '.join(source.renderer.system.split())}"]  # fmt: skip
        if source.needs_system:
            lines[-3] = "The system line it was trained with; the chat template cannot hold it, so send it with every conversation:"
    lines += ["", f"Drawn at temperature {sampling.temperature:g}, top_p {sampling.top_p:g}, top_k {sampling.top_k}, repetition penalty "
              f"{sampling.repetition_penalty:g} (over the answer only, where a program can tell it from the prompt)."]  # fmt: skip
    if lineage and any(lineage.prompt_format.get(key) for key in ("shots", "length", "form")):
        lines += ["", "Pete puts examples or hints before a request (`pete prompts try`); a program that reads this export does not."]
    return lines


def _training(source: Source) -> list[str]:
    lineage, run = source.lineage, source.run
    from_4_bits = "; its weights were kept in 4 bits (Q4_1) and are no others here" if source.base.name == EMBEDDED_BASE else ""
    lines = [f"- Base: {source.base.name}, revision {source.base.revision}, fingerprint {source.base.fingerprint[:16]}{from_4_bits}"]
    if lineage:
        lines.append(f"- Text: fingerprint {lineage.data_fingerprint[:16]}{_rows(source)}")
        lines.append(f"- Configuration: sha256 {lineage.config_sha256[:16]}, Pete {lineage.pete}")
    lines.append(f"- Adapter: sha256 {source.adapter_sha256[:16]}")
    if run is not None:
        lora, train = source.config.lora, source.config.train
        length = f"{train.steps} steps" if train.steps else f"{train.epochs:g} epochs"
        lines.append(f"- LoRA: rank {lora.rank}, alpha {lora.alpha:g}, on {', '.join(lora.targets)}; {length}")
    return lines


def _rows(source: Source) -> str:
    """Rows by split, of a run that still has its manifest."""
    if source.run is None:
        return ""
    try:
        splits = json.loads(source.run.manifest_file.read_text(encoding="utf-8"))["splits"]
        return "; rows: " + ", ".join(f"{int(splits[name]['rows'])} {name}" for name in SPLITS if name in splits)
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _evaluation(source: Source) -> list[str]:
    newest = source.run.newest_evaluation() if source.run else None
    if newest is None:
        return ["Not evaluated."]
    try:
        judged = gates.judge(read_log(newest))
    except DataError:
        return ["Its evaluation cannot be read."]
    lines = [f"Verdict: **{judged.verdict}** (it {VERDICTS[judged.verdict]}).", ""]
    lines += [f"- {m.title}: base {m.base:.3g}, tuned {m.tuned:.3g} {m.unit}, {m.verdict}" for m in judged.measures if m.primary]
    lines += [f"- failed: {outcome.gate.name}" for outcome in judged.of("failed")]
    return lines


def licence_of(folder: Path) -> str:
    """What a base's own card says of its licence; empty where it brings none."""
    try:
        head = (folder / "README.md").read_text(encoding="utf-8").split("---")
    except (OSError, UnicodeDecodeError):
        return ""
    lines = head[1].splitlines() if len(head) > 2 and not head[0].strip() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("license:")), "")
