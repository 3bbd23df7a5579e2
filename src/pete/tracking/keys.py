"""Whether W&B has a key here, found the way W&B finds it, without importing it: that takes seconds and memory."""

import configparser
import netrc
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

CLOUD = ("api.wandb.ai", "api.forge.coreweave.com")  # the second is where wandb 0.31 sends by default


def has_key(environ: Mapping[str, str], home: Path | None) -> bool:
    """Whether the environment, W&B's settings file or a netrc file holds a key for the server in use."""
    if environ.get("WANDB_API_KEY") or environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    home = home or Path(os.devnull)  # nothing is found below it
    settings = _settings(Path(os.path.expanduser(environ.get("WANDB_CONFIG_DIR") or home / ".config" / "wandb")) / "settings")
    if settings.get("api_key"):
        return True
    server = urlsplit(environ.get("WANDB_BASE_URL") or settings.get("base_url") or "").netloc
    hosts = (server,) if server and server not in CLOUD else CLOUD
    places = [Path(os.path.expanduser(environ["NETRC"]))] if environ.get("NETRC") else [home / ".netrc", home / "_netrc"]
    return any(_in_netrc(path, hosts) for path in places)


def _settings(path: Path) -> Mapping[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(path, encoding="utf-8")
        return parser["default"]
    except (configparser.Error, KeyError, OSError, UnicodeDecodeError):
        return {}


def _in_netrc(path: Path, hosts: tuple[str, ...]) -> bool:
    try:
        entries = netrc.netrc(path)
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        return False
    return any(found is not None and bool(found[2]) for found in map(entries.authenticators, hosts))
