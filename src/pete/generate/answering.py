"""Which engine answers for an adapter: llama.cpp where it is proven to compute the same model, else the engine that trained."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pete.adapter import LINEAGE, SETTINGS, WEIGHTS
from pete.config import Config
from pete.engines import open_generator, open_trainer
from pete.engines.llama.draft import DraftError
from pete.engines.llama.files import make_files
from pete.engines.llama.prove import gap_of
from pete.engines.proofs import Proof
from pete.engines.protocol import Generator
from pete.engines.reference import Reference
from pete.errors import UserError, WorkError
from pete.listener import LISTENER

FAST, EXACT = "llama", "torch"
"""What answers fast, and what it is held against."""


def load_answering(config: Config, adapter: Path, rows: Callable[[], Iterable[Sequence[int]]]) -> Generator:
    """Open the engine that answers, with base and adapter loaded.

    Args:
        config: of the run.
        adapter: its adapter's folder.
        rows: ids to measure a reference on, where the adapter has none.

    Raises:
        WorkError: the engine that was named computes another model. BaseModelError, AdapterError: what cannot be loaded.
        UserError: its packages are not installed. DraftError: what should guess for it speaks other tokens.
    """
    if config.generate.engine == FAST:
        return _load_fast(config, adapter, rows)
    if config.generate.engine == "auto" and config.engine.name == EXACT:
        try:
            return _load_fast(config, adapter, rows)
        except DraftError:
            raise
        except (UserError, WorkError, OSError) as error:
            LISTENER.get().message(f"{EXACT} answers, which is slower: {error}")
    engine = open_generator(config)
    engine.load(config.model, adapter)
    return engine


def _load_fast(config: Config, adapter: Path, rows: Callable[[], Iterable[Sequence[int]]]) -> Generator:
    config = config.model_copy(update={"generate": config.generate.model_copy(update={"engine": FAST})})
    engine = open_generator(config)
    code = [path for part in (FAST, "gguf") for path in sorted((Path(__file__).parents[1] / "engines" / part).rglob("*.py"))]
    proof = Proof.of(
        FAST,
        [config.model.model_dump(), engine.dtype, engine.device],
        files=[adapter / WEIGHTS, adapter / SETTINGS, adapter / LINEAGE, *code],
        packages=engine.packages,
    )
    if not proof.recall():
        if Reference.read(adapter) is None:
            _measure(config, adapter, rows)
        make_files(config, adapter)
        gap = gap_of(config, adapter)
        if not gap.near:
            raise WorkError(
                f"llama.cpp computes another model than was trained: what it foresees differs by up to {gap.largest:.2g} nats, "
                f"and the adapter's own work is {gap.change:.2g}.",
                f"--set generate.engine={EXACT} answers with the engine that trained",
            )
        proof.keep(gap.__dict__)
    engine.load(config.model, adapter)
    return engine


def _measure(config: Config, adapter: Path, rows: Callable[[], Iterable[Sequence[int]]]) -> None:
    """Make the reference of an adapter that was published without one, by the engine that trained it."""
    engine = open_trainer(config)
    engine.load(config.model, adapter)
    try:
        Reference.of(engine, rows()).write(adapter)
    except OSError as error:
        raise WorkError(f"{adapter} cannot be written: {error.strerror}.", f"--set generate.engine={EXACT}") from None
