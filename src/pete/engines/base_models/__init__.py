"""Base models: the embedded one, a folder, the Hugging Face hub."""
