"""pete train: fine-tune."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pete.cli.console import SetOption, as_typed, console, persona_override

if TYPE_CHECKING:
    from rich.console import Console

    from pete.config import Resolved
    from pete.run import RunDir
    from pete.train.session import Prepared

PresetOption = Annotated[str | None, typer.Option(help="a file of configs/; quickstart unless --config is given")]
ConfigOption = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="your own TOML, on top of the preset")]
PersonaOption = Annotated[str | None, typer.Option(metavar="NAME|FOLDER", help="whose voice; a folder with persona.toml and examples/")]


def train(
    preset: PresetOption = None,
    config: ConfigOption = None,
    set_: SetOption = None,
    persona: PersonaOption = None,
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="run folder; runs/<date>-<preset> unless given")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="say what would be done, and stop")] = False,
) -> None:
    """Fine-tune a base model on a persona's examples. Ctrl-C saves; pete resume goes on."""
    from pete.config import resolve
    from pete.run import RunDir
    from pete.train.session import prepare

    preset = preset or (None if config else "quickstart")
    resolved = resolve(preset, config, [*persona_override(persona), *(set_ or [])])
    screen = console()
    prepared = prepare(resolved.config)
    show_config(screen, resolved)
    show_plan(screen, resolved, prepared)
    if not plan:
        run = RunDir.create(out, preset or (config.stem if config else "run"))
        run_training(screen, resolved, prepared, run)
        say_where(screen, run)


def say_where(screen: "Console", run: "RunDir") -> None:
    """Where the run is, and what to do with it."""
    screen.print(f"run folder: {run.folder}\ntry it:     {as_typed(f'pete test {run.word}')}", soft_wrap=True, markup=False)


def run_training(screen: "Console", resolved: "Resolved", prepared: "Prepared", run: "RunDir", resume: bool = False) -> None:
    """Train with a view on the screen."""
    from pete.cli.training_view import TrainingView
    from pete.train.session import train_run

    with TrainingView(screen) as view:
        train_run(resolved, prepared, run, view.show, resume=resume)


def show_config(screen: "Console", resolved: "Resolved") -> None:
    """The resolved configuration: each value, and where it came from."""
    for section, table in resolved.config.model_dump().items():
        screen.print(section, style="bold")
        for key, value in table.items():
            shown = "not set" if value is None else ", ".join(value) if isinstance(value, tuple) else str(value)
            screen.print(f"  {key:20} {shown:28} [dim]{resolved.sources.get(f'{section}.{key}', 'default')}[/]", soft_wrap=True)


def show_plan(screen: "Console", resolved: "Resolved", prepared: "Prepared") -> None:
    """What will be learned from, and how much work it is."""
    config, splits = resolved.config, prepared.splits
    per_step = config.train.micro_batch * config.train.accumulation
    work = round(prepared.epoch_tokens / max(1, len(splits["train"])) * per_step * prepared.sequencer.steps)
    screen.print(
        f"[bold]plan[/]  {prepared.persona.name} on {prepared.base.name}: {len(splits['train'])} rows to learn from, "
        f"{len(splits['valid'])} to choose the best step, {len(splits['test'])} held out; "
        f"{prepared.sequencer.steps} steps of {per_step} rows, about {work:,} tokens",
    )
    if prepared.findings:
        screen.print(f"[yellow]note:[/] {len(prepared.findings)} rows deserve a look: pete data check", soft_wrap=True)
