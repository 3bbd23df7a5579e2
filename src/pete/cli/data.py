"""pete data: look at examples before a night is spent on them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pete.cli import pairs, review
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
from pete.cli.train import ConfigOption, PersonaOption, PresetOption, read_options

if TYPE_CHECKING:
    from pete.app.data import CheckedData

app = typer.Typer(
    cls=Listing, help="Datasets: check them, and see the exact text that will be trained.", no_args_is_help=True, rich_markup_mode=None
)

app.command("pairs")(pairs.pairs)
app.command("review")(review.review)

FilesArgument = Annotated[
    list[Path] | None, typer.Argument(metavar="[FILE]...", parser=as_path, help="JSONL files; the persona's examples unless given")
]


@app.command()
def check(
    files: FilesArgument = None,
    persona: PersonaOption = None,
    preset: PresetOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Read every row and prompt, count, and point at what an editor would question. Exit 2 names each bad line."""
    from rich.text import Text

    from pete.app.data import check as check_dataset
    from pete.words import counted

    data = check_dataset(read_options(preset, None, set_, persona).config, files or ())
    if json:
        print_json(_document(data))
        return
    screen = console()
    screen.print(Text.assemble((counted(len(data.rows), "row"), "bold"), ", every one readable"))
    for key, count in data.categories.items():
        screen.print(f"  {data.persona.categories.get(key, key):20} {count}")
    if lengths := data.lengths:
        screen.print(
            f"  tokens a row         {lengths[0]} to {lengths[-1]}, half below {lengths[len(lengths) // 2]}; {sum(lengths):,} in all"
        )
        screen.print("  split                " + ", ".join(f"{len(part)} {name}" for name, part in data.splits.items()))
    if data.prompts:
        screen.print(f"  prompts              {len(data.prompts)} for the evaluation")
    for finding in data.findings:
        screen.print(Text.assemble(("look at", "yellow"), f" {finding.in_words()}"), soft_wrap=True)
    if not data.findings:
        screen.print("nothing to question")


def _document(data: "CheckedData") -> dict[str, object]:
    """What --json prints."""
    from dataclasses import asdict

    lengths = data.lengths or [0]
    return {
        "rows": len(data.rows),
        "prompts": len(data.prompts),
        "categories": data.categories,
        "splits": {name: len(part) for name, part in data.splits.items()},
        "tokens": {"min": lengths[0], "median": lengths[len(lengths) // 2], "max": lengths[-1], "total": sum(lengths)},
        "findings": [
            {**asdict(finding), "examples": [{"where": where, "found": text} for where, text in finding.examples]}
            for finding in data.findings
        ],
    }


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


@app.command("import")
def import_(
    sources: Annotated[list[Path], typer.Argument(metavar="SRC...", parser=as_path, help="files, folders, zips: an export as you got it")],
    persona: Annotated[str, typer.Option(metavar="NAME|FOLDER", help="whose rows they become; pete persona new makes a new one")],
    author: AuthorOption = None,
    map_: MapOption = None,
    category: Annotated[str | None, typer.Option(metavar="KEY", help="of every text; proposed unless given")] = None,
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
    from pete.app.importing import NothingKept, import_into
    from pete.cli.ledger_view import show_dropped, show_ledger, show_result
    from pete.cli.notify import ScreenNotify

    wishes = wishes_of(author, map_, min_words, language, since, until, human_until, day_first)
    config = read_options(preset, None, set_, persona).config
    screen = console(quiet=json, work=not dry_run)
    try:
        with ScreenNotify(screen) as notify:
            result = import_into(config, sources, wishes, notify, category=category or "", dry_run=dry_run)
    except NothingKept as error:
        show_ledger(screen, error.ledger)
        if explain:
            show_dropped(screen, error.ledger, explain)
        raise
    if json:
        print_json(result.record())
    else:
        show_ledger(screen, result.ledger)
        show_result(screen, result)
    if explain:
        show_dropped(screen, result.ledger, explain)
    if result.written:
        screen.print(as_typed(f"next: pete data check --persona {result.persona.cli_argument}"), soft_wrap=True)
