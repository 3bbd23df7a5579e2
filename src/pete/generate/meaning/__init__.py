"""Meaning: whether a rewrite says what its draft says, no less and no more; no model that writes is asked."""

from pete.generate.meaning.compare import compare
from pete.generate.meaning.difference import FACTS, Aligned, Difference, Meaning, Sentence

__all__ = ["FACTS", "Aligned", "Difference", "Meaning", "Sentence", "compare"]
