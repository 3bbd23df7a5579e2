"""pete bench: one table of what others use and what we have."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from pete.cli.console import JsonOption, SetOption, as_path, as_typed, console, print_json
from pete.cli.train import ConfigOption, PersonaOption, PresetOption, read_options

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from pete.report.bench import Bench, OnDevice, Spread, Trained


def bench(
    quick: Annotated[bool, typer.Option("--quick", help="about five minutes: fewer rows, steps and tokens")] = False,
    steps: Annotated[
        int | None, typer.Option(min=1, help="measured steps of each way, with --quick at most; else 8, or 4, as time allows")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", parser=as_path, help="where bench.json and bench.svg go")] = Path("bench"),
    preset: PresetOption = None,
    config: ConfigOption = None,
    set_: SetOption = None,
    persona: PersonaOption = None,
    json: JsonOption = False,
) -> None:
    """How fast this machine trains and answers: Pete, transformers + peft and TRL in turn on the same rows, beside what it could do."""
    from pete.app import bench as verb
    from pete.cli.notify import ScreenNotify

    screen = console(quiet=json, work=True)
    with ScreenNotify(screen) as notify, _stopped_by_signals() as signals:
        found = verb.bench(read_options(preset, config, set_, persona).config, notify, out, quick, steps)
    if json:
        print_json(found.record())
    else:
        show(screen, found)
        screen.print(as_typed(f"\n{out / 'bench.json'}\n{out / 'bench.svg'}"), soft_wrap=True)
    if not found.finished:
        raise typer.Exit(128 + signals[0])


@contextmanager
def _stopped_by_signals() -> Iterator[list[int]]:
    """Ctrl-C or `kill` ends the work, which keeps what it has; gives the signals that came."""
    import signal

    came: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        came.append(number)
        raise KeyboardInterrupt

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def show(screen: "Console", found: "Bench") -> None:
    """The tables, what they were taken on, and what is not in them."""
    from rich.text import Text

    from pete.words import counted, duration, gigabytes, millions

    mark = "~" if found.load.busy else ""
    facts = found.machine
    screen.print()
    screen.print(Text(f"{found.base} ({millions(found.parameters)} parameters), {found.persona}, LoRA {found.lora}", style="bold"))
    chip = f"{facts['chip']}, {facts['usable_cores']} of {counted(facts['cores'], 'core')}"
    screen.print(Text(f"{chip}, {gigabytes(facts['memory'])}, {facts['system']}, Python {facts['python']}"))
    screen.print(Text(", ".join(f"{name} {number}" for name, number in found.versions.items()), style="dim"))
    load = f"{found.load.before:.1f} of {counted(found.load.cores, 'core')} at other work before, {found.load.during:.1f} during"
    screen.print(
        Text(f"busy: {load}. Every figure marked {mark} suffers; ratios less." if mark else load, style="yellow" if mark else "dim")
    )
    for device in found.devices:
        screen.print()
        screen.print(_training(found, device, mark))
        for line in _unlike(device):
            screen.print(Text(line, style="yellow"))
        if device.decoded:
            screen.print()
            screen.print(_decoding(found, device, mark))
    screen.print()
    for what, why in found.left_out.items():
        screen.print(Text.assemble((f"{what}: ", "bold"), as_typed(why)), soft_wrap=True)
    if not found.finished:
        screen.print(Text("stopped before its end: this is what was measured until then", style="yellow"))
    screen.print(Text(f"{'quick, ' if found.quick else ''}{duration(found.seconds)}", style="dim"))


def _training(found: "Bench", device: "OnDevice", mark: str) -> "Table":
    from pete.words import counted, gigabytes, short

    order = "in turn" if device.together else "one way after the other"
    warm_up, steps, learned = device.extent
    title = (
        f"Training on {device.card or device.device}, {device.dtype}: {counted(steps, 'step')} of {counted(found.rows, 'row')} "
        f"after {warm_up} to warm up, {order}; held-out loss after {learned:,} tokens; "
        f"the floor computes {device.floor.flops / 1e9:,.0f} GFLOP/s"
    )
    table = _table(title, ("", "tokens/s", "range", "memory", "loss", "of floor", "Pete is"))
    for one in device.trained:
        ratio = "" if one.way == "ours" or one.ours_over is None else f"{one.ours_over:.1f}x"
        table.add_row(
            one.title + (" *" if _is_unlike(one, device) else ""), mark + short(one.speed.median), _range(one.speed),
            gigabytes(one.peak), _loss(one.held_out), f"{one.of_floor:.0%}", ratio, style="bold" if one.way == "ours" else "",
        )  # fmt: skip
    table.add_row("the base alone", "", "", "", _loss(device.base_loss), "", "", style="dim")
    speed = device.floor.speed
    table.add_row("matrix floor", mark + short(speed.median), _range(speed), "", "", "", "", style="dim")
    return table


def _is_unlike(one: "Trained", device: "OnDevice") -> bool:
    """Whether its first step had to be the measurement, or it came less far than the others."""
    return not one.warm_up or one.extent != device.extent


def _unlike(device: "OnDevice") -> list[str]:
    """What the star stands for, a line for all that are alike."""
    from pete.words import counted

    lines: dict[tuple[int, int, int], list[str]] = {}
    for one in device.trained:
        if _is_unlike(one, device):
            lines.setdefault(one.extent, []).append(one.title)
    return [
        f"* {'; '.join(titles)}: "
        + (f"{counted(steps, 'step')} after {warm_up} to warm up" if warm_up else "the first step, as there was no time to warm up")
        + f", {learned:,} tokens learned"
        for (warm_up, steps, learned), titles in lines.items()
    ]


def _loss(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _decoding(found: "Bench", device: "OnDevice", mark: str) -> "Table":
    from pete.words import gigabytes, short

    title = (
        f"Answering on {device.card or device.device}: seconds to the first token, tokens/s of 1 and {found.together} rows, "
        f"{found.answer} tokens each; the floor reads {device.floor.read / 1e9:.1f} GB/s of memory"
    )
    heads = ("", "first", "1 row", "range", f"{found.together} rows", "memory", "of floor", "over peer")
    table = _table(title, heads)
    for one in device.decoded:
        ours = one.way != "generate"
        ratio = f"{one.over_peer:.1f}x" if ours and one.over_peer is not None else ""
        table.add_row(
            one.title, f"{mark}{one.first.median:.2f} s", mark + short(one.one.median), _range(one.one), mark + short(one.many.median),
            gigabytes(one.peak), f"{one.of_floor:.0%}", ratio, style="bold" if ours else "",
        )  # fmt: skip
    return table


def _table(title: str, heads: tuple[str, ...]) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="", box=SIMPLE_HEAD, pad_edge=False)
    for number, head in enumerate(heads):
        table.add_column(head, justify="right" if number else "left")
    return table


def _range(spread: "Spread") -> str:
    from pete.words import short

    return f"{short(spread.low)}-{short(spread.high)}"
