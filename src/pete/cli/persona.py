"""pete persona: the voices there are, and a new one from somebody's writing."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pete.cli.console import JsonOption, SetOption, as_path, as_typed, console, print_json
from pete.cli.import_options import (
    AuthorOption,
    DayFirstOption,
    ExplainOption,
    HumanUntilOption,
    LanguageOption,
    MapOption,
    MinWordsOption,
    SinceOption,
    UntilOption,
    wishes_of,
)
from pete.cli.listing import Listing
from pete.cli.train import PresetOption
from pete.words import counted

if TYPE_CHECKING:
    from pete.app.new_persona import Understood
    from pete.app.notify import Notify
    from pete.cli.screen import Screen

app = typer.Typer(cls=Listing, help="Personas: a voice of your own from your writing.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="of its folder below personas/; a path with a / in it is taken as it is")],
    more: Annotated[list[Path] | None, typer.Argument(metavar="[SRC]...", parser=as_path, help="further files, folders, zips")] = None,
    from_: Annotated[
        list[Path] | None, typer.Option("--from", metavar="SRC...", parser=as_path, help="your writing: an export as you got it, a folder")
    ] = None,
    author: AuthorOption = None,
    full_name: Annotated[str | None, typer.Option("--name", help="of the voice; the author's unless given")] = None,
    category: Annotated[
        list[str] | None, typer.Option("--category", metavar="KEY[=TITLE]", help="one of its categories; proposed unless given")
    ] = None,
    base: Annotated[str | None, typer.Option(metavar="BASE", help="the base it will be trained on; the embedded one unless given")] = None,
    map_: MapOption = None,
    min_words: MinWordsOption = 5,
    language: LanguageOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    human_until: HumanUntilOption = None,
    day_first: DayFirstOption = None,
    explain: ExplainOption = None,
    plan: Annotated[bool, typer.Option("--plan/--no-plan", help="time a step of the base, and say what a night on it takes")] = True,
    preset: PresetOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Make a persona of your own: from a folder of writing, or the export of a service, to examples one can train on."""
    from pete.app import new_persona as verb
    from pete.cli.ledger_view import ledger_of_nothing, show_ledger, show_result
    from pete.cli.notify import ScreenNotify
    from pete.config import resolve
    from pete.errors import UserError

    paths = [*(from_ or []), *(more or [])]
    if not paths:
        raise UserError(
            "There is nothing to make it from.", f"pete persona new {name} --from YOUR-EXPORT.zip; docs/data.md says how to get one"
        )
    folder = verb.target(name)
    wishes = wishes_of(author, map_, min_words, language, since, until, human_until, day_first)
    chosen, overrides = verb.persona_config(preset, base, set_ or [])
    screen = console(quiet=json, work=True)
    with ScreenNotify(screen) as notify:
        config = resolve(chosen, None, overrides).config
        with ledger_of_nothing(screen, explain):
            understood = verb.understand(folder, paths, wishes, config, notify, name=full_name or "", categories=category or ())
        show_ledger(screen, understood.imported.ledger, explain)
        _show_understood(screen, understood)
        if not json:
            understood = _asked(understood, notify, bool(full_name), bool(category))
        created = verb.make_persona(understood)
        show_result(screen, created.result)
        good = _check(screen, folder, chosen, overrides)
        argument = created.result.persona.cli_argument
        if plan and good:
            verb.plan(created, chosen, [*overrides, _persona_override(folder)], notify)
    if json:
        print_json({**created.result.record(), "folder": str(folder), "name": understood.name, "prompts": created.prompts})
        return
    way = "".join([f" --preset {chosen}" if chosen != "quickstart" else "", *(f" --set {shlex.quote(value)}" for value in overrides)])
    if not good:
        screen.print(as_typed(f"mend that, then: pete data check --persona {argument}{way}"), soft_wrap=True)
        return
    screen.print(as_typed(f"look at it: pete data show --persona {argument}"), soft_wrap=True)
    screen.print(as_typed(f"train it:   pete train --persona {argument}{way}"), soft_wrap=True)
    screen.print(as_typed(f"overnight:  pete train --persona {argument} --overnight"), soft_wrap=True)


def _persona_override(folder: Path) -> str:
    from pete.cli.console import persona_override

    return persona_override(str(folder))[0]


def _show_understood(screen: "Screen", understood: "Understood") -> None:
    """What is proposed, before it is made."""
    from rich.text import Text

    screen.print(Text.assemble(("voice      ", "bold"), understood.name))
    screen.print(Text.assemble(("categories ", "bold"), ", ".join(understood.categories.values())))
    for line in understood.profile.lines():
        screen.print(Text(f"  {line}", style="dim"), soft_wrap=True)


def _asked(understood: "Understood", notify: "Notify", named: bool, sorted_: bool) -> "Understood":
    """The name and the categories as the person at the terminal wants them; as proposed where there is none."""
    from dataclasses import replace

    from pete.app.new_persona import categories_of, categories_typed

    if not named:
        understood = replace(understood, name=notify.ask(f"The voice is called {understood.name!r}. Another name?", (), understood.name))
    if not sorted_:
        titles = ", ".join(understood.categories.values())
        typed = notify.ask(f"Its categories are {titles}. Others, with commas between?", (), "")
        understood = replace(understood, categories=categories_of(categories_typed(typed)) or understood.categories)
    return understood


def _check(screen: "Screen", folder: Path, preset: str, overrides: list[str]) -> bool:
    """What `pete data check` has to say of it; whether it can be trained on."""
    from rich.text import Text

    from pete.app.data import check
    from pete.cli.check_view import show_findings
    from pete.config import resolve
    from pete.errors import DataError

    try:
        data = check(resolve(preset, None, [*overrides, _persona_override(folder)]).config)
    except DataError as error:
        screen.print(Text.assemble(("check", "bold red"), f" {error.message}"), soft_wrap=True)
        return False
    show_findings(screen, data.findings)
    return not data.errors


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
