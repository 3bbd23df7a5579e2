"""Folders outside a run: the home folder, Pete's cache and settings, the hub's cache and its layout."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from pete.errors import UserError
from pete.resources import INSTALLED, PERSONAS

_SNAPSHOT = re.compile(r"(?:^|/)models--([^/]+)/snapshots/([0-9a-f]+)/?$")


def known_home() -> Path | None:
    """The home folder; None for a user without a name where HOME is not set, as in a container."""
    try:
        return Path.home() if os.environ.get("HOME") != "" else None
    except RuntimeError:
        return None


def home_folder(home: Path | None = None) -> Path:
    """The home folder, where nothing else says the place.

    Raises:
        UserError: there is none.
    """
    if (found := home or known_home()) is not None:
        return found
    raise UserError(
        "There is no home folder: HOME is not set, and this user has no name.",
        "set HOME; or give PETE_CACHE, PETE_RUNS and HF_HOME (bases of the hub) a whole path each",
    )


def expand(path: str | Path) -> Path:
    """A path as somebody typed it, with the home folder in place of ~. No shell does that in a settings file or behind an `=`.

    Raises:
        UserError: there is no such home folder.
    """
    text = os.fspath(path)
    if not text.startswith("~"):
        return Path(text)
    try:
        return Path(text).expanduser()
    except RuntimeError:
        user = text[1:].partition("/")[0]
        if not user:
            home_folder()
        raise UserError(
            f"{text}: there is no home folder of a user {user!r}.", f"write the whole path; where it is a name that begins with ~: ./{text}"
        ) from None


def seen_from(folder: Path, value: str) -> str:
    """A whole path from home on, else as a way from `folder` to there; anything else as it is."""
    if not os.path.isabs(value):
        return value
    path, home = Path(os.path.realpath(value)), Path(os.path.realpath(os.path.expanduser("~")))
    if path.is_relative_to(home):
        return f"~/{path.relative_to(home)}"
    way = os.path.relpath(path, os.path.realpath(folder))
    return way if way.startswith(".") else f"./{way}"


def cache_root(environment: Mapping[str, str] = os.environ, platform: str = sys.platform, home: Path | None = None) -> Path:
    """Where converted models and the self-test's answers are kept.

    Raises:
        UserError: nothing says where, and there is no home folder.
    """
    if given := environment.get("PETE_CACHE"):
        return expand(given)
    if platform == "darwin":
        return home_folder(home) / "Library" / "Caches" / "pete"
    return _xdg_cache(environment, home) / "pete"


def config_root(environment: Mapping[str, str] = os.environ, platform: str = sys.platform, home: Path | None = None) -> Path:
    """Where what must outlive the cache is kept: the server's key.

    Raises:
        UserError: nothing says where, and there is no home folder.
    """
    if given := environment.get("PETE_CONFIG"):
        return expand(given)
    if platform == "darwin":
        return home_folder(home) / "Library" / "Application Support" / "pete"
    given = environment.get("XDG_CONFIG_HOME")
    return (expand(given) if given else home_folder(home) / ".config") / "pete"


def own_personas(environment: Mapping[str, str] = os.environ, *, installed: bool = INSTALLED) -> Path:
    """Where personas are made: personas/ of a checkout; with an installed Pete, beside what else must outlive the cache.

    Raises:
        UserError: nothing says where, and there is no home folder.
    """
    if given := environment.get("PETE_PERSONAS"):
        return expand(given)
    return config_root(environment) / "personas" if installed else PERSONAS


def hub_cache(environment: Mapping[str, str], home: Path | None = None) -> Path:
    """Where huggingface_hub keeps downloads, by its own rules, without the import.

    Raises:
        UserError: nothing says where, and there is no home folder.
    """
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if name in environment:
            return expand(os.path.expandvars(environment[name]))
    if "HF_HOME" in environment:
        return expand(os.path.expandvars(environment["HF_HOME"])) / "hub"
    return _xdg_cache(environment, home) / "huggingface" / "hub"


def is_hub_id(base: str) -> bool:
    """Whether a base is a name on the hub (owner/name) and not a folder; a folder of that name is looked for before."""
    return base.count("/") == 1 and not base.startswith((".", "/", "~"))


def hub_folder(hub_id: str) -> str:
    """How the hub's cache names the folder of owner/name."""
    return f"models--{hub_id.replace('/', '--')}"


def hub_id_of(snapshot: str) -> tuple[str, str] | None:
    """(owner/name, commit) of a snapshot's folder in some hub's cache; None for any other path."""
    found = _SNAPSHOT.search(snapshot)
    return (found[1].replace("--", "/", 1), found[2]) if found else None


def _xdg_cache(environment: Mapping[str, str], home: Path | None) -> Path:
    given = environment.get("XDG_CACHE_HOME")
    return expand(given) if given else home_folder(home) / ".cache"
