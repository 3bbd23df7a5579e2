"""How much one server takes: what is above it is refused, or let go."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The limits of a server; tests have tighter ones."""

    rows: int = 8
    """Answers drawn side by side."""
    waiting: int = 64
    """Answers that may wait for a row; one more is told to come back."""
    choices: int = 8
    """Answers to one request."""
    body_bytes: int = 1 << 20
    messages: int = 256
    """Messages of a conversation."""
    request_seconds: float = 600.0
    """From the request to the end of its last answer."""
    step_seconds: float = 120.0
    """For a step of the engine, and `token_seconds` more for each token of a prompt that it reads: beyond, the engine hangs."""
    token_seconds: float = 0.25
    read_seconds: float = 30.0
    """For a request to arrive whole."""
    write_seconds: float = 30.0
    """For a client that does not read to read again."""
    close_seconds: float = 5.0
    """For what is left to be taken once a connection is closed."""
    connections: int = 200
    """Open at a time; macOS lets a process have 256 files."""
