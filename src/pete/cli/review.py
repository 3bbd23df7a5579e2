"""pete data review: a person looks at some pairs before a night is spent on all of them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pete.cli.console import JsonOption, as_path, as_typed, console, print_json
from pete.cli.editor import in_editor, typed
from pete.cli.train import PersonaOption, read_options
from pete.errors import DataError, UserError
from pete.terminal import Key, single_keys

if TYPE_CHECKING:
    from rich.console import Console

    from pete.data.examples import Example
    from pete.data.review.record import ReviewSession

TaskOption = Annotated[Literal["write", "rewrite"], typer.Option(help="prompts and their texts, or drafts and what they were made of")]
KEYS = (("a", "bold"), " accept   ", ("e", "bold"), " edit   ", ("r", "bold"), " reject   ", ("q", "bold"), " quit and keep")
BETWEEN = "=== the text, below this line ==="
ABOVE = "=== the prompt, below this line; save and close when done ==="


def review(
    persona: PersonaOption = None,
    task: TaskOption = "write",
    rows: Annotated[int, typer.Option(min=1, help="how many pairs to look at in all")] = 20,
    terminal: Annotated[bool, typer.Option("--terminal", help="here, in place of a page in the browser")] = False,
    read: Annotated[Path | None, typer.Option(metavar="FILE", parser=as_path, help="put in what the page saved")] = None,
    again: Annotated[bool, typer.Option("--again", help="begin anew, with another random sample")] = False,
    json: JsonOption = False,
) -> None:
    """Look at random pairs: accept, edit or reject each; and what that says about all rows. Goes on where it was left."""
    from pete.app.review import open_review, standing, take_result, write_page
    from pete.data.review.page import command_of

    if read and (terminal or again):
        raise UserError("--read takes what a page saved, and nothing else beside it.", "leave out --terminal and --again")
    session = open_review(read_options(None, None, None, persona).config, rows, again=again, task=task)
    screen = console(quiet=json)
    page: Path | None = None
    if read:
        taken, passed_over = take_result(session, read)
        screen.print(f"{taken} decisions are in the rows and in {session.file}", soft_wrap=True)
        if passed_over:
            screen.print(f"{passed_over} were passed over: their rows are gone, or say something else by now")
    elif session.left and terminal:
        _ask(session, screen)
    elif session.left:
        page = write_page(session)
    stands = standing(session)
    if json:
        print_json({"file": str(session.file), "page": str(page) if page else None, **stands.record()})
        return
    command = command_of(session)
    if page:
        screen.print(f"{page}: {stands.left} pairs to look at. It opens in any browser and sends nothing anywhere.", soft_wrap=True)
        saved = as_typed(f"{command} --read pete-review.json")
        screen.print(f"when it has saved its result: {saved}", soft_wrap=True)
        if sys.stdout.isatty():
            typer.launch(str(page))
        return
    if stands.looked_at:
        edited = f"; {stands.edited} edited, {stands.rejected} rejected" if stands.edited or stands.rejected else ""
        screen.print(f"{stands.in_words()}{edited}", style="bold", soft_wrap=True)
        if stands.rejected:
            screen.print(f"rejected rows are kept in {session.rejected}", soft_wrap=True)
    if stands.left:
        screen.print(as_typed(f"{stands.left} pairs are left; to go on: {command}"), soft_wrap=True)


def _ask(session: "ReviewSession", screen: "Console") -> None:
    """Show pair after pair and take a key for each."""
    if not (sys.stdin.isatty() and screen.file.isatty()):
        raise UserError("The review asks for keys; this is no terminal.", "a page instead: pete data review, without --terminal")
    number = len(session.decided)
    of = number + len(session.left)
    while session.left:
        row = session.left[0]
        _show(screen, row, f"{len(session.decided) + 1} of {of}")
        with single_keys() as key:
            choice = _choice(key)
        if choice == "q":
            return
        if choice == "a":
            session.accept(row)
        elif choice == "r":
            session.reject(row)
        else:
            _edit(session, row, screen)


def _choice(key: Key) -> str:
    while True:
        pressed = (key(fresh=True) or "q").lower()
        if pressed in ("a", "e", "r", "q"):
            return pressed


def _edit(session: "ReviewSession", row: "Example", screen: "Console") -> None:
    """The pair in the person's own editor; what cannot be read is asked for again."""
    text = f"{ABOVE}\n{row.prompt}\n{BETWEEN}\n{row.completion}\n"
    while True:
        text = in_editor(text)
        head, found, completion = text.partition(f"\n{BETWEEN}\n")
        try:
            if not found or not head.startswith(f"{ABOVE}\n"):
                raise DataError("The two lines with === are how prompt and text are told apart; leave them in.")
            session.edit(row, typed(head.partition("\n")[2], row.prompt), typed(completion, row.completion))
            return
        except DataError as error:
            screen.print(f"{error.message}\nPress e to edit it once more, another key to leave the pair as it is.", soft_wrap=True)
            with single_keys() as key:
                if (key(fresh=True) or "").lower() != "e":
                    return


def _show(screen: "Console", row: "Example", progress: str) -> None:
    from rich.console import Group
    from rich.panel import Panel
    from rich.text import Text

    from pete.data.review.page import about

    before = [Text(f"{turn.role}: {turn.content}\n", "dim") for turn in row.turns[:-2]]
    pair = [
        Panel(Text(text), title=Text(title, "bold"), title_align="left")
        for title, text in (("Draft" if row.task == "rewrite" else "Prompt", row.prompt), ("Text", row.completion))
    ]
    page = Group(Text(f"{progress} \u00b7 {about(row)}", "dim"), *before, *pair, Text.assemble("\n", *KEYS))
    screen.clear()
    screen.print(page)
    if len(screen.render_lines(page)) >= screen.height:
        screen.print("(longer than this window: scroll up for the beginning)", style="dim")
