"""MLX: so far only what reads an export back; training on it is another matter."""
