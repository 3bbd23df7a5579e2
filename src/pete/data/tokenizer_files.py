"""Which files a tokenizer needs, and what is said of a folder or a listing that has others."""

from collections.abc import Collection

from pete.errors import BaseModelError

TOKENIZER = "tokenizer.json"
SETTINGS = "tokenizer_config.json"
OTHERS = {
    "tokenizer.model": "a SentencePiece tokenizer only",
    "spiece.model": "a SentencePiece tokenizer only",
    "sentencepiece.bpe.model": "a SentencePiece tokenizer only",
    "tekken.json": "Mistral's own tokenizer only",
    "merges.txt": "a tokenizer in two parts only (vocab.json and merges.txt)",
    "vocab.txt": "a word list only",
    "tiktoken.model": "a tiktoken tokenizer only",
}
"""Files that older or other programs read -> what they are."""


def check_tokenizer(names: Collection[str], where: str) -> None:
    """Refuse a base whose tokenizer Pete cannot read exactly.

    Args:
        names: the files of its folder, or of its listing on the hub.
        where: what to call it.

    Raises:
        BaseModelError: with what it brings instead and how tokenizer.json is made of that.
    """
    if TOKENIZER not in names:
        if other := next((name for name in OTHERS if name in names), None):
            raise BaseModelError(
                f"{where} brings {OTHERS[other]} ({other}), and Pete reads {TOKENIZER}.",
                f"use a newer copy of this base that has {TOKENIZER}, or make it once, in a Python with transformers and sentencepiece: "
                "python3 -c \"from transformers import AutoTokenizer as T; T.from_pretrained('FOLDER').save_pretrained('FOLDER')\"",
            )
        raise BaseModelError(f"{where} has no {TOKENIZER}: Pete needs it.", "copy it from where this base came from, or use another base")
