"""pete train: fine-tune."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pete.cli.console import SetOption, as_path, as_typed, console, persona_override

if TYPE_CHECKING:
    from rich.console import Console

    from pete.config import Resolved
    from pete.data.render import Renderer
    from pete.engines.protocol import Generator
    from pete.events import Event
    from pete.run import RunDir
    from pete.train.run_selection import Night
    from pete.train.session import Prepared

SAMPLE_TOKENS = 60
"""Of an answer sampled while training: enough to hear the voice, a few seconds at most."""

PresetOption = Annotated[str | None, typer.Option(help="a file of configs/; quickstart unless --config is given")]
ConfigOption = Annotated[Path | None, typer.Option("--config", metavar="FILE", parser=as_path, help="your own TOML, on top of the preset")]
PersonaOption = Annotated[str | None, typer.Option(metavar="NAME|FOLDER", help="whose voice; a folder with persona.toml and examples/")]


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
) -> None:
    """Fine-tune a base model on a persona's examples. Ctrl-C saves; pete resume goes on."""
    from pete.cli.preflight import preflight
    from pete.config import resolve
    from pete.engines.base_models.resolve import resolve_base
    from pete.errors import UserError
    from pete.run import RUNS, RunDir
    from pete.train.session import prepare

    screen = console(work=True)
    overrides = [*persona_override(persona), *(set_ or [])]
    run = None
    if overnight:
        if preset or config:
            raise UserError("--overnight chooses the preset by itself.", "leave out --preset and --config, or leave out --overnight")
        night = choose_night(screen, overrides)
        resolved, prepared, run, label = night.resolved, night.prepared, night.run, night.preset
    else:
        preset = preset or (None if config else "quickstart")
        label = preset or (config.stem if config else "run")
        resolved = resolve(preset, config, overrides)
        prepared = prepare(resolved.config)
    show_config(screen, resolved)
    before = preflight(screen, resolved, prepared, run.folder if run else out or RUNS)
    if plan:
        return
    if prepared.base.missing:
        resolve_base(resolved.config.model)  # before there is a run folder: a download may fail
    resume = run is not None
    run = run or RunDir.create(out, label)
    run_training(screen, resolved, prepared, run, before, resume=resume)
    show_night(screen, run)
    say_where(screen, run)


def choose_night(screen: "Console", overrides: list[str]) -> "Night":
    """What to train tonight, with everything it needs fetched while somebody may still be looking."""
    from pete.cli.countdown import wants_new
    from pete.machine.memory import read_memory
    from pete.train.run_selection import plan_night

    return plan_night(read_memory().total, overrides, wants_new, lambda line: screen.print(as_typed(line), soft_wrap=True, markup=False))


def say_where(screen: "Console", run: "RunDir") -> None:
    """Where the run is, and what to do with it."""
    screen.print(f"run folder: {run.folder}\ntry it:     {as_typed(f'pete test {run.cli_argument}')}", soft_wrap=True, markup=False)


def run_training(
    screen: "Console", resolved: "Resolved", prepared: "Prepared", run: "RunDir", before: "list[Event]", resume: bool = False
) -> None:
    """Train with a view on the screen and the machine kept awake; tell the desktop how it ended."""
    import os

    from pete.cli.training_view import TrainingView
    from pete.data.render import Message
    from pete.errors import Interrupted
    from pete.events import Warned
    from pete.generate.stream import answer_all
    from pete.machine.awake import keep_awake
    from pete.machine.notify import notify
    from pete.report.night import night_summary  # noqa: F401  (now: what is loaded after the night may have been updated since)
    from pete.train.session import train_run

    drawn = resolved.config.generate.model_copy(update={"max_new_tokens": SAMPLE_TOKENS})

    def ask(engine: "Generator", renderer: "Renderer", prompt: str, stops: tuple[str, ...]) -> str:
        return answer_all(engine, renderer, [[Message("user", prompt)]], drawn, stops)[0].text

    try:
        with keep_awake(os.getpid()) as awake, TrainingView(screen) as view:
            told = [*before, Warned(message=awake.words)] if awake.caution else before
            finished = train_run(resolved, prepared, run, view.show, resume=resume, before=told, ask=ask)
    except Interrupted:
        raise
    except Exception as error:
        notify(f"{run.name} failed: {error}")
        raise
    notify(f"{run.name} is trained: {finished.step} steps, best at {finished.best_step}.")


def show_night(screen: "Console", run: "RunDir") -> None:
    """What happened while nobody looked."""
    from rich.table import Table
    from rich.text import Text

    from pete.events import read
    from pete.history import fold
    from pete.report.night import night_summary  # loaded by run_training, before the night

    table = Table.grid(padding=(0, 2))
    for name, sentence in night_summary(fold(read(run.events_file))):
        table.add_row(Text(name, style="bold"), Text(as_typed(sentence)))
    screen.print(table)


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
