"""Examples in, adapter out: schedule, loop, checkpoints, and the session that ties them to a run folder."""
