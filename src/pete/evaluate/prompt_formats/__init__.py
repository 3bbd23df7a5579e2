"""Prompt formats tried on a trained model; optional: the evaluation does without this folder."""
