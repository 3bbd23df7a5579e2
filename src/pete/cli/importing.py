"""pete data import: somebody's writing becomes rows of a persona."""

from pathlib import Path
from typing import Annotated

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
from pete.cli.train import PresetOption, read_options


def import_(
    sources: Annotated[list[Path], typer.Argument(metavar="SRC...", parser=as_path, help="files, folders, zips: an export as you got it")],
    persona: Annotated[str, typer.Option(metavar="NAME|FOLDER", help="whose rows they become; pete persona new makes a new one")],
    author: AuthorOption = None,
    map_: MapOption = None,
    category: Annotated[str | None, typer.Option(metavar="KEY[=TITLE]", help="of every text; else by kind or likeness")] = None,
    min_words: MinWordsOption = 5,
    language: LanguageOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    human_until: HumanUntilOption = None,
    day_first: DayFirstOption = None,
    explain: ExplainOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="read and say everything, write nothing")] = False,
    preset: PresetOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Bring your writing in: posts, mail, documents, chats, tickets. Read = kept + dropped, by reason; only your own words."""
    from pete.app.importing import import_into
    from pete.cli.ledger_view import ledger_of_nothing, show_ledger, show_result
    from pete.cli.notify import ScreenNotify

    wishes = wishes_of(author, map_, min_words, language, since, until, human_until, day_first)
    config = read_options(preset, None, set_, persona).config
    screen = console(quiet=json, work=not dry_run)
    with ledger_of_nothing(screen, explain), ScreenNotify(screen) as notify:
        result = import_into(config, sources, wishes, notify, category=category or "", dry_run=dry_run)
    show_ledger(screen, result.ledger, explain)
    if json:
        print_json(result.record())
    else:
        show_result(screen, result)
    if result.written:
        screen.print(as_typed(f"next: pete data check --persona {result.persona.cli_argument}"), soft_wrap=True)
