"""Meaning: whether a rewrite says what its draft says, no less and no more; no model that writes is asked."""

from pete.generate.meaning.compare import compare
from pete.generate.meaning.difference import Aligned, Difference, Meaning, Sentence

__all__ = ["Aligned", "Difference", "Meaning", "Sentence", "compare"]
