"""pete data pairs: a model writes the prompts of texts that answer nobody, or drafts that texts might have been written from."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pete.cli.console import JsonOption, SetOption, as_typed, console, print_json
from pete.cli.train import PersonaOption, PresetOption, read_options
from pete.errors import UserError

if TYPE_CHECKING:
    from collections import Counter
    from enum import StrEnum

    from rich.console import Console

    from pete.app.drafts import Drafts
    from pete.app.pairs import Pairs

ByOption = Annotated[str, typer.Option(metavar="base|URL", help="who writes: the base model, or a model behind an address: texts go there")]
ModelOption = Annotated[str | None, typer.Option(metavar="NAME", help="the model behind the address, as its server calls it")]


TaskOption = Annotated[
    Literal["write", "rewrite"], typer.Option(help="write: prompts of texts that answer nobody; rewrite: drafts that texts are made from")
]


def pairs(
    persona: PersonaOption = None,
    task: TaskOption = "write",
    by: ByOption = "base",
    model: ModelOption = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="of draft: light, close, plain, polished, notes, dictated; two or more, all unless given"),
    ] = None,
    per_text: Annotated[
        int | None, typer.Option(min=1, max=4, help="drafts of a text by this writer, each of another kind; 2, of one --kind 1")
    ] = None,
    tries: Annotated[int, typer.Option(min=1, max=10, help="how often a text is tried")] = 3,
    preset: PresetOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Have a model write the other half of pairs: prompts for texts that have one by rule, or drafts to be rewritten into texts.

    What is written is kept where it holds against the text.
    """
    from pete.app.drafts import Drafts, make_drafts
    from pete.app.pairs import make_pairs
    from pete.cli.notify import ScreenNotify

    if task == "write" and (kind or per_text):
        raise UserError("--kind and --per-text are of drafts; prompts have none.", "--task rewrite makes drafts")
    screen = console(quiet=json, work=True)
    config = read_options(preset, None, set_, persona).config
    with ScreenNotify(screen) as notify:
        made = (
            make_pairs(config, notify, by, model, tries)
            if task == "write"
            else make_drafts(config, notify, by, model, kind or (), per_text, tries)
        )
    if json:
        print_json(made.record())
        return
    if isinstance(made, Drafts):
        _show_drafts(screen, made)
    else:
        _show_prompts(screen, made)
    review = f"pete data review --persona {made.persona.cli_argument}" + (" --task rewrite" if task == "rewrite" else "")
    screen.print(f"look at some before a night is spent: {as_typed(review)}", soft_wrap=True)


def _show_prompts(screen: "Console", made: "Pairs") -> None:
    from rich.text import Text

    kept = made.texts - made.made
    screen.print(Text.assemble((f"{made.made} of {made.texts} texts", "bold"), f" have a prompt by {made.by.partition(':')[2]}"))
    if kept:
        screen.print(f"{kept} keep theirs by rule; what was wrong with the last try:")
        _show_refused(screen, made.refused)


def _show_drafts(screen: "Console", made: "Drafts") -> None:
    from rich.text import Text

    from pete.words import counted

    record = made.record()
    count = made.made.total()
    by = made.by.partition(":")[2]
    title = f"{counted(count, 'draft')} by {by}"
    screen.print(Text.assemble((title, "bold"), f", of {made.wanted:,} wanted for {counted(made.texts, 'text')}"), soft_wrap=True)
    for name in ("kinds", "splits") if count else ():
        screen.print(f"  {name:<7} " + ", ".join(f"{one} {number:,}" for one, number in record[name].items()))
    for why, number in made.passed.most_common():
        screen.print(f"  {counted(number, 'text')} passed over: {why}", soft_wrap=True)
    if made.refused:
        screen.print(f"{counted(made.refused.total(), 'draft')} refused; what was wrong with the last try:")
        _show_refused(screen, made.refused)


def _show_refused(screen: "Console", refused: "Counter[StrEnum]") -> None:
    for refusal, count in refused.most_common():
        screen.print(f"  {count:>5}  {refusal}", soft_wrap=True)
