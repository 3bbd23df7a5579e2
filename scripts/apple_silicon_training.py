#!/usr/bin/env python3
"""The report's training script: `./pete train --preset report`, or another preset or file if one is named. Any Python 3 will do."""

import os
import sys

PETE = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "pete")

if __name__ == "__main__":
    if not os.access(PETE, os.X_OK):
        sys.exit("There is no program " + PETE + ": this script works from the scripts folder of a checkout of Pete.")
    chosen = any(word.split("=")[0] in ("--preset", "--config") for word in sys.argv[1:])
    os.execv(PETE, [PETE, "train", *([] if chosen else ["--preset", "report"]), *sys.argv[1:]])
