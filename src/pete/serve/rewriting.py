"""Rewriting as a model of its own, NAME:rewrite: the last message is the draft, and the reply is what became of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pete.config import GenerateConfig
from pete.data.examples import Message
from pete.generate.choose import Answer
from pete.generate.rewrite.choose import STRENGTHS, Chosen, Draw
from pete.generate.rewrite.rewriter import Plan, Rewriter, certain, rewritten
from pete.generate.rewrite.rounds import Rounds
from pete.serve.errors import invalid
from pete.serve.requests import SEEDS, ChatRequest

SUFFIX = ":rewrite"
"""Behind the name of the run."""
Drawn = tuple[int, list[Answer]]
"""The tokens of a request, and the answers to it."""


@dataclass(frozen=True)
class Piece:
    """Text that has become certain; with the last one, what the whole took and what became of it."""

    text: str
    prompt: int = 0
    """Tokens of all that was asked."""
    answer: Answer | None = None
    extras: dict[str, Any] | None = None


def refuse_what_no_rewrite_has(request: ChatRequest) -> None:
    """Settings that mean nothing where a draft is rewritten; raises Refusal by their names."""
    if request.choices > 1:
        raise invalid("n", "'n' is 1 where a draft is rewritten: the best of several is what comes back.")
    if request.stops:
        raise invalid("stop", "'stop' is not for rewriting: a draft that is cut off is no rewrite.")
    if request.x_pete.retries:
        raise invalid("x_pete.retries", "'x_pete.retries' is not for rewriting: 'x_pete.strength' says how much is drawn.")


async def pieces(
    rewriter: Rewriter,
    plan: Plan,
    request: ChatRequest,
    seed: int,
    draw: Callable[[Sequence[Sequence[Message]], Sequence[GenerateConfig]], Awaitable[Drawn]],
) -> AsyncIterator[Piece]:
    """The rewrite, passage by passage, each as soon as it is chosen; what is between them comes with them.

    Args:
        rewriter: the model and what judges it.
        plan: of the draft.
        request: how to draw.
        seed: what is asked as number i of each passage has seed + i.
        draw: an answer to each conversation, in its way of drawing.
    """
    strength = STRENGTHS[request.x_pete.strength or "normal"]
    chosen: list[Chosen] = []
    answers: list[Answer] = []
    prompt, shown = 0, 0
    for passage in plan.passages:
        rounds, base = Rounds(passage.text, strength.draws), rewriter.sampling(passage, strength)
        given = [request.sampling(base, seed + number) for number in range(len(rounds.texts))]
        settings = [one.model_copy(update={"max_new_tokens": min(one.max_new_tokens, base.max_new_tokens)}) for one in given]
        tokens, drawn = await draw([rewriter.conversation(text) for text in rounds.texts], settings)
        prompt, answers = prompt + tokens, answers + drawn
        draws = rounds.draws([Draw(answer.text, answer.stop) for answer in drawn])
        chosen.append(await asyncio.to_thread(rewriter.choose, passage, draws, strength))
        if len(chosen) < len(plan.passages):
            blocks = certain(plan, chosen)
            yield Piece("".join(block.text for block in blocks[shown:]))
            shown = len(blocks)
    made = rewritten(plan, chosen)
    whole = Answer(made.text, made.text, sum(answer.tokens for answer in answers), "end", 0.0, 0.0, 1, 0, 0, attempts=max(1, len(answers)))
    rest = "".join(block.text for block in made.blocks[shown:])
    yield Piece(rest, prompt, whole, {"seed": seed % SEEDS, "stop": "end", **made.record()})
