"""The live view of a run. It reads what the run wrote, opens nothing for writing, and no stage imports it."""
