"""pete data: look at examples before a night is spent on them."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pete.cli import augment, importing, pairs, review, stats
from pete.cli.console import JsonOption, SetOption, as_path, console, persona_override, print_json
from pete.cli.listing import Listing
from pete.cli.train import ConfigOption, PersonaOption, PresetOption, read_options

if TYPE_CHECKING:
    from pete.app.learning_curve import Curve
    from pete.cli.screen import Screen
    from pete.data.redact import Redaction


class Verbs(Listing):
    """`pete data --help`: in the order in which one needs them."""

    sections: Mapping[str, tuple[str, ...]] = {"Commands": ("import", "check", "stats", "show", "pairs", "review", "augment")}


app = typer.Typer(
    cls=Verbs, help="Datasets: bring your writing in, check it, and see the exact text that will be trained.", no_args_is_help=True,
    rich_markup_mode=None,
)  # fmt: skip

app.command("import")(importing.import_)
app.command("stats")(stats.stats)
app.command("pairs")(pairs.pairs)
app.command("review")(review.review)
app.command("augment")(augment.augment)

FilesArgument = Annotated[
    list[Path] | None, typer.Argument(metavar="[FILE]...", parser=as_path, help="JSONL files; the persona's examples unless given")
]


@app.command()
def check(
    files: FilesArgument = None,
    persona: PersonaOption = None,
    preset: PresetOption = None,
    set_: SetOption = None,
    night: Annotated[bool, typer.Option("--night", help="time a step of the base: what a night on these rows means")] = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE", parser=as_path, help="a page with lengths and categories, too")] = None,
    redact: Annotated[
        bool, typer.Option("--redact", help='first put "[phone 1]" and the like into the files; a map stays beside them, for you alone')
    ] = False,
    learning_curve: Annotated[
        bool,
        typer.Option("--learning-curve", help="is it enough: train on a quarter, half and all of the persona's rows (three trainings)"),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Read every row and prompt, count, and point at what an editor would question. Exit 2: it cannot be trained on as it is.

    A file outside the persona's folder is checked on its own terms, unless --persona says whose rows they are.
    """
    from pete.app import data as verbs
    from pete.cli.check_view import checked_document, show_checked, show_curve, show_night
    from pete.errors import UserError

    if learning_curve and files:
        raise UserError("--learning-curve trains on the persona's rows.", "leave out the files; --persona says whose")
    resolved = read_options(preset, None, set_, persona)
    config, as_persona = resolved.config, resolved.sources.get("data.persona") == "--set"
    screen = console(quiet=json)
    if redact:
        _redact(screen, verbs.redact(config, files or (), as_persona=as_persona))
    data = verbs.check(config, files or (), as_persona=as_persona)
    dark = verbs.night(config, data) if night and not data.errors else None
    if html is not None:
        verbs.write_page(data, dark, html)
    if not json:
        show_checked(screen, data)
        if dark is not None:
            show_night(screen, dark)
    curve = _curve(screen, preset, [*persona_override(persona), *(set_ or [])]) if learning_curve and not data.errors else None
    if json:
        print_json(checked_document(data, dark, curve))
    else:
        if curve is not None:
            show_curve(screen, curve)
        if html is not None:
            screen.print(f"page: {html}", soft_wrap=True)
    if data.errors:
        raise typer.Exit(2)


def _curve(screen: "Screen", preset: str | None, overrides: list[str]) -> "Curve":
    from pete.app.learning_curve import learning_curve
    from pete.cli.notify import ScreenNotify
    from pete.train.signals import StopSignal

    with ScreenNotify(screen) as notify:
        return learning_curve(preset, overrides, notify, StopSignal())


def _redact(screen: "Screen", done: "Redaction") -> None:
    """What was put in whose place, and where the map is."""
    from pete.words import counted

    kinds = ", ".join(f"{count:,} x {kind}" for kind, count in done.places.items())
    if not done.rows:
        screen.print("nothing private was found to redact")
        return
    screen.print(f"redacted {counted(done.rows, 'row')}: {kinds}", soft_wrap=True)
    for path in done.maps:
        screen.print(f"what stood there is in {path}: for you alone; lose it, and nobody can say", soft_wrap=True)


@app.command()
def show(
    files: FilesArgument = None,
    persona: PersonaOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
    set_: SetOption = None,
    rows: Annotated[int, typer.Option(min=1, help="how many rows")] = 2,
    first: Annotated[int, typer.Option(min=1, help="number of the first row")] = 1,
) -> None:
    """Print rows exactly as the model reads them; what it is trained on is green, the rest is dim."""
    from rich.text import Text

    from pete.app.data import render

    screen = console()
    for row in render(read_options(preset, config, set_, persona).config, files or (), first, rows):
        screen.print(Text.assemble((row.source, "bold"), f"  {row.read} tokens read, {row.trained} trained"), soft_wrap=True)
        if screen.color_system:
            screen.print(Text.assemble(*((text, "green" if trained else "dim") for trained, text in row.parts), "\n"), soft_wrap=True)
        else:  # no colour here: say it in words
            parts = [f"--- {'trained' if trained else 'read'} ---\n{text}" for trained, text in row.parts]
            screen.print("\n".join([*parts, ""]), soft_wrap=True)
