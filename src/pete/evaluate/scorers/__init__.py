"""Scorers: each file here but spec.py is one, and declares all that is to be known of it in a `SPEC`."""

import pkgutil
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pete.data.examples import Task
    from pete.evaluate.log import Mark, Sample
    from pete.evaluate.scorers.spec import Gate, Metric, Scorer, Spec


@cache
def specs(task: "Task | None" = None) -> "tuple[Spec, ...]":
    """The SPEC of each module of this folder, in their own order; of one task those that say something of it."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if module.name != "spec"]
    found = (import_module(f"{__name__}.{name}").SPEC for name in names)
    return tuple(sorted((spec for spec in found if task is None or task in spec.tasks), key=lambda spec: spec.order))


def metrics(task: "Task") -> "list[Metric]":
    """Everything by which base and tuned are compared."""
    return [metric for spec in specs(task) for metric in spec.metrics]


def gates(task: "Task") -> "list[Gate]":
    """Everything that decides about the verdict."""
    return [gate for spec in specs(task) for gate in spec.gates]


def apply(samples: "Sequence[Sample]", scorers: "Mapping[str, Scorer]") -> "list[Sample]":
    """The samples with every scorer's numbers in `scores`, as "scorer.number", and all marks, from left to right."""
    return [sample.model_copy(update={"scores": _scores(sample, scorers), "marks": tuple(_marks(sample, scorers))}) for sample in samples]


def _scores(sample: "Sample", scorers: "Mapping[str, Scorer]") -> dict[str, float]:
    return {f"{name}.{key}": value for name, scorer in scorers.items() for key, value in scorer.score(sample).items()}


def _marks(sample: "Sample", scorers: "Mapping[str, Scorer]") -> "list[Mark]":
    marks = [mark for scorer in scorers.values() if hasattr(scorer, "marks") for mark in scorer.marks(sample)]  # type: ignore[attr-defined]
    return sorted(marks, key=lambda mark: (mark.start, mark.end, mark.kind))
