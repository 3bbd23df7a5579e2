"""pete doctor: look at the machine before a night is spent on it."""

from typing import TYPE_CHECKING, Annotated

import typer

from pete.cli.console import JsonOption, SetOption, as_typed, console, print_json
from pete.cli.train import ConfigOption, PresetOption, read_options

if TYPE_CHECKING:
    from rich.console import Console

    from pete.machine.doctor import Checkup

MARKS = {"good": "green", "caution": "yellow", "stop": "bold red"}


def doctor(
    preset: PresetOption = None,
    config: ConfigOption = None,
    set_: SetOption = None,
    again: Annotated[bool, typer.Option("--again", help="repeat the self-test instead of remembering an earlier one")] = False,
    json: JsonOption = False,
) -> None:
    """Examine this machine for training: good, caution or stop, and what to do. Exit 1 when something forbids a run."""
    from dataclasses import asdict

    from pete.engines import check_device
    from pete.machine.doctor import check_machine, device_findings
    from pete.run import RUNS
    from pete.tracking.keys import has_key

    chosen = read_options(preset, config, set_).config
    screen, notes = console(), console(quiet=True)
    with notes.status("examining the machine (a first self-test takes about 15 s) ..."):
        checkup = check_machine(chosen, RUNS, has_key, thorough=True)
        outcome = check_device(chosen, checkup.facts, again=again)
    if outcome is not None:
        checkup = checkup.plus(device_findings(outcome, str(checkup.facts["os"])), device=outcome.device)
    if json:
        tested = None if outcome is None else asdict(outcome)
        print_json({"facts": dict(checkup.facts), "findings": [asdict(finding) for finding in checkup.findings], "selftest": tested})
    else:
        show(screen, checkup)
    if checkup.stops:
        raise typer.Exit(1)


def show(screen: "Console", checkup: "Checkup") -> None:
    """The facts, every finding with its mark, and the sum."""
    from rich.table import Table
    from rich.text import Text

    screen.print(Text(checkup.headline(), style="bold"))
    screen.print()
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for finding in checkup.findings:
        words = Text(finding.found)
        if finding.advice:
            words.append(f"\n{as_typed(finding.advice)}", style="dim" if finding.level == "good" else "italic")
        table.add_row(Text(finding.level, style=MARKS[finding.level]), Text(finding.name), words)
    screen.print(table)
    count = {level: sum(finding.level == level for finding in checkup.findings) for level in MARKS}
    verdict = "This machine cannot train as it is." if count["stop"] else "This machine can train."
    counts = f" {count['good']} good, {count['caution']} caution, {count['stop']} stop."
    screen.print(Text.assemble("\n", (verdict, "bold"), counts))
