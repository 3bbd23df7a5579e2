"""`python -m pete.tracking RUNFOLDER MODE`: the process that reads the events and sends the numbers; see sidecar.py."""

import os
import sys
from pathlib import Path

from pete.run import RunDir
from pete.tracking.follow import follow_run

if __name__ == "__main__":
    os._exit(follow_run(RunDir(Path(sys.argv[1])), sys.argv[2], sys.stdin.fileno()))  # nothing W&B has left for later, which could hang
