"""GGUF: a base with an adapter in it as the one file that llama.cpp, Ollama and LM Studio read."""

from pete.engines.gguf.kinds import KINDS
from pete.engines.gguf.known import check_ours, is_ours
from pete.engines.gguf.write import write_gguf

__all__ = ["KINDS", "check_ours", "is_ours", "write_gguf"]
