"""Test: a few prompts, asked of base and tuned alike, and a draft to be rewritten."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pete import run as runs
from pete.app.notify import Notify
from pete.app.rewrite import open_rewriter, rewrite
from pete.data.examples import load_prompts
from pete.data.render import Message
from pete.errors import RunError, UserError
from pete.evaluate.log import MODELS
from pete.generate.choose import Answer
from pete.generate.request_parsing import RequestType
from pete.generate.rewrite.choose import STRENGTHS
from pete.generate.rewrite.rewriter import Rewritten
from pete.generate.stream import Tuned
from pete.run import RunDir


@dataclass(frozen=True)
class Tested:
    """One prompt, and the answer of each model."""

    prompt: str
    category: str
    answers: dict[str, Answer]


def choose_prompts(words: Sequence[str]) -> tuple[RunDir, list[tuple[str, RequestType]], bool]:
    """What the words of a command line name: a run, where the first one may be that, and prompts, else the run's own (and True).

    Raises:
        RunError: there is no such run. UserError: a prompt is empty, or there is none.
    """
    words = list(words)
    names = [path.parent.name for path in runs.RUNS.glob("*/config.toml")]
    named = bool(words) and (RunDir.exists(words[0]) or may_be_a_run(words[0], names))
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
    own = not prompts
    if own and run.prompts_file.is_file():
        first = {p.category: p for p in reversed(load_prompts(run.prompts_file))}
        prompts = [(p.prompt, RequestType(p.category, p.format, p.topic)) for p in reversed(first.values())]
    if not prompts:
        raise UserError(f"{run.folder} kept no prompts of its own.", 'pete test "Write a tagline for a bakery"')
    return run, prompts, own


def test(tuned: Tuned, prompts: Sequence[tuple[str, RequestType]]) -> Iterator[Tested]:
    """Ask prompt by prompt."""
    for prompt, kind in prompts:
        answers = {}
        for model in MODELS:
            tuned.engine.adapter_active = model == "tuned"
            (answers[model],) = tuned.ask([[Message("user", prompt)]], tuned.config.generate, kinds=[kind])
        yield Tested(prompt, kind.category, answers)


def test_rewriting(tuned: Tuned, run: RunDir, notify: Notify) -> tuple[str, Rewritten] | None:
    """What becomes of the first draft that the run kept back; None where it kept none."""
    prompts = load_prompts(run.prompts_file) if run.prompts_file.is_file() else []
    draft = next((draft.text for prompt in prompts for draft in prompt.drafts), None)
    if draft is None:
        return None
    rewriter = open_rewriter(tuned, run, notify)
    return draft, rewrite(rewriter, rewriter.plan(draft), STRENGTHS["normal"], notify)


_NEVER_IN_A_NAME = re.compile(r"[\s?!\u3001\u3002\uff01\uff1f\uff0c\u2026]|[.,;:]$|^~\d")


def may_be_a_run(word: str, names: Sequence[str]) -> bool:
    """Whether a word that names no run may be a mistyped one: it has no sentence in it, and no letter but ASCII that no run here has."""
    if not word or _NEVER_IN_A_NAME.search(word):
        return False
    letters = set("".join(names))
    return all(c.isascii() or c in letters for c in word) or ("/" in word and Path(word).parent.is_dir())
