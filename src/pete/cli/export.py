"""pete export and pete quantize: the tuned model for other programs, and what smaller numbers cost."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pete.cli.console import JsonOption, as_path, as_typed, console, print_json
from pete.words import file_size

if TYPE_CHECKING:
    from rich.console import Console

    from pete.app.export import Exports
    from pete.export.quant import QuantTable


def export(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="run folder, or a name below runs/; with --base an adapter's folder")
    ] = None,
    to: Annotated[
        list[str] | None, typer.Option("--to", metavar="FORM", help="merged, gguf, ollama, lmstudio, mlx, adapter or all; may be repeated")
    ] = None,
    quant: Annotated[
        str, typer.Option(metavar="KIND", help="of a GGUF: auto, f16, q8_0, q6_k, q5_k_m, q4_k_m or q4_0; auto measures them all")
    ] = "q8_0",
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", parser=as_path, help="where to; RUN/exports unless given")] = None,
    base: Annotated[str | None, typer.Option(metavar="BASE", help="the base of an adapter that was made elsewhere")] = None,
    json: JsonOption = False,
) -> None:
    """Take it with you: for transformers, llama.cpp, Ollama, LM Studio or MLX, each proven to be what was trained before it is kept."""
    from pete.app.export import Request
    from pete.app.export import export as make
    from pete.cli.notify import ScreenNotify
    from pete.errors import UserError
    from pete.export import EXPORTERS

    if not to:
        raise UserError("--to says what it is exported to.", f"--to {', '.join(EXPORTERS)}, or --to all")
    forms = tuple(EXPORTERS) if "all" in to else tuple(dict.fromkeys(part for word in to for part in word.split(",")))
    screen = console(quiet=json, work=True)
    with ScreenNotify(screen) as notify:
        exports = make(Request(run, forms, quant, out, base), notify)
    if json:
        print_json(_document(exports))
    else:
        _show(screen, exports)
    if not exports.done:
        raise typer.Exit(max(error.exit_code for error in exports.refused.values()))


def quantize(
    name: Annotated[
        str | None, typer.Argument(metavar="[BASE|RUN]", help="a run, or a base as model.base names it; nothing means the newest run")
    ] = None,
    json: JsonOption = False,
) -> None:
    """What smaller numbers cost: size, speed and unseen text for each kind that a GGUF can have; nothing is exported."""
    from pete.app.export import quantize as measure
    from pete.cli.notify import ScreenNotify

    screen = console(quiet=json, work=True)
    with ScreenNotify(screen) as notify:
        table = measure(name, notify)
    if json:
        print_json(table.model_dump(mode="json"))
    else:
        show_table(screen, table)


def show_table(screen: "Console", table: "QuantTable") -> None:
    """Every kind, and the one to take."""
    from rich.table import Table

    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("kind", "size", "bits per byte", "cost", "divergence", "tokens/s", ""):
        shown.add_column(title, justify="left" if title in ("kind", "") else "right", no_wrap=title != "")
    for one in table.tried:
        style = "bold green" if one.kind == table.chosen else ""
        cells = ("", "", "", "", "") if not one.size else (
            file_size(one.size), f"{one.bits_per_byte:.4f}", f"{one.cost:+.4f}", f"{one.kl:.2g}", f"{one.tokens_per_second:.0f}",
        )  # fmt: skip
        shown.add_row(one.kind, *cells, one.refused or ("take this one" if one.kind == table.chosen else ""), style=style)
    screen.print(shown)
    base = "" if table.base_bits_per_byte is None else f", its untrained base {table.base_bits_per_byte:.4f}"
    screen.print(
        f"\n{table.rows} rows of {table.rows_of}. In full the model has "
        f"{table.full_bits_per_byte:.4f} bits per byte{base}. The smallest that costs less than {table.most} is taken.",
        style="dim",
    )


def _show(screen: "Console", exports: "Exports") -> None:
    if exports.table is not None:
        show_table(screen, exports.table)
    for one in exports.done:
        proof = one.proof
        base = "" if proof.kl_base is None else f", the untrained base {proof.kl_base:.2g}"
        screen.print(f"\n{one.path}", style="bold", soft_wrap=True)
        screen.print(
            f"{file_size(proof.size)}, {proof.kind}; read back by {proof.reader}: token ids equal, divergence {proof.kl:.2g} nats{base}, "
            f"{proof.cost:+.4f} bits per byte, {proof.greedy:.0%} of greedy answers alike"
        )
        for line in one.said:
            screen.print(as_typed(line), soft_wrap=True)
    for form, error in exports.refused.items():
        screen.print(f"\n{form}: {error.message}", style="yellow", soft_wrap=True)
        if error.hint:
            screen.print(f"  try: {as_typed(error.hint)}", soft_wrap=True)


def _document(exports: "Exports") -> dict[str, object]:
    return {
        "name": exports.name,
        "exports": [
            {"form": one.form, "path": str(one.path), "said": list(one.said), "proof": one.proof.model_dump(mode="json")}
            for one in exports.done
        ],
        "refused": {form: {"message": error.message, "hint": error.hint} for form, error in exports.refused.items()},
        "quantization": exports.table.model_dump(mode="json") if exports.table else None,
    }
