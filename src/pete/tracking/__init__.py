"""Weights & Biases beside the run: a process of its own reads events.jsonl, and training never talks to W&B.

So a W&B that hangs, fails or writes without end costs the run nothing. docs/tracking.md says what is sent, and what never is.
"""
