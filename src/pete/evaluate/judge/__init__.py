"""A language model as judge; optional: the evaluation does without this folder."""
