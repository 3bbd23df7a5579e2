"""The proof of a base's text: what Pete renders and encodes is what transformers does with the same folder, id for id, or it is refused.

Prompts without and with a system line, of several turns, a whole row, and letters that tokenizers treat in a way of their own.
A base is proven once, and remembered by its files and by the versions of what reads them.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pete.data import render, template, tokenizer
from pete.data.examples import Example, Message
from pete.data.render import Renderer
from pete.engines.proofs import Proof
from pete.engines.protocol import Base
from pete.errors import BaseModelError, PeteError

TALKS = (
    (Message("user", "Where is my order? It's been 12 days."),),
    (Message("system", "You are Ada."), Message("user", "Grüße aus Köln — “naïve café”, 100% d'accord\u00a0!")),
    (
        Message("user", "  Two\n\n\tlines and    blanks  ".strip()),
        Message("assistant", "1) Yes.\n2) No: 返品したいです。 ไทย 👩\u200d🚀"),
        Message("user", "def f(x):\n    return x**2  # <b>&amp;</b>"),
    ),
)
ANSWER = "On a van. It'll be there by 3:30pm;\n\n- rain or shine 🌧️"
READ = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "config.json", "chat_template.jinja")
CODE = tuple(Path(str(path)) for path in (render.__file__, template.__file__, tokenizer.__file__, __file__))


def prove_text(base: Base, renderer: Renderer, folder: Path | None = None) -> None:
    """Hold a base's renderer against transformers; at once where that was done before.

    Args:
        base: whose folder holds the tokenizer.
        renderer: made of that folder.
        folder: where proofs are kept; the cache unless given.

    Raises:
        BaseModelError: where the two differ, or transformers cannot read the tokenizer.
    """
    if base.made_here:
        return
    proof = Proof.of(
        "text",
        [renderer.template, bool(renderer.system)],
        files=[*(base.folder / name for name in READ), *CODE],
        packages=("transformers", "tokenizers", "jinja2"),
        folder=folder,
    )
    if proof.recall() is not None:
        return
    from transformers import AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    try:
        theirs = AutoTokenizer.from_pretrained(base.folder, local_files_only=True)
    except Exception as error:  # the loader of any kind of tokenizer may fail in any way
        reason = (str(error).splitlines() or [""])[0][:200]
        raise BaseModelError(
            f"{base.name}: transformers cannot read its tokenizer: {reason}.", "download it again, or use another base"
        ) from None
    for what, ours, wanted in _pairs(renderer, theirs):
        if ours != wanted:
            at = next((n for n, (a, b) in enumerate(zip(ours, wanted, strict=False)) if a != b), min(len(ours), len(wanted)))
            raise BaseModelError(
                f"{base.name}: Pete reads {what} otherwise than transformers does, from token {at} on "
                f"({_near(theirs, ours, at)!r}, and there {_near(theirs, wanted, at)!r}).",
                "use another base, and please report this one",
            )
    proof.keep({"base": base.name})


def _pairs(renderer: Renderer, theirs: Any) -> Iterator[tuple[str, list[int], list[int]]]:
    """(what, our ids, transformers' ids)."""
    own = {} if renderer.own_template else {"chat_template": renderer.template}

    def rendered(turns: Sequence[Message], *, prompt: bool) -> list[int]:
        if renderer.dated:  # transformers writes this moment, we the run's: the text is then ours
            return theirs(renderer.text(turns, prompt=prompt), add_special_tokens=False).input_ids
        messages = renderer.messages(turns)
        return theirs.apply_chat_template(messages, add_generation_prompt=prompt, enable_thinking=False, return_dict=False, **own)

    for number, talk in enumerate(TALKS, 1):
        try:
            ours = renderer.prompt_ids(talk)
        except PeteError:  # a conversation that this template does not take: it is refused, whoever has it
            continue
        yield f"a conversation of {len(talk)} messages (number {number})", ours, rendered(talk, prompt=True)
        said = (*talk, Message("assistant", ANSWER))
        whole = rendered(said, prompt=False)
        row = renderer.example(Example(messages=said, prompt="", completion="")).ids.tolist()  # type: ignore[call-arg]
        length = len(row) if row == whole[: len(row)] else len(row) - 1  # an end that the template leaves out is put there
        yield f"a row of {len(talk) + 1} messages (number {number})", row[:length], whole[:length]
    first = theirs("a").input_ids
    bare = theirs("a", add_special_tokens=False).input_ids
    if not renderer.own_template and bare and bare[0] in first:
        yield "the beginning of a text", renderer.first, first[: first.index(bare[0])]


def _near(theirs: Any, ids: Sequence[int], at: int) -> str:
    return theirs.decode(list(ids[at : at + 4]))
