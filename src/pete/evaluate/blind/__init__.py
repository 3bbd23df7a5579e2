"""A blind test by a person; optional: the evaluation does without this folder."""
