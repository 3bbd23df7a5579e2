"""Rewriting as a request: what the model is asked when a draft is to be put into the author's voice."""

REQUEST = "Rewrite this in your voice. Keep every fact."
"""What stands in front of a draft, in training and ever after; no file of rows holds it."""


def rewrite_request(draft: str) -> str:
    """What the model is asked for a draft."""
    return f"{REQUEST}\n\n{draft.strip()}"
