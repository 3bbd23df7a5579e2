"""pete rewrite: a draft in, the same in the author's voice out."""

import shlex
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from pete.cli.console import JsonOption, SetOption, as_path, complain, console, print_exactly, print_json
from pete.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

    from pete.generate.rewrite.rewriter import Rewriter, Rewritten
    from pete.generate.stream import Tuned
    from pete.run import RunDir

SHOWN = 5
"""Sentences that stayed, of which it is said why; --json and --html have them all."""


def rewrite(
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help="text or Markdown; - or nothing is stdin. It is never written to")] = "-",
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="run folder, or a name below runs/; nothing means the newest")
    ] = None,
    strength: Annotated[str, typer.Option("--strength", metavar="light|normal|full", help="how far it may go")] = "normal",
    diff: Annotated[bool, typer.Option("--diff", help="every word that changed, in place of the text")] = False,
    html: Annotated[str | None, typer.Option("--html", metavar="FILE", help="the same as a page for a browser, beside the text")] = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Rewrite a draft in the voice: facts are kept, or the draft's sentence stays. Exit 1 when something had to stay."""
    from pete.app.chat import open_chat
    from pete.app.rewrite import Drawn, open_rewriter, read_draft, write_page
    from pete.app.rewrite import rewrite as work
    from pete.cli.notify import ScreenNotify
    from pete.generate.rewrite.choose import STRENGTHS
    from pete.generate.rewrite.page import make_page
    from pete.run import RunDir

    if strength not in STRENGTHS:
        raise UserError(f"--strength {strength}: there is no such strength.", f"one of: {', '.join(STRENGTHS)}")
    page = None if html is None else as_path(html)
    if page is not None and page.exists():
        raise UserError(f"{page} exists already.", "choose another name: --html FILE")
    draft = read_draft(_bytes(file), "the text" if file == "-" else file)
    folder = RunDir.find(run)
    screen = console(quiet=True)
    with ScreenNotify(screen) as notify:
        if draft.encoding not in ("utf-8", "ascii"):
            notify.message(f"{file} was read as {draft.encoding}; the rewrite is UTF-8.", "note")
        notify.message(f"loading {folder.name} ...", "working")
        tuned = open_chat(folder, set_ or ())
        rewriter = open_rewriter(tuned, folder, notify)
        plan = rewriter.plan(draft.text, markdown=draft.markdown)
        made = work(rewriter, plan, STRENGTHS[strength], notify, Drawn(folder, tuned.config.generate, STRENGTHS[strength]))
        if page is not None:
            write_page(page, make_page(made, folder.name, "stdin" if file == "-" else as_path(file).name))
    if json:
        print_json({"run": folder.name, "strength": strength, "text": made.text, **made.record()})
    elif diff:
        show_diff(made)
    else:
        print_exactly(draft.mark + made.text)
    if not json:
        sum_up(screen, made)
    if made.had_to_stay:
        raise typer.Exit(1)


def _bytes(file: str) -> bytes:
    if file == "-":
        if sys.stdin.isatty():
            print("The text, then Ctrl-D on a line of its own:", file=sys.stderr)
        return sys.stdin.buffer.read()
    path = as_path(file)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        words = 'a text in place of a file: echo "We open on Tuesdays." | pete rewrite'
        raise UserError(f"There is no file {path}.", words if " " in file else f"ls, or {words}") from None
    except IsADirectoryError:
        loop = f'for f in {shlex.quote(str(path))}/*.md; do pete rewrite "$f" > "$f.new"; done'
        raise UserError(f"{path} is a folder.", f"one file at a time: {loop}") from None


def in_chat(tuned: "Tuned", run: "RunDir") -> Callable[[str], str | None]:
    """What rewrites a draft in the middle of a chat, shows the rewrite and returns it, None where there is none; Ctrl-C stops it."""
    from functools import cache

    from pete.app.rewrite import open_rewriter
    from pete.app.rewrite import rewrite as work
    from pete.cli.notify import ScreenNotify
    from pete.generate.rewrite.choose import STRENGTHS

    screen = console(quiet=True)

    @cache
    def opened() -> "Rewriter":
        with ScreenNotify(screen) as notify:
            return open_rewriter(tuned, run, notify)

    def rewrite(text: str) -> str | None:
        try:
            rewriter = opened()
            with ScreenNotify(screen) as notify:
                made = work(rewriter, rewriter.plan(text), STRENGTHS["normal"], notify)
        except UserError as error:
            complain(error)
        except KeyboardInterrupt:
            print("\n(stopped)", file=sys.stderr)
        else:
            print(made.text)
            sum_up(screen, made)
            return made.text
        return None

    return rewrite


def show_diff(made: "Rewritten") -> None:
    """Every word that changed: in colours on a terminal, else as git writes it; what was kept from the model is dim."""
    from rich.text import Text

    from pete.generate.rewrite.diff import in_brackets
    from pete.generate.rewrite.page import changes_of

    screen, whole = console(), Text()
    for block in made.blocks:
        changes = changes_of(block)
        if not screen.is_terminal:
            whole.append(in_brackets(changes))
            continue
        stays = "dim" if block.kept else "yellow" if block.stayed and block.draft == block.text else ""
        for change in changes:
            if change.same:
                whole.append(change.gone, style=stays)
            else:
                whole.append(change.gone, style="red strike").append(change.new, style="green")
    screen.print(whole, soft_wrap=not screen.is_terminal)


def sum_up(screen: "Console", made: "Rewritten") -> None:
    """What was kept, what was lost, and what stayed and why."""
    from rich.text import Text

    from pete.words import counted

    lost = [f"{fact.text} ({fact.kind})" for fact in made.facts if not fact.kept]
    stayed = made.stayed
    said = f"{made.sentences - len(stayed)} of {counted(made.sentences, 'sentence')} rewritten"
    if made.facts:
        said += f"; {len(made.facts) - len(lost)} of {counted(len(made.facts), 'fact')} kept"
    screen.print(Text(said, style="dim"), soft_wrap=True)
    if lost:
        screen.print(Text.assemble(("lost: ", "bold red"), ", ".join(lost)), soft_wrap=True)
    forced = [one for one in stayed if one.forced]
    for one in forced[:SHOWN]:
        text = " ".join(one.text.split())
        screen.print(
            Text.assemble(("stayed: ", "yellow"), text if len(text) <= 60 else f"{text[:57]}...", (f"  ({one.why})", "dim")), soft_wrap=True
        )
    if len(forced) > SHOWN:
        screen.print(Text(f"and {len(forced) - SHOWN} more stayed: --html FILE and --json show them all", style="dim"), soft_wrap=True)
