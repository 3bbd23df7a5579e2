"""A rewrite as one HTML file: every word that changed, what stayed and why, and which facts were kept."""

from pathlib import Path

from pete.generate.rewrite.diff import Change, word_diff
from pete.generate.rewrite.rewriter import Rewritten, Written
from pete.sealed_page import seal

TEMPLATE = Path(__file__).with_name("page.html")


def make_page(made: Rewritten, run: str, name: str) -> str:
    """The page. It shows texts as text, its script runs only unaltered, and it sends nothing.

    Args:
        made: the rewrite.
        run: whose model wrote it.
        name: what the draft is called.
    """
    facts = [[fact.kind, fact.text, fact.kept] for fact in made.facts]
    words = [len(text.split()) for text in ("".join(block.draft for block in made.blocks), made.text)]
    parts = [
        {
            "kept": block.kept,
            "diff": [[one.gone, one.new] for one in changes_of(block)],
            "stayed": [[one.text, one.why, one.forced] for one in block.stayed],
        }
        for block in made.blocks
    ]
    content = {"run": run, "name": name, "words": words, "sentences": made.sentences, "facts": facts, "blocks": parts}
    return seal(TEMPLATE.read_text(encoding="utf-8"), content)


def changes_of(block: Written) -> list[Change]:
    """What became of a block, word by word."""
    return [Change(block.text, block.text)] if block.draft == block.text else word_diff(block.draft, block.text)
