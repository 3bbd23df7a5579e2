"""pete monitor: watch a run."""

from typing import Annotated

import typer

from pete.cli.console import JsonOption, RunArgument, as_typed, console, print_json


def monitor(
    run: RunArgument = None,
    once: Annotated[bool, typer.Option("--once", help="print one frame and leave")] = False,
    json: JsonOption = False,
) -> None:
    """Watch a run from its events, during or after it; q or Ctrl-C leaves, and the run goes on."""
    from pete.monitor.frame import headline
    from pete.monitor.state import document
    from pete.monitor.terminal import show_lines, show_live, show_once
    from pete.monitor.watch import Watch, find

    watch = Watch(find(run), as_typed=as_typed)
    screen = console()
    if json:
        print_json(document(watch.look()))
        return
    if once:
        show_once(watch.look(), screen)
        return
    state = show_live(watch, screen) if screen.is_interactive else show_lines(watch, lambda line: screen.print(line, soft_wrap=True))
    screen.print(f"{state.facts.name}: {headline(state)}", soft_wrap=True)
    if state.next:
        screen.print(f"next: {state.next}", soft_wrap=True)
