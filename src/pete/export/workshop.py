"""Where exports are made: in a folder aside, each dear thing once, proven there, and only then put in its place."""

import contextlib
import gc
import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from pete.data.examples import load_examples
from pete.engines import open_trainer
from pete.engines.base_models.merge import MergedWeights
from pete.errors import UserError, WorkError
from pete.export.proof import Reader, Reference, compare, read
from pete.export.record import ExportProof
from pete.export.source import Source, write_speech
from pete.listener import LISTENER
from pete.machine.memory import read_memory
from pete.machine.probes import free_disk
from pete.words import file_size

SPARE = 2**29
"""Bytes of a disk that are left alone."""
LOOKED_AT = 40
"""Rows of training text, of a hundred tokens or so, that show which numbers matter."""


@dataclass(frozen=True)
class Made:
    """An export, proven and not yet in its place."""

    path: Path
    """A file or a folder below the workshop's own."""
    proof: ExportProof
    said: tuple[str, ...] = ()
    """What people should know of it, or do with it: sentences and commands."""


class Exporter(Protocol):
    """One form in which a model leaves. A new one is a module with such a class, and a line in EXPORTERS."""

    quantizes: bool = False
    """--quant chooses its kind of numbers."""

    def room(self, shop: "Workshop") -> int:
        """Bytes that it will take, beside what others have made already."""
        ...

    def target(self, shop: "Workshop") -> Path:
        """Where it will be."""
        ...

    def make(self, shop: "Workshop") -> Made:
        """Make it in the workshop, and prove it.

        Raises:
            UserError, WorkError: it cannot be made of this source, or is not what was trained.
        """
        ...

    def place(self, made: Made, target: Path) -> tuple[str, ...]:
        """Put it in its place; what else was done, or is left to do, as sentences and commands."""
        os.replace(made.path, target)
        return made.said


class Workshop:
    """One source, one kind of numbers, one folder that exports go to; gone with everything in it at the end."""

    def __init__(self, source: Source, kind: str, out: Path, scratch: Path, *, out_is_asked_for: bool = False) -> None:
        """Set up.

        Args:
            source: what is exported.
            kind: of the numbers, where a form can choose: f16, q8_0, ...
            out: the folder exports go to.
            scratch: an empty folder on the same disk.
            out_is_asked_for: somebody named that folder: everything goes there.
        """
        self.source, self.kind, self.out, self.scratch, self.out_is_asked_for = source, kind, out, scratch, out_is_asked_for
        self._made: dict[str, Made] = {}

    def once(self, what: str, make: Callable[[], Made]) -> Made:
        """What several forms are made of, made when the first one asks."""
        if what not in self._made:
            self._made[what] = make()
        return self._made[what]

    def moved(self, made: Made, to: Path) -> None:
        """It is in its place: forms that are made of it find it there."""
        self._made = {what: replace(one, path=to) if one.path == made.path else one for what, one in self._made.items()}

    @cached_property
    def weights(self) -> MergedWeights:
        """Base and adapter in one.

        Raises:
            BaseModelError, AdapterError: there is nothing to merge, or it does not fit.
        """
        return MergedWeights(self.source.base, self.source.adapter)

    @cached_property
    def dressed(self) -> Path | None:
        """The adapter's folder with everything that other programs should know in it: system line, every end, how to draw."""
        if self.source.adapter is None:
            return None
        folder = self.scratch / "dressed"
        shutil.copytree(self.source.adapter, folder)
        write_speech(self.source, folder)
        return folder

    @cached_property
    def reference(self) -> Reference:
        """The tuned model and its base, as the engine that trains computes them; in float32 where there is memory for it.

        The engine is gone afterwards: the next model needs the room.
        """
        LISTENER.get().message("asking the tuned model and its base, to compare with ...")
        source = self.source
        engine = open_trainer(source.config)
        engine.load(source.config.model.model_copy(update={"dtype": "float32"} if self.in_float32 else {}), source.adapter)
        prompts, rows = source.prompt_ids(), source.rendered()
        tuned = read(engine, prompts, rows)
        base = None
        if source.adapter is not None:
            engine.adapter_active = False
            base = read(engine, prompts, rows, draws=False)
        made = Reference(engine.name, engine.dtype, tuned, base)
        del engine
        gc.collect()
        return made

    @cached_property
    def importance(self) -> Mapping[str, np.ndarray] | None:
        """Which columns matter when the tuned model reads what it was trained on; None for a source without a run."""
        from pete.engines.gguf import write_gguf
        from pete.engines.gguf.importance import importance_of

        if self.source.run is None:
            return None
        LISTENER.get().message("looking at which numbers matter, on the run's own training text ...")
        rows = load_examples([self.source.run.split_file("train")])
        read: list[list[int]] = []
        for row in rows[:: max(1, len(rows) // LOOKED_AT)]:
            if sum(map(len, read)) < LOOKED_AT * 100:
                read.append(self.source.renderer.example(row).ids.tolist())
        path = self.scratch / "full.gguf"
        try:
            write_gguf(self.source.base, self.dressed, path, "f16")
            return importance_of(path, read)
        finally:
            path.unlink(missing_ok=True)

    @cached_property
    def in_float32(self) -> bool:
        """Whether there is memory to compute in float32, in which two programs are comparable to the last digit."""
        return self.source.base.made_here or read_memory().available > 5 * self.parameters

    @property
    def parameters(self) -> int:
        """Of the base, by its files."""
        return sum(math.prod(self.weights.shape(name)) for name in self.weights.names())

    def prove(self, reader: Reader, form: str, kind: str, files: Sequence[Path]) -> ExportProof:
        """Compare, and refuse what is not what was trained.

        Raises:
            WorkError: with every reason.
        """
        proof = compare(self.source, self.reference, reader, form, kind, files)
        if proof.problems:
            hint = "export another form or kind: --quant q8_0, --quant f16, --to adapter; and please report what should be exact"
            raise WorkError.of_problems(
                f"{form} ({kind}) of {self.source.name} is not what was trained, and was removed:", proof.problems, hint
            )
        return proof


@contextlib.contextmanager
def workshop_folder(out: Path) -> Iterator[Path]:
    """An empty folder below `out`, removed at the end; what a process that was killed left behind goes too.

    Raises:
        UserError: `out` cannot be written.
    """
    was_there = out.is_dir()
    try:
        out.mkdir(parents=True, exist_ok=True)
        for left in out.glob(".export-*"):
            if not _alive(left.name.removeprefix(".export-")):
                shutil.rmtree(left, ignore_errors=True)
        folder = out / f".export-{os.getpid()}"
        folder.mkdir()
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}.", "choose another folder with --out") from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if not was_there:
            with contextlib.suppress(OSError):  # something is in it
                out.rmdir()


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (OSError, ValueError):
        return False
    return True


def refuse_existing(target: Path) -> None:
    """Raises UserError where something is there already."""
    if target.exists() or target.is_symlink():
        raise UserError(f"{target} is there already, and an export never replaces one.", "remove it, or choose another folder with --out")


def refuse_full(place: Path, needed: int) -> None:
    """Raises UserError where a disk has not so much room."""
    free = free_disk(place)
    if free is not None and free < needed + SPARE:
        raise UserError(
            f"The export takes {file_size(needed)} while it is made, and {file_size(free)} are free on the disk of {place}.",
            "free some space (0.5 GB beyond it is left alone), or choose another disk with --out",
        )


def link_or_copy(source: Path, target: Path) -> None:
    """The same file in a second place: a hard link where the file system has them, else a copy; never moved."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
