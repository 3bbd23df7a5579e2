"""pete data pairs: a model writes the prompts of texts that answer nobody."""

from typing import TYPE_CHECKING, Annotated

import typer

from pete.cli.console import JsonOption, SetOption, as_typed, console, print_json
from pete.cli.train import PersonaOption, PresetOption, read_options

if TYPE_CHECKING:
    from rich.console import Console

    from pete.app.pairs import Pairs

ByOption = Annotated[str, typer.Option(metavar="base|URL", help="who writes: the base model, or a model behind an address: texts go there")]
ModelOption = Annotated[str | None, typer.Option(metavar="NAME", help="the model behind the address, as its server calls it")]


def pairs(
    persona: PersonaOption = None,
    by: ByOption = "base",
    model: ModelOption = None,
    tries: Annotated[int, typer.Option(min=1, max=10, help="how often a text is tried")] = 3,
    preset: PresetOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Have prompts written for texts that have one by rule only. A prompt is kept where it holds against the text and all others."""
    from pete.app.pairs import make_pairs
    from pete.cli.notify import ScreenNotify

    screen = console(quiet=json, work=True)
    with ScreenNotify(screen) as notify:
        made = make_pairs(read_options(preset, None, set_, persona).config, notify, by, model, tries)
    if json:
        print_json(made.record())
    else:
        _show(screen, made)


def _show(screen: "Console", made: "Pairs") -> None:
    from rich.text import Text

    kept = made.texts - made.made
    screen.print(Text.assemble((f"{made.made} of {made.texts} texts", "bold"), f" have a prompt by {made.by.partition(':')[2]}"))
    if kept:
        screen.print(f"{kept} keep theirs by rule; what was wrong with the last try:")
        for refusal, count in made.refused.most_common():
            screen.print(f"  {count:>5}  {refusal}", soft_wrap=True)
    argument = as_typed(f"pete data review --persona {made.persona.cli_argument}")
    screen.print(f"look at some before a night is spent: {argument}", soft_wrap=True)
