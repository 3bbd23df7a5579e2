"""Rewriting: a draft in, the same in the author's voice; only prose reaches the model, and what it loses is put back."""
