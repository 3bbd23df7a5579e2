"""Examples -> checked rows -> split -> token ids with a loss mask -> batches."""
