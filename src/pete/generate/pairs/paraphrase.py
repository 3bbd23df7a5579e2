"""Paraphrases by a model: the same request in other words, with everything that it fixes."""

from collections.abc import Callable, Sequence

from pete.data.augment.rows import Other
from pete.data.examples import Example
from pete.data.language import language_of
from pete.data.text import Corpus, same_prompt, words
from pete.generate.pairs.filters import SHARED, Refusal, invented_in
from pete.generate.pairs.question import ask_for_paraphrase, read_request
from pete.generate.pairs.writers import Writer
from pete.generate.request_parsing import length_asked

RATIO = 0.5, 2.0
"""Words of a paraphrase to those of the prompt."""


def change_of(new: str, old: str, text: str) -> Refusal | None:
    """What a paraphrase does to its prompt that it may not; None where it asks for the same.

    Args:
        new: the paraphrase.
        old: the prompt.
        text: the answer to both.
    """
    if not words(new) or same_prompt(new) == same_prompt(old):
        return Refusal.NOTHING
    if not RATIO[0] <= len(new.split()) / len(old.split()) <= RATIO[1]:
        return Refusal.SENTENCES
    if length_asked(new) != length_asked(old):
        return Refusal.LENGTH
    languages = language_of(new), language_of(f"{old}\n{text}")  # a short prompt alone tells little
    if all(languages) and languages[0] != languages[1]:
        return Refusal.LANGUAGE
    if next(invented_in(new, old), None) or next(invented_in(old, new), None):
        return Refusal.INVENTED
    answer = Corpus([words(text)])
    if answer.spans(words(new), SHARED + 1) and not answer.spans(words(old), SHARED + 1):
        return Refusal.COPIED
    return None


def by_writer(
    writer: Writer, rows: Sequence[Example], per_row: int, on_progress: Callable[[str, int, int], None]
) -> Callable[[Example], list[Other] | None]:
    """Ask for every row so many times; what may be used of it, as `make` asks for it."""
    found: dict[str, list[Other]] = {row.key: [] for row in rows}
    questions = [ask_for_paraphrase(row.prompt) for row in rows]
    for attempt in range(1, per_row + 1):
        for done, (row, reply) in enumerate(zip(rows, writer.ask(questions, attempt), strict=True), 1):
            prompt = read_request(reply)
            if change_of(prompt, row.prompt, row.completion) is None:
                found[row.key].append(Other(prompt, row.completion, writer.origin))
            on_progress("paraphrases", done, len(rows))
    return lambda row: found.get(row.key)
