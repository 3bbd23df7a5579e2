"""pete train: fine-tune."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pete.cli.console import SetOption, as_path, as_typed, console, persona_override

if TYPE_CHECKING:
    from rich.console import Console

    from pete.app.train import Trained
    from pete.config import Resolved

PresetOption = Annotated[str | None, typer.Option(help="a file of configs/; quickstart unless --config is given")]
ConfigOption = Annotated[Path | None, typer.Option("--config", metavar="FILE", parser=as_path, help="your own TOML, on top of the preset")]
PersonaOption = Annotated[str | None, typer.Option(metavar="NAME|FOLDER", help="whose voice; a folder with persona.toml and examples/")]

DevicesOption = Annotated[
    int | None, typer.Option("--devices", metavar="N", min=1, help="compute each step on so many devices of this machine")
]


def read_options(preset: str | None, config: Path | None, set_: list[str] | None, persona: str | None = None) -> "Resolved":
    """The configuration that --preset, --config, --persona and --set ask for; quickstart's where neither of the first two is given."""
    from pete.config import resolve

    return resolve(preset or (None if config else "quickstart"), config, [*persona_override(persona), *(set_ or [])])


def train(
    preset: PresetOption = None,
    config: ConfigOption = None,
    set_: SetOption = None,
    persona: PersonaOption = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", parser=as_path, help="run folder; runs/<date>-<preset> unless given")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="say what memory and time it would take, and stop")] = False,
    overnight: Annotated[
        bool, typer.Option("--overnight", help="ask nothing: go on with an unfinished run, else take the preset for this memory")
    ] = False,
    devices: DevicesOption = None,
) -> None:
    """Fine-tune a base model on a persona's examples. Ctrl-C saves; pete resume goes on."""
    from pete.app.devices import led

    if led():
        return
    from pete.app import train as verb
    from pete.app.unattended import unattended_training
    from pete.cli.notify import ScreenNotify
    from pete.errors import UserError
    from pete.train.signals import StopSignal

    screen = console(work=True)
    overrides = [*persona_override(persona), *(set_ or [])]
    if overnight and (preset or config):
        raise UserError("--overnight chooses the preset by itself.", "leave out --preset and --config, or leave out --overnight")
    with ScreenNotify(screen) as notify:
        training = (
            unattended_training(overrides, notify, devices=devices) if overnight else verb.new_training(preset, config, overrides, devices)
        )
        show_config(screen, training.resolved)
        if plan:
            verb.plan(training, notify, out)
            return
        trained = verb.train(training, notify, StopSignal(), out)
    show_trained(screen, trained)


def show_trained(screen: "Console", trained: "Trained") -> None:
    """What happened while nobody looked, where the run is, and what to do with it."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for name, sentence in trained.summary:
        table.add_row(Text(name, style="bold"), Text(as_typed(sentence)))
    screen.print(table)
    screen.print(f"run folder: {trained.run.folder}\ntry it:     {as_typed(f'pete test {trained.run.cli_argument}')}", soft_wrap=True)


def show_config(screen: "Console", resolved: "Resolved") -> None:
    """The resolved configuration: each value, and where it came from."""
    from rich.text import Text

    from pete.config import values_of

    table = ""
    for dotted, value in values_of(resolved.config).items():
        section, _, key = dotted.rpartition(".")
        if section != table:
            table = section
            screen.print(section, style="bold")
        shown = "not set" if value is None else ", ".join(value) if isinstance(value, tuple) else str(value)
        screen.print(Text.assemble(f"  {key:20} {shown:28} ", (resolved.sources.get(dotted, "default"), "dim")), soft_wrap=True)
