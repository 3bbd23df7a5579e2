"""Prompts for texts that answer nobody: a model writes what asks for each, and only what holds against the text is kept."""
