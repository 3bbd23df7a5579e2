"""Pete teaches a small language model a voice, overnight, on your Mac."""

__version__ = "0.1.0"
