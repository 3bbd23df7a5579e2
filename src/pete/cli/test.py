"""pete test: a few prompts, base beside tuned."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pete.cli.console import JsonOption, SetOption, console, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from pete.generate.stream import Answer


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
    """Ask base and tuned the same: the answers, their time, speed, length and why they ended."""
    from dataclasses import asdict, replace

    from pete.config import override
    from pete.data.examples import load_prompts
    from pete.data.render import Message
    from pete.errors import RunError, UserError
    from pete.evaluate.log import MODELS
    from pete.generate.request_parsing import RequestType
    from pete.generate.stream import open_tuned
    from pete.run import RUNS, RunDir

    words = list(words or [])
    named = bool(words) and (RunDir.exists(words[0]) or _may_be_a_run(words[0], [path.parent.name for path in RUNS.glob("*/config.toml")]))
    try:
        run = RunDir.find(words[0] if named else None)
    except RunError as error:
        if named and len(words) == 1:
            error.hint += f'; a prompt of one word: pete test RUN "{words[0]}"'
        raise
    words = words[1:] if named else words
    if any(not word.strip() for word in words):
        raise UserError("A prompt is empty.", 'pete test "Write a tagline for a bakery"')
    prompts = [(word, RequestType()) for word in words]
    if not prompts and run.prompts_file.is_file():
        first = {p.category: p for p in reversed(load_prompts(run.prompts_file))}
        prompts = [(p.prompt, RequestType(p.category, p.format, p.topic)) for p in reversed(first.values())]
    if not prompts:
        raise UserError(f"{run.folder} kept no prompts of its own.", 'pete test "Write a tagline for a bakery"')
    tuned = open_tuned(run)
    tuned = replace(tuned, config=override(run.read_config(), set_ or [], ("generate",)).config)
    screen = console(quiet=json)
    screen.print(f"run {run.folder}", style="dim", soft_wrap=True)
    results = []
    for prompt, kind in prompts:
        answers = {}
        for model in MODELS:
            tuned.engine.adapter_active = model == "tuned"
            (answers[model],) = tuned.ask([[Message("user", prompt)]], tuned.config.generate, kinds=[kind])
        results.append({"prompt": prompt, "category": kind.category, **{model: asdict(answer) for model, answer in answers.items()}})
        if not json:
            show_pair(screen, prompt, {model: (answer.text, _facts(answer)) for model, answer in answers.items()})
    if json:
        print_json({"run": run.name, "results": results})


_NEVER_IN_A_NAME = re.compile(r"[\s?!\u3001\u3002\uff01\uff1f\uff0c\u2026]|[.,;:]$|^~\d")


def _may_be_a_run(word: str, runs: Sequence[str]) -> bool:
    """Whether a word that names no run may be a mistyped one: it has no sentence in it, and no letter but ASCII that no run here has."""
    if not word or _NEVER_IN_A_NAME.search(word):
        return False
    letters = set("".join(runs))
    return all(c.isascii() or c in letters for c in word) or ("/" in word and Path(word).parent.is_dir())


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
