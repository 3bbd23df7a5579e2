"""One run's tuned model in the place of another run's base: everything that compares base and tuned then compares these."""

import itertools

from pete.adapter import Lineage
from pete.errors import RunError
from pete.evaluate.log import EvaluationLog, HeldOut, Sample, read_log
from pete.run import RunDir


def refuse_other_base(name: str, log: EvaluationLog | Lineage, other_name: str, other: EvaluationLog | Lineage) -> None:
    """Raises RunError when two runs do not start from the same base: their numbers would have different starting points."""
    if other.base_fingerprint != log.base_fingerprint:
        raise RunError(
            f"{other_name} was trained on {other.base} ({other.base_fingerprint[:12]}), {name} on {log.base} "
            f"({log.base_fingerprint[:12]}): their numbers have different starting points.",
            "compare runs on one base; each run's own report holds it against its base",
        )


def refuse_other_prompts(name: str, log: EvaluationLog, other_name: str, other: EvaluationLog) -> None:
    """Raises RunError when two evaluations did not ask the same prompts."""
    prompts, others = _asked(log), _asked(other)
    if others != prompts:
        extra = len(others - prompts)
        raise RunError(
            f"{other_name} was asked {extra:,} prompt{'' if extra == 1 else 's'} that {name} was not, and not asked "
            f"{len(prompts - others)} that it was: answers to other prompts cannot be compared.",
            "ask both the same: pete evaluate RUN --suite FILE, with one FILE for each of them",
        )


def in_place_of_base(first: EvaluationLog, log: EvaluationLog) -> EvaluationLog:
    """`log` with the tuned model of `first` where the base was.

    Unseen rows stay only when both runs kept the same ones back: another data.split_seed or another share cuts other rows, and
    the row that one run never saw, the other may have learned. Speeds are left out: two sessions of a machine are not one.
    """
    before = {_key(row): row for row in first.held_out}
    shared = [row for row in log.held_out if _key(row) in before]
    same = len(shared) == len(before) == len(log.held_out)
    paired = [row.model_copy(update={"base_nats": before[_key(row)].tuned_nats}) for row in shared] if same else []
    ordinary = {_key(row): row for row in first.neutral}
    neutral = [row.model_copy(update={"base_nats": ordinary[_key(row)].tuned_nats}) for row in log.neutral if _key(row) in ordinary]
    samples = [_as_base(s) for s in first.samples if s.model == "tuned"] + [s for s in log.samples if s.model == "tuned"]
    trained = tuple(dict.fromkeys((*log.in_training, *first.in_training)))
    return log.model_copy(update={"held_out": paired, "neutral": neutral, "samples": samples, "speed": [], "in_training": trained})


def kept_answers(other: RunDir, log: EvaluationLog) -> EvaluationLog | None:
    """An evaluation of the other run that asked the same as `log`, in the same way: then nothing has to be asked again."""
    asked_for_us = sorted(other.evaluations.glob("against-*.json"), key=lambda path: path.stat().st_mtime)
    kept = map(read_log, reversed([*asked_for_us, *other.all_evaluations(log.task)]))
    return next((before for before in kept if _drawn_alike(before, log)), None)


def unused_name(other: RunDir, run: RunDir) -> str:
    """What an evaluation of the other run is called that was only made for `run`: never one that stands there already."""
    names = (f"against-{run.name}{f'-{number}' if number > 1 else ''}" for number in itertools.count(1))
    return next(name for name in names if not other.evaluation_file(name).exists())


def _drawn_alike(before: EvaluationLog, log: EvaluationLog) -> bool:
    numbers = {(s.prompt_id, s.prompt, s.number) for s in before.samples if s.model == "tuned"}
    wanted = {(p.id, p.prompt, number) for p in log.prompts for number in {s.number for s in log.samples}}
    return before.task == log.task and numbers == wanted and before.generate == log.generate


def _asked(log: EvaluationLog) -> set[tuple[str, str]]:
    return {(s.prompt_id, s.prompt) for s in log.samples}


def _key(row: HeldOut) -> tuple[str, str, int, float]:
    return (row.category, row.topic, row.text_bytes, round(row.base_nats, 3))


def _as_base(sample: Sample) -> Sample:
    return sample.model_copy(update={"model": "base"})
