"""pete data augment: more rows out of the training rows, and out again."""

from typing import TYPE_CHECKING, Annotated

import typer

from pete.cli.console import JsonOption, SetOption, as_typed, console, print_json
from pete.cli.train import PersonaOption, PresetOption, read_options
from pete.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

    from pete.app.augment import Augmented


def augment(
    persona: PersonaOption = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help="paraphrase (requests in other words), windows (parts of long texts), noise (messages as customers type); one or several",
        ),
    ] = None,
    by: Annotated[str, typer.Option(metavar="rule|base|URL", help="who writes paraphrases; prompts go to an address")] = "rule",
    model: Annotated[str | None, typer.Option(metavar="NAME", help="the model behind the address, as its server calls it")] = None,
    per_row: Annotated[int, typer.Option(min=1, max=5, help="rows made of one row, of each kind")] = 1,
    most: Annotated[
        int | None, typer.Option(min=1, help="rows of each kind in all; half as many as there are training rows unless given")
    ] = None,
    category: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="of these categories only; for noise, their prompts are messages")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="take such rows out again: all, or those of --kind")] = False,
    preset: PresetOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Make more training rows: other prompts for the same answers. Answers stay the author's; nothing made is ever held out."""
    from pete.app import augment as verb
    from pete.cli.notify import ScreenNotify
    from pete.words import counted

    config = read_options(preset, None, set_, persona).config
    screen = console(quiet=json, work=True)
    if remove:
        if by != "rule" or model or most or category:
            raise UserError("--remove takes rows out and makes none.", "only --persona and --kind go with it")
        gone = verb.remove(config, kind or ())
        if json:
            print_json({"removed": dict(gone)})
        else:
            screen.print(f"{counted(gone.total(), 'row')} taken out" + (f": {_counts(gone)}" if gone else ""))
        return
    with ScreenNotify(screen) as notify:
        made = verb.augment(config, verb.Request(kind or (), by, model, per_row, most, category or ()), notify)
    if json:
        print_json(made.record())
    else:
        _show(screen, made)


def _show(screen: "Console", made: "Augmented") -> None:
    from collections import Counter

    from rich.text import Text

    from pete.data.augment.rows import kind_of
    from pete.words import counted

    counts = Counter(map(kind_of, made.made))
    title = f"{counted(len(made.made), 'row')} made" + (f": {_counts(counts)}" if counts else "")
    screen.print(Text.assemble((title, "bold"), f"; {made.training} training rows are the author's"), soft_wrap=True)
    if made.there:
        screen.print(f"  there before: {_counts(made.there)}")
    for (kind, why), count in made.passed.most_common():
        screen.print(f"  {kind}: {counted(count, 'row')} passed over, {why}", soft_wrap=True)
    for kind in counts:
        row = next(row for row in made.made if kind_of(row) == kind)
        screen.print(Text.assemble((f"  {row.origin}: ", "dim"), _short(row.prompt)), soft_wrap=True)
    if made.made:
        argument = made.persona.cli_argument
        screen.print(f"{made.file}\nto take them out again: {as_typed(f'pete data augment --persona {argument} --remove')}", soft_wrap=True)


def _counts(counts: "dict[str, int]") -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 120 else f"{line[:117]}..."
