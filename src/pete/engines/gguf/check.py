"""The look at a new file through llama.cpp's eyes: texts are the same tokens there, and every end of an answer is one."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pete.data.examples import Message
from pete.engines.gguf.tokenizer import WAY_OUT, Vocabulary
from pete.engines.llama.runtime import Weights
from pete.errors import BaseModelError, PeteError
from pete.listener import LISTENER

TEXTS = (
    "Where is my order? It's been 12 days; I'LL wait 1234567 more, won't I?",
    "Grüße aus Köln — “naïve café”, 100% d’accord\u00a0! ½ x² № 5",
    "  Two\n\n\tlines \r\n and    blanks   \n\n\n ",
    "返品したいです。 العربية עברית 한국어 Ελληνικά Кириллица",
    "👩\u200d🚀👍🏽 🇩🇪 …!!??--==>> \\(^o^)/ ~~~",
    "def f(x):\n    return x**2  # <b>&amp;</b>\n\nhttps://a.example/?q=1&r=%20#z",
    "CamelCaseHTTPServer snake_case A1B2 3.14e-10 $1,000.00 'quoted' (it's)",
    "x" * 40 + " " * 20 + "y\ttabs\t\tand \u2028 separators",
)
"""What tokenizers treat in a way of their own."""
MARKED = ("हिन्दी में पूछो, देवनागरी", "ไทย ภาษาไทย ที่นี่", "Cafe\u0301 u\u0308ber")
"""Letters with marks of their own. llama.cpp cuts Tekken's and GPT-4o's words at them, and puts no letters in parts together (NFC)."""


def check_file(path: Path, vocabulary: Vocabulary) -> None:
    """Hold a file's tokenizer against the one it was made of.

    Raises:
        BaseModelError: llama.cpp reads a text otherwise, or would not stop where an answer ends.
    """
    words = Weights(path, gpu=False, words_only=True)
    try:
        for text, wanted in _pairs(vocabulary, TEXTS):
            found = words.tokenize(text)
            if found != wanted:
                at = next((n for n, (a, b) in enumerate(zip(found, wanted, strict=False)) if a != b), min(len(found), len(wanted)))
                ours, theirs = (vocabulary.base.tokenizer.decode(ids[at : at + 4], skip_special_tokens=False) for ids in (wanted, found))
                raise BaseModelError(
                    f"llama.cpp reads a text otherwise than {vocabulary.name}'s tokenizer, from token {at} on "
                    f"({theirs!r}, and here {ours!r}).",
                    WAY_OUT,
                )
        if any(words.tokenize(text) != wanted for text, wanted in _pairs(vocabulary, MARKED)):
            LISTENER.get().message(
                f"llama.cpp by itself cuts letters with marks (Hindi, Thai, letters in parts) otherwise than {vocabulary.name}'s "
                "tokenizer: a program that gives it text with them is answered less well; all other text is the same"
            )
        if lost := sorted(vocabulary.ends - words.ends()):
            token = vocabulary.base.tokenizer.id_to_token(lost[0])
            raise BaseModelError(f"llama.cpp would not stop at {token!r}, which ends answers of {vocabulary.name}.", WAY_OUT)
    finally:
        words.close()


def _pairs(vocabulary: Vocabulary, texts: Sequence[str]) -> Iterator[tuple[str, list[int]]]:
    """Texts and their ids: in conversations where there is a template, as they are where there is none."""
    for text in texts:
        if vocabulary.template is None:
            yield text, vocabulary.base.tokenizer.encode(text, add_special_tokens=False).ids
            continue
        turns = (Message("user", text), Message("assistant", TEXTS[0]), Message("user", text))
        try:
            yield vocabulary.renderer.prompt_text(turns), vocabulary.renderer.prompt_ids(turns)
        except PeteError:  # a conversation that this template does not take
            yield vocabulary.renderer.prompt_text(turns[:1]), vocabulary.renderer.prompt_ids(turns[:1])
