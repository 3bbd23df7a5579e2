"""What is sent to W&B: one row of metrics a step, and hyperparameters without paths."""

from pathlib import Path
from typing import Any

from pete.config import Config
from pete.events import Event, Finished, Sampled, Started, Step, Validated

Row = dict[str, float | int | str]


class Rows:
    """Puts what happened at one step together, and drops what W&B already has.

    W&B takes steps in rising order only. A run that was killed and resumed repeats the steps since its last checkpoint: the
    first reading of a step stays.
    """

    def __init__(self, sent: int, samples: bool) -> None:
        self.sent = sent
        self._samples = samples
        self._step = sent
        self._row: Row = {}
        self._best: float | None = None

    def take(self, event: Event) -> tuple[int, Row] | None:
        """Add an event; returns the step before it, and its row, when that is complete."""
        step, row = self._numbers(event)
        if not row or step <= self.sent or step < self._step:
            return None
        ready = self.rest() if step > self._step else None
        self._step = step
        self._row = row | self._row
        return ready

    def rest(self) -> tuple[int, Row] | None:
        """The step that is still being put together, if any."""
        if not self._row:
            return None
        ready = self._step, self._row
        self.sent, self._row = self._step, {}
        return ready

    def _numbers(self, event: Event) -> tuple[int, Row]:
        match event:
            case Step():
                return event.step, {
                    "train/loss": event.loss,
                    "train/learning_rate": event.lr,
                    "train/grad_norm": event.grad_norm,
                    "train/tokens_per_second": event.tokens / event.seconds if event.seconds > 0 else 0.0,
                    "memory/device": event.memory,
                    "memory/resident": event.resident,
                    "memory/swap": event.swap,
                }
            case Validated():
                self._best = event.loss if event.best else self._best
                row: Row = {"valid/loss": event.loss}
                if self._best is not None:
                    row["valid/best"] = self._best
                return event.step, row
            case Sampled() if self._samples:
                return event.step, {"sample/prompt": event.prompt, "sample/text": event.text}
            case _:
                return 0, {}


def hyperparameters(config: Config, here: Path) -> dict[str, Any]:
    """The configuration's values without a path: a persona or a base that is a folder goes by its name.

    Args:
        config: the run's configuration.
        here: what a relative folder is relative to.
    """
    tables = _without_paths(config.model_dump(mode="json", exclude={"tracking"}))
    tables["data"]["persona"] = Path(config.data.persona).name
    base = Path(config.model.base)
    if len(base.parts) > 2 or (here / base).exists():  # a hub id is owner/name
        tables["model"]["base"] = base.name
    return tables


def _without_paths(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_paths(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_paths(inner) for inner in value]
    return Path(value).name if isinstance(value, str) and value.startswith((".", "~", "/")) else value


def facts(started: Started) -> dict[str, Any]:
    """What the engine made of the configuration."""
    return _picked(started, "engine", "device", "dtype", "trainable", "parameters", "steps", "train_rows", "valid_rows")


def summary(finished: Finished) -> dict[str, Any]:
    """How the run ended."""
    return _picked(finished, "best_step", "best_loss", "reason", "seconds", "peak_memory")


def _picked(event: Event, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(event, name)) is not None}
