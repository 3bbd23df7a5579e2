"""Export: a run's model, or anybody's adapter on its base, in the forms that are asked for, each one proven before it is kept."""

import os
import pkgutil
import shlex
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pete.adapter import SETTINGS
from pete.app.notify import Notify
from pete.errors import Interrupted, PeteError, RunError, UserError, WorkError
from pete.export import EXPORTERS
from pete.export.gguf import BITS
from pete.export.quant import QuantTable, try_kinds
from pete.export.record import ExportProof, keep_proof
from pete.export.source import Source, of_adapter, of_base, of_run
from pete.export.workshop import Exporter, Workshop, refuse_existing, refuse_full, workshop_folder
from pete.listener import LISTENER
from pete.run import RunDir

AUTO = "auto"
DEFAULT = "q8_0"
"""Half of f16, and nobody has seen the difference."""


@dataclass(frozen=True)
class Request:
    """What is asked of an export; see the options of `pete export`."""

    run: str | None = None
    forms: tuple[str, ...] = ()
    """Names of EXPORTERS."""
    quant: str = DEFAULT
    out: Path | None = None
    base: str | None = None


@dataclass(frozen=True)
class Exported:
    """One form, in its place."""

    form: str
    path: Path
    proof: ExportProof
    said: tuple[str, ...]
    """What was done with it, or is left to do."""


@dataclass(frozen=True)
class Exports:
    """What became of an export."""

    name: str
    done: list[Exported] = field(default_factory=list)
    refused: dict[str, PeteError] = field(default_factory=dict)
    """Of several forms, those that could not be made -> why."""
    table: QuantTable | None = None


def export(request: Request, notify: Notify) -> Exports:
    """Make every form aside, prove it, and put it in its place before the next one is begun.

    Of one form, a failure is raised. Of several, one that cannot be made does not keep the others from being made.

    Raises:
        UserError: what is asked for cannot be, said before anything is written. WorkError: it is not what was trained.
        Interrupted: Ctrl-C; what was proven before it is there, the form in work is not.
    """
    for form in request.forms:
        if form not in EXPORTERS:
            raise UserError(f"There is no export called {form!r}.", f"one of: {', '.join(EXPORTERS)}, all")
    if request.quant not in (AUTO, *BITS):
        raise UserError(f"There is no kind of numbers called {request.quant!r}.", f"one of: {AUTO}, {', '.join(BITS)}")
    run = None if request.base else _run(request)
    if run is not None and request.out is None:
        run.require_writable()
    out = request.out or (run.folder / "exports" if run else Path("exports"))
    token = LISTENER.set(notify)
    try:
        with workshop_folder(out) as scratch:
            return _export(request, _source(request, run, scratch), run, out, scratch, notify)
    except OSError as error:
        raise _unwritten(error) from error
    finally:
        LISTENER.reset(token)


def _unwritten(error: OSError) -> WorkError:
    return WorkError(
        f"The export could not be written: {error.strerror or error}. Nothing of it was kept.",
        "make room, or choose another disk with --out",
    )


def _run(request: Request) -> RunDir:
    try:
        return RunDir.find(request.run)
    except RunError:
        if request.run and (Path(request.run).expanduser() / SETTINGS).is_file():
            raise UserError(
                f"{request.run} is an adapter, and nothing says which base it goes on.",
                f"pete export {shlex.quote(request.run)} --base BASE --to ...",
            ) from None
        raise


def _source(request: Request, run: RunDir | None, scratch: Path) -> Source:
    if run is not None:
        return of_run(run)
    if request.run is None or request.base is None:
        raise UserError("--base goes with an adapter's folder.", "pete export ADAPTER_FOLDER --base BASE --to ...")
    folder = scratch / "theirs"
    folder.mkdir()
    return of_adapter(Path(request.run).expanduser(), request.base, folder)


def _export(request: Request, source: Source, run: RunDir | None, out: Path, scratch: Path, notify: Notify) -> Exports:
    shop = Workshop(source, request.quant, out, scratch, out_is_asked_for=request.out is not None)
    exporters: dict[str, Exporter] = {form: pkgutil.resolve_name(EXPORTERS[form])() for form in request.forms}
    exports = Exports(source.name, table=_choose_kind(shop, exporters) if request.quant == AUTO else None)
    proofs = dict.fromkeys((out, run.folder / "exports") if run and os.access(run.folder, os.W_OK) else (out,))

    @contextmanager
    def attempt(form: str) -> Iterator[None]:
        """Of several forms, one that fails is put down with its reason."""
        try:
            yield
        except (PeteError, OSError) as error:
            error = _unwritten(error) if isinstance(error, OSError) else error
            if len(exporters) == 1:
                raise error
            exports.refused[form] = error

    needed = 0
    for form, exporter in exporters.items():
        with attempt(form):
            refuse_existing(exporter.target(shop))
            needed += exporter.room(shop)
    refuse_full(out, needed)
    begun = ""
    try:
        for begun in [form for form in exporters if form not in exports.refused]:
            with attempt(begun):
                if len(exporters) > 1:
                    notify.message(begun, "title")
                exports.done.append(_made_and_placed(begun, exporters[begun], shop, [*proofs]))
    except KeyboardInterrupt:
        raise _interrupted(begun, [form for form in exporters if form not in exports.refused], exporters, shop) from None
    return exports


def _made_and_placed(form: str, exporter: Exporter, shop: Workshop, folders: Sequence[Path]) -> Exported:
    """One form, proven and in its place, its proof in each of the folders."""
    made, target = exporter.make(shop), exporter.target(shop)
    try:
        said = exporter.place(made, target)
    finally:  # also where Ctrl-C came right behind it: what is there has its proof
        if target.exists():
            shop.moved(made, target)
            for folder in folders:
                keep_proof(made.proof, folder / f"{form}-{made.proof.kind}.proof.json")
    return Exported(form, target, made.proof, said)


def _interrupted(begun: str, wanted: Sequence[str], exporters: Mapping[str, Exporter], shop: Workshop) -> Interrupted:
    """What to say after Ctrl-C: what is there, what is gone, how to go on."""
    there = {form: target for form in wanted if (target := exporters[form].target(shop)).exists()}
    lines = [f"  {form}: {target}" for form, target in there.items()]
    left = [form for form in wanted if form not in there]
    kept = "\n".join(["Proven and in place:", *lines]) if there else "Nothing was kept."
    gone = f"; {begun} was in work, and is gone" if begun in left else ""
    return Interrupted(f"Stopped{gone}. {kept}", f"for the rest, export again with --to {','.join(left)}" if left else "")


def _choose_kind(shop: Workshop, exporters: Mapping[str, Exporter]) -> QuantTable | None:
    """Try every kind of numbers where a form can choose, and take the smallest that costs nothing.

    Raises:
        UserError: no form can choose, or every kind costs something.
    """
    if not any(exporter.quantizes for exporter in exporters.values()):
        raise UserError(f"--quant auto chooses nothing for --to {', '.join(exporters)}.", "leave it out")
    refuse_full(shop.out, shop.parameters * 5)
    table = try_kinds(shop)
    table.write(shop.out / f"{shop.source.name}.quant.json")
    if not table.chosen:
        raise UserError(
            f"Every kind of numbers costs more than {table.most} bits per byte of {table.rows_of}.",
            "the table says how much: pete quantize; then name one: --quant q8_0",
        )
    shop.kind = table.chosen
    return table


def quantize(name: str | None, notify: Notify) -> QuantTable:
    """What each kind of numbers costs a run's model, or a base, on unseen text; a run keeps the table.

    Args:
        name: a run, or a base as `model.base` names it; None is the newest run.
        notify: told how far it is.

    Raises:
        UserError: neither is there, or llama.cpp cannot read it.
    """
    run = RunDir.find(name) if name is None or RunDir.exists(name) else None
    source = of_run(run) if run else of_base(str(name))
    if run:
        run.require_writable()
    token = LISTENER.set(notify)
    try:
        with workshop_folder(run.folder / "exports" if run else Path(tempfile.gettempdir())) as scratch:
            shop = Workshop(source, AUTO, scratch.parent, scratch)
            refuse_full(scratch, shop.parameters * 5)
            table = try_kinds(shop)
            if run:
                table.write(scratch.parent / f"{source.name}.quant.json")
            return table
    finally:
        LISTENER.reset(token)
