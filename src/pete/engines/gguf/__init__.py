"""GGUF: a base with an adapter in it as the one file that llama.cpp, Ollama and LM Studio read."""
