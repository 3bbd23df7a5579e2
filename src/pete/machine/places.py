"""Where things that outlive a run are kept: our own cache, and the hub's."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def cache_root(environment: Mapping[str, str] = os.environ, platform: str = sys.platform, home: Path | None = None) -> Path:
    """Where converted models and the self-test's answers are kept."""
    home = home or Path.home()
    if "PETE_CACHE" in environment:
        return Path(environment["PETE_CACHE"])
    if platform == "darwin":
        return home / "Library" / "Caches" / "pete"
    return Path(environment.get("XDG_CACHE_HOME") or home / ".cache") / "pete"


def hub_cache(environment: Mapping[str, str], home: Path) -> Path:
    """Where huggingface_hub keeps downloads, by its own rules, without the import."""
    if "HF_HUB_CACHE" in environment:
        return Path(environment["HF_HUB_CACHE"])
    hub_home = environment.get("HF_HOME") or Path(environment.get("XDG_CACHE_HOME") or home / ".cache") / "huggingface"
    return Path(hub_home) / "hub"
