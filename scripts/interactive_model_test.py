#!/usr/bin/env python3
"""The report's interactive script: `./pete chat`, by its old name. Any Python 3 will do; Pete brings its own."""

import os
import sys

PETE = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "pete")

if __name__ == "__main__":
    if not os.access(PETE, os.X_OK):
        sys.exit("There is no program " + PETE + ": this script works from the scripts folder of a checkout of Pete.")
    os.execv(PETE, [PETE, "chat", *sys.argv[1:]])
