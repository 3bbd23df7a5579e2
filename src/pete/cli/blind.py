"""pete blind: a person chooses between base and tuned without knowing which is which."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from pete.cli.console import JsonOption, RunArgument, as_path, as_typed, console, print_json
from pete.errors import UserError
from pete.terminal import Key, single_keys

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from pete.app.blind import BlindSession
    from pete.evaluate.blind.record import BlindTest, Choice, Pair
    from pete.run import RunDir

KEYS = (("a", "bold"), " or ", ("b", "bold"), " is better   ", ("=", "bold"), " a tie   ",
        ("s", "bold"), " skip   ", ("q", "bold"), " quit and keep")  # fmt: skip
WIDE = 100
"""Columns from which on the two answers stand side by side."""


def blind(
    run: RunArgument = None,
    pairs: Annotated[int | None, typer.Option(min=1, help="how many pairs to show, 20 unless given")] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", parser=as_path, help="write the test as one page for somebody else's browser")
    ] = None,
    read: Annotated[
        Path | None, typer.Option(metavar="FILE", parser=as_path, help="score and keep the result that such a page saved")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Choose between answers of base and tuned, shuffled; stops when it is clear. Kept in the run and shown in the report."""
    from pete.app.blind import PAIRS, BlindSession, keep_result, write_page
    from pete.run import RunDir

    if html and read:
        raise UserError("--html makes a page, --read takes its result: one at a time.", "pete blind RUN --html FILE")
    if read and pairs:
        raise UserError("--pairs belongs to making a test; the result that --read takes has its pairs.", "leave out --pairs")
    folder = RunDir.find(run)
    screen = console(quiet=json)
    if html:
        page = write_page(folder, html, pairs or PAIRS)
        if json:
            print_json({"file": str(html), "pairs": page.pairs, "evaluation": page.evaluation})
        else:
            count = f"{page.pairs} pairs" + ("" if page.pairs == (pairs or PAIRS) else " (the evaluation has no more)")
            back = as_typed(f"pete blind {folder.cli_argument} --read blind-result.json")
            screen.print(f"{html}: {count}. It opens in any browser and sends nothing anywhere.", soft_wrap=True)
            screen.print(f"when the result comes back: {back}", soft_wrap=True)
        return
    if read:
        file, test = keep_result(folder, read)
        ended = True
    else:
        session = BlindSession(folder, pairs or PAIRS)
        _ask(session, screen)
        file, test, ended = session.file, session.test, session.ended
    if json:
        print_json({"file": str(file) if test.pairs else None} | test.model_dump(mode="json"))
    elif ended:
        _show(screen, folder, file, test)


def _ask(session: "BlindSession", screen: "Console") -> None:
    """Show pair after pair and take a key for each, until the test has ended or the person leaves."""
    argument = session.run.cli_argument
    if not (sys.stdin.isatty() and screen.file.isatty()):
        raise UserError("The blind test asks for keys; this is no terminal.", f"a page instead: pete blind {argument} --html blind.html")
    with single_keys() as key:
        if session.judged:
            screen.print(
                f"{session.file.name}: {session.judged} judged so far.\nPress n for a new test, another key to go on.", soft_wrap=True
            )
            if key(fresh=True) in ("n", "N"):  # a key pressed twice must not answer a question nobody has read
                session.restart()
        try:
            while not session.ended:
                _show_pair(screen, session.pair, f"{session.judged + 1} of {len(session.pairs)}")
                choice = _choice(key)
                if choice is None:
                    break
                session.choose(choice)
        finally:
            if not session.ended:  # how it stands is not said: who goes on must not know
                kept = f"{session.judged} of {len(session.pairs)} judged, kept in {session.file}"
                screen.print(f"\n{kept if session.judged else 'nothing judged, nothing kept'}", soft_wrap=True)
                screen.print(as_typed(f"to go on: pete blind {argument}"), soft_wrap=True)


def _choice(key: Key) -> "Choice | None":
    while True:
        pressed = (key(fresh=True) or "").lower()
        if pressed in ("a", "b", "=", "s"):
            return cast("Choice", pressed)
        if pressed in ("q", ""):
            return None


def _show_pair(screen: "Console", pair: "Pair", progress: str) -> None:
    from rich.console import Group
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    answers = [Panel(Text(text), title=Text(letter, "bold"), title_align="left") for letter, text in (("A", pair.a), ("B", pair.b))]
    both: RenderableType = Group(*answers)
    if screen.width >= WIDE:
        both = Table.grid(expand=True, padding=(0, 1))
        both.add_column(ratio=1)
        both.add_column(ratio=1)
        both.add_row(*answers)
    page = Group(Text(progress, "dim"), Text(f"{pair.prompt}\n", "italic"), both, Text.assemble("\n", *KEYS))
    screen.clear()
    screen.print(page)
    if len(screen.render_lines(page)) >= screen.height:
        screen.print("(longer than this window: scroll up for the beginning)", style="dim")


def _show(screen: "Console", run: "RunDir", file: Path, test: "BlindTest") -> None:
    from rich.text import Text

    from pete.app.blind import pairs_of_a_longer_test

    low, high = test.interval
    counts = f"tuned {test.wins}, base {test.losses}, ties {test.ties}, skipped {test.skipped}"
    share = "" if test.win_rate is None else f": tuned won {test.win_rate:.0%} of those decided (95% between {low:.0%} and {high:.0%})"
    screen.print(f"\n{counts}{share}", soft_wrap=True)
    if test.preferred is not None:
        clear = (f"Clear: {test.preferred} is preferred.", "bold")
        screen.print(Text.assemble(clear, " The interval allows for having looked after each pair."))
    else:
        screen.print(Text.assemble(("Not clear.", "bold"), " It may be chance; more pairs or more people may settle it."))
        if (most := pairs_of_a_longer_test(run, test)) is not None:
            screen.print(f"more pairs: {as_typed(f'pete blind {run.cli_argument} --pairs {most}')}", soft_wrap=True)
    screen.print(f"{file}\nthe whole picture: {as_typed(f'pete report {run.cli_argument}')}", soft_wrap=True)
