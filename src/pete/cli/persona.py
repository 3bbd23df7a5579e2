"""pete persona: the voices there are, and a new one from somebody's writing."""

import typer

from pete.cli.console import JsonOption, console, print_json
from pete.cli.listing import Listing
from pete.words import counted

app = typer.Typer(cls=Listing, help="Personas: a voice of your own from your writing.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def persona() -> None:
    """A group with one verb stays a group."""


@app.command("list")
def list_(json: JsonOption = False) -> None:
    """The voices that are here, each with its rows."""
    from rich.text import Text

    from pete.app.personas import personas

    found = personas()
    if json:
        print_json([{"name": one.folder.name, "folder": str(one.folder), "title": one.title, "rows": one.rows} for one in found])
        return
    screen = console()
    for one in found:
        screen.print(Text.assemble((f"{one.folder.name:24}", "bold"), f" {one.title}, {counted(one.rows, 'row')}"), soft_wrap=True)
