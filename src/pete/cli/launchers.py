"""pete launchers: Pete by double-click."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pete.cli.console import as_path, as_typed, console
from pete.cli.listing import Listing

if TYPE_CHECKING:
    from pete.machine.launchers import Outcome

app = typer.Typer(
    cls=Listing,
    help="Pete by double-click: five files for the Desktop, and a Quick Action for every program's Services menu.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

QuickActionOption = Annotated[
    bool, typer.Option("--quick-action", help='only "Rewrite as Pete" for the Services menu, in ~/Library/Services; it asks pete serve')
]
FolderArgument = Annotated[Path | None, typer.Argument(metavar="[FOLDER]", parser=as_path, help="where to; ~/Desktop unless given")]


@app.command()
def install(folder: FolderArgument = None, quick_action: QuickActionOption = False) -> None:
    """Put the launchers into a folder, bound to this checkout. Doing it twice is fine; other people's files are left alone."""
    if quick_action:
        _install_quick_action(folder)
        return
    from pete.machine import launchers
    from pete.machine.probes import Probes
    from pete.machine.readings import read_machine
    from pete.resources import PROJECT

    folder = _folder(folder)
    outcomes = launchers.install(folder)
    _show(outcomes)
    probes = Probes()
    for place, cloud in read_machine(probes, list(dict.fromkeys((folder, PROJECT)))).synced:
        if place == PROJECT:
            _say(f"caution: {cloud} copies this checkout ({PROJECT}) with its .venv and runs: move it, to ~/pete say, and install again")
        else:
            _say(f"note: {cloud} copies {folder} to your other machines; there the launchers find no Pete and say so")
    if probes.system == "Darwin":
        _say(
            "If macOS refuses to open one, Pete came as a zip from a browser: xattr -dr com.apple.quarantine FOLDER, or git clone instead."
        )
    _refuse(outcomes, "installed")
    _say(as_typed(f"Double-click to start. They start {PROJECT}; if you move it: pete launchers install, from the new place."))


@app.command()
def uninstall(folder: FolderArgument = None, quick_action: QuickActionOption = False) -> None:
    """Remove the launchers from a folder; nothing that Pete did not put there."""
    if quick_action:
        from pete.machine.quick_action import uninstall as remove

        outcome = remove(_services(folder))
        _show([outcome])
        _refuse([outcome], "removed")
        return
    from pete.machine import launchers

    outcomes = launchers.uninstall(_folder(folder))
    _show(outcomes)
    _refuse(outcomes, "removed")


def _install_quick_action(folder: Path | None) -> None:
    from pete.app.serve import key_file
    from pete.machine.quick_action import NAME, command
    from pete.machine.quick_action import install as put

    serve_folder = key_file().parent.absolute()
    outcome = put(_services(folder), serve_folder)
    _show([outcome])
    _refuse([outcome], "installed")
    _say(as_typed(f"Start pete serve, select text in any program, then: its menu, Services, {NAME}. The answer takes the text's place."))
    _say("For a Shortcut: the action Run Shell Script, input to stdin, with these two lines (docs/mac.md has the steps):")
    _say(command(serve_folder))


def _services(given: Path | None) -> Path:
    from pete.places import home_folder

    return (given or home_folder() / "Library" / "Services").absolute()


def _folder(given: Path | None) -> Path:
    from pete.places import home_folder

    return (given or home_folder() / "Desktop").absolute()


def _say(line: str) -> None:
    console().print(line, soft_wrap=True)


def _show(outcomes: "list[Outcome]") -> None:
    _say(f"{outcomes[0].path.parent}")
    for outcome in outcomes:
        _say(f"  {outcome.path.name:45} {outcome.words}")


def _refuse(outcomes: "list[Outcome]", done: str) -> None:
    from pete.errors import UserError

    left = [outcome.path.name for outcome in outcomes if not outcome.well]
    if left:
        raise UserError(
            f"{len(left)} of {len(outcomes)} launchers were not {done}: {', '.join(left)}.", "the reason stands beside each, above"
        )
