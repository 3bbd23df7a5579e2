"""pete test: a few prompts, base beside tuned."""

from typing import TYPE_CHECKING, Annotated

import typer

from pete.cli.console import JsonOption, SetOption, console, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from pete.generate.choose import Answer


def test(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN] [PROMPT]...", help="a run (one word), then prompts (in quotes); nothing means the newest run and its own prompts"
        ),
    ] = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Ask base and tuned the same: the answers, their time, speed, length and why they ended; and what becomes of a draft."""
    from dataclasses import asdict

    from pete.app.chat import open_chat
    from pete.app.test import choose_prompts, test_rewriting
    from pete.app.test import test as ask
    from pete.cli.notify import ScreenNotify
    from pete.cli.rewrite import sum_up
    from pete.data.rewriting import REQUEST

    run, prompts, own = choose_prompts(words or ())
    screen = console(quiet=json)
    screen.print(f"run {run.folder}", style="dim", soft_wrap=True)
    results = []
    tuned = open_chat(run, set_ or ())
    for tested in ask(tuned, prompts):
        answers = {model: asdict(answer) for model, answer in tested.answers.items()}
        results.append({"prompt": tested.prompt, "category": tested.category, **answers})
        if not json:
            show_pair(screen, tested.prompt, {model: (answer.text, _facts(answer)) for model, answer in tested.answers.items()})
    rewriting = {}
    if own:
        with ScreenNotify(console(quiet=True)) as notify:
            made = test_rewriting(tuned, run, notify)
        if made is not None:
            draft, rewritten = made
            rewriting = {"rewriting": {"draft": draft, "text": rewritten.text, **rewritten.record()}}
            if not json:
                show_pair(screen, REQUEST, {"draft": (draft, ""), "tuned": (rewritten.text, "")})
                sum_up(screen, rewritten)
    if json:
        print_json({"run": run.name, "results": results, **rewriting})


def _facts(answer: "Answer") -> str:
    facts = (
        f"{answer.seconds:.1f} s, first token {answer.first_token_seconds:.2f} s, {answer.tokens_per_second:.0f} tok/s, "
        f"{answer.tokens} tokens, ended by {answer.stop}"
    )
    return "\n".join([facts + (f", {answer.how}" if answer.how else ""), *(f"flagged: {flag.words}" for flag in answer.flags)])


def show_pair(screen: "Console", prompt: str, answers: dict[str, tuple[str, str]]) -> None:
    """One prompt with its answers side by side, or below each other where the window is narrow."""
    from rich.columns import Columns
    from rich.console import Group
    from rich.panel import Panel
    from rich.text import Text

    screen.print()
    screen.print(Text(prompt, style="bold"))
    width = screen.width // 2 - 1 if screen.width >= 90 else screen.width
    panels = [
        Panel(
            Group(Text(text or "(nothing)"), Text(f"\n{facts}", style="dim")),
            title=Text(model),
            width=width,
            border_style="green" if model == "tuned" else "dim",
        )
        for model, (text, facts) in answers.items()
    ]
    screen.print(Columns(panels, padding=(0, 1)))
