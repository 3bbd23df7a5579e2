"""One way, in its own process: python -m pete.engines.bench WAY FOLDER, with orders on stdin and answers on stdout."""

import os
import pkgutil
import sys
import traceback
from pathlib import Path

from pete.engines import set_environment
from pete.engines.bench import WAYS
from pete.engines.bench.job import Job
from pete.engines.bench.pace import Pace


def main() -> int:
    """Run it until there are no more orders; 1 when it failed, with the reason as the last answer."""
    name, folder = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a trainer prints belongs to the log
    pace = Pace(sys.stdin, answers)
    try:
        job = Job.read(Path(folder))
        set_environment(job.config, "llama" if name == "llama" else "torch")
        pkgutil.resolve_name(WAYS[name].runs)(job, pace)
    except Exception as error:  # other people's code: it may fail in any way, and the others go on
        traceback.print_exc()
        pace.failed(f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
