"""Chat and test: a run's model, loaded and ready to answer."""

from collections.abc import Sequence
from dataclasses import replace

from pete.config import override
from pete.generate.stream import Tuned, open_tuned
from pete.run import RunDir


def open_chat(run: RunDir, overrides: Sequence[str] = ()) -> Tuned:
    """Load a run's model, with some values of [generate] changed.

    Raises:
        ConfigError: an override does not fit. RunError: the run has no adapter. BaseModelError, AdapterError: it cannot be loaded.
    """
    config = override(run.read_config(), overrides, ("generate",)).config
    return replace(open_tuned(run), config=config)
