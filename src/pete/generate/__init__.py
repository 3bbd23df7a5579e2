"""Answers: ids to text, safely, and why each one ended."""
