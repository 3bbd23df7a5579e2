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
    from pete.evaluate.blind.record import PAIRS
    from pete.run import RunDir

    if html and read:
        raise UserError("--html makes a page, --read takes its result: one at a time.", "pete blind RUN --html FILE")
    if read and pairs:
        raise UserError("--pairs belongs to making a test; the result that --read takes has its pairs.", "leave out --pairs")
    folder = RunDir.find(run)
    screen = console(quiet=json)
    if html:
        _write_page(folder, html, pairs or PAIRS, screen, json)
        return
    folder.require_writable()  # before twenty choices are made, not after
    if read:
        from pete.evaluate.blind.page import read_result

        file, test = read_result(folder, read)
        done = True
    else:
        file, test, done = _sit(folder, pairs or PAIRS, screen)
    if json:
        print_json({"file": str(file) if test.pairs else None} | test.model_dump(mode="json"))
    elif done:
        _show(screen, folder, file, test)


def _write_page(run: "RunDir", path: Path, most: int, screen: "Console", json: bool) -> None:
    from pete.evaluate.blind.page import make_page
    from pete.evaluate.blind.record import new_seed, open_evaluation, pairs_of
    from pete.run import write_atomic

    if path.exists():
        raise UserError(f"{path} exists already, and somebody may be at it.", "choose another name: --html FILE")
    evaluation, log = open_evaluation(run)
    seed = new_seed()
    pairs = pairs_of(log, seed, str(evaluation))[:most]
    try:
        write_atomic(path, make_page(run, log, seed, pairs))
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.", "choose another place: --html FILE") from None
    if json:
        print_json({"file": str(path), "pairs": len(pairs), "evaluation": evaluation.name})
        return
    back = as_typed(f"pete blind {run.cli_argument} --read blind-result.json")
    screen.print(f"{path}: {_of(len(pairs), most)}. It opens in any browser and sends nothing anywhere.", soft_wrap=True)
    screen.print(f"when the result comes back: {back}", soft_wrap=True)


def _sit(run: "RunDir", most: int, screen: "Console") -> "tuple[Path, BlindTest, bool]":
    """The test at this terminal: its file, what was judged, and whether it came to its end."""
    from pete.evaluate.blind.record import BlindTest, hash_of, new_file, new_seed, open_evaluation, pairs_of, unfinished

    evaluation, log = open_evaluation(run)
    pairs_of(log, "", str(evaluation))  # what is wrong with the answers is said before what is wrong with the terminal
    if not (sys.stdin.isatty() and screen.file.isatty()):
        raise UserError(
            "The blind test asks for keys; this is no terminal.", f"a page instead: pete blind {run.cli_argument} --html blind.html"
        )
    with single_keys() as key:
        file, test = unfinished(run, log, most) or (None, None)
        if file is not None and test is not None:
            screen.print(f"{file.name}: {len(test.pairs)} judged so far.\nPress n for a new test, another key to go on.", soft_wrap=True)
            pressed = key(fresh=True)  # a key pressed twice must not answer a question nobody has read
            test = None if pressed in ("n", "N") else test
        if file is None or test is None:
            file = new_file(run)
            test = BlindTest(run=run.name, evaluation=evaluation.name, answers=hash_of(log), seed=new_seed())
        pairs = pairs_of(log, test.seed)[:most]
        try:
            for number, pair in enumerate(pairs[len(test.pairs) :], len(test.pairs) + 1):
                _show_pair(screen, pair, f"{number} of {len(pairs)}")
                choice = _choice(key)
                if choice is None:
                    break
                test = test.judge(pair, choice)
                test.write(file)
                if test.preferred is not None:
                    break
        finally:
            done = test.preferred is not None or len(test.pairs) == len(pairs)
            if not done:  # how it stands is not said: who goes on must not know
                kept = f"{len(test.pairs)} of {len(pairs)} judged, kept in {file}" if test.pairs else "nothing judged, nothing kept"
                screen.print(f"\n{kept}", soft_wrap=True)
                screen.print(as_typed(f"to go on: pete blind {run.cli_argument}"), soft_wrap=True)
    return file, test, done


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

    from pete.evaluate.blind.record import PAIRS, open_evaluation, pairs_of

    low, high = test.interval
    counts = f"tuned {test.wins}, base {test.losses}, ties {test.ties}, skipped {test.skipped}"
    share = "" if test.win_rate is None else f": tuned won {test.win_rate:.0%} of those decided (95% between {low:.0%} and {high:.0%})"
    screen.print(f"\n{counts}{share}", soft_wrap=True)
    if test.preferred is not None:
        clear = (f"Clear: {test.preferred} is preferred.", "bold")
        screen.print(Text.assemble(clear, " The interval allows for having looked after each pair."))
    else:
        screen.print(Text.assemble(("Not clear.", "bold"), " It may be chance; more pairs or more people may settle it."))
        if test.how == "terminal" and (left := len(pairs_of(open_evaluation(run)[1], test.seed)) - len(test.pairs)) > 0:
            most = len(test.pairs) + min(left, PAIRS)
            screen.print(f"more pairs: {as_typed(f'pete blind {run.cli_argument} --pairs {most}')}", soft_wrap=True)
    screen.print(f"{file}\nthe whole picture: {as_typed(f'pete report {run.cli_argument}')}", soft_wrap=True)


def _of(pairs: int, most: int) -> str:
    return f"{pairs} pairs" if pairs == most else f"{pairs} pairs (the evaluation has no more)"
