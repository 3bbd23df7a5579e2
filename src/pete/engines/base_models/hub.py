"""The hub and its cache on this machine: what of a model is here, and fetching the rest.

huggingface_hub keeps the cache and fetches the small files. The weights we fetch into the same cache ourselves, because
its version 2 throws a broken download away, and 2.9 GB over a home line do break: ours goes on where it stopped.
A token is sent only by somebody who has one (HF_TOKEN, or `hf auth login`), and only to the hub, never to where it redirects.
"""

import fcntl
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pete import __version__
from pete.data.tokenizer import check_tokenizer
from pete.engines.base_models.checks import INDEX, OFFER_EMBEDDED, WEIGHTS, refuse_without_config, weight_names, weights_of_another_kind
from pete.errors import BaseModelError
from pete.listener import LISTENER
from pete.places import hub_cache
from pete.words import file_size

SMALL = ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
         "chat_template.jinja", INDEX]  # fmt: skip
US: Any = {"library_name": "pete", "library_version": __version__}
"""What the hub is told of the program that asks."""
SLACK = 10**9
"""Bytes of disk that must be left over: a full disk hurts more than a missing model."""
WAITS = (1.0, 2.0, 4.0, 8.0)
"""Seconds before each new try in a row; after the last one the download is left for later."""
SILENCE = 30.0
"""Seconds without a byte that count as a broken connection."""


@dataclass(frozen=True)
class Listed:
    """A file of a repository, as the hub lists it: size in bytes, and the hash of what is too large for git."""

    path: str
    size: int
    sha256: str | None


def look_up(name: str, revision: str | None) -> tuple[Path, int]:
    """A model's folder in the cache, with config and tokenizer in it, and the bytes of weights that are not there yet.

    Nothing is asked of the hub when the cache can answer; the weights are never fetched here.

    Raises:
        BaseModelError: unknown, closed, not reachable, or without weights that are safe to load.
    """
    hub_cache(os.environ)  # without a place of its own the hub would make a folder called ~
    disable_telemetry()
    folder = _cached(name, revision)
    weights = weight_names(folder) if folder else []
    if folder and weights and all((folder / weight).is_file() for weight in weights):
        return folder, 0
    if folder is None or not _listing(folder):
        folder = _ask(name, revision)
    names = {*_listing(folder), *(path.name for path in folder.glob("*"))}  # of a strange repository nothing may have come
    if "config.json" not in names:
        refuse_without_config(names, name)
    check_tokenizer(names, name)
    return folder, sum(file.size for file in _missing(name, folder))


def fetch(name: str, folder: Path, free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free) -> None:
    """Fetch the weights that `folder` (from look_up) lacks; what an earlier try left is kept and continued.

    Args:
        name: the hub's name, owner/name.
        folder: the snapshot in the cache.
        free: bytes free on the disk of a folder.

    Raises:
        BaseModelError: no room, or the hub went away; with how much is here.
    """
    from huggingface_hub import hf_hub_download

    files = _missing(name, folder)
    blobs = folder.parent.parent / "blobs"
    total, here = sum(file.size for file in files), sum(_here(blobs, file) for file in files)
    room = free(blobs)
    if total - here + SLACK > room:
        raise BaseModelError(
            f"{name} needs {file_size(total - here)} more on the disk of {blobs.parent.parent}, and {file_size(room)} are free.",
            "free some space (1 GB beyond it is left alone), or set HF_HOME to a folder on another disk",
        )
    listener = LISTENER.get()
    listener.message(f"fetching {name}: {file_size(total)}, once" + (f"; {file_size(here)} are here" if here else ""))
    try:
        for file in files:
            others = sum(_here(blobs, other) for other in files if other is not file)
            if file.sha256 is not None:
                _fetch_blob(name, folder.name, file, blobs, lambda done, others=others: listener.progress(name, others + done, total))
            hf_hub_download(name, file.path, revision=folder.name, **US)
    except (KeyboardInterrupt, Exception) as error:
        if isinstance(error, BaseModelError):
            raise
        kept = f"{file_size(sum(_here(blobs, file) for file in files))} of {file_size(total)} are here and kept"
        if isinstance(error, KeyboardInterrupt):
            listener.message(f"stopped: {kept}; the same command goes on from there")
            raise
        raise BaseModelError(
            f"Fetching {name} broke off: {kept} ({_reason(error)}).",
            f"run the same command again: it goes on from there; {OFFER_EMBEDDED}",
        ) from None


def disable_telemetry() -> None:
    """No word to the hub about this machine's packages and programs, none to the screen but ours."""
    from huggingface_hub import constants
    from huggingface_hub.utils import disable_progress_bars, logging

    constants.HF_HUB_DISABLE_TELEMETRY = True  # not by its variable, which is read when transformers imports the hub
    disable_progress_bars()
    logging.set_verbosity_error()


def _cached(name: str, revision: str | None) -> Path | None:
    """The snapshot with all its small files, without asking anybody; None when it is not here."""
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=SMALL, local_files_only=True))
    except Exception:
        return None
    return folder if all((folder / needed).is_file() for needed in ("config.json", "tokenizer.json")) else None


def _listing(folder: Path) -> dict[str, Listed]:
    """What the repository holds at this commit, as the hub said when the small files came; empty when it was never asked."""
    from huggingface_hub._tree_cache import read_tree_cache  # get_cached_repo_tree, its public face, leaves out the sha256

    entries = read_tree_cache(str(folder.parent.parent), folder.name) or {}
    return {path: Listed(path, entry.size, entry.lfs_sha256) for path, entry in entries.items()}


def _missing(name: str, folder: Path) -> list[Listed]:
    listing = _listing(folder)
    wanted = [WEIGHTS] if WEIGHTS in listing else weight_names(folder)
    if not wanted:
        found = weights_of_another_kind(listing) or "no weights"
        raise BaseModelError(
            f"{name} at {folder.name[:12]}: expected {WEIGHTS}, found {found}. No weights were fetched.",
            f"use a revision with safetensors (--set model.revision=...); {OFFER_EMBEDDED}",
        )
    if unknown := [path for path in wanted if path not in listing]:
        raise BaseModelError(f"{name}: its index names {unknown[0]}, which is not there.", f"use another base; {OFFER_EMBEDDED}")
    return [listing[path] for path in wanted if not (folder / path).is_file()]


def _here(blobs: Path, file: Listed) -> int:
    return next((path.stat().st_size for path in (blobs / str(file.sha256), _partial(blobs, file)) if path.is_file()), 0)


def _partial(blobs: Path, file: Listed) -> Path:
    return blobs / f"{file.sha256}.incomplete"


def _fetch_blob(name: str, commit: str, file: Listed, blobs: Path, progress: Callable[[int], None]) -> None:
    """One file of weights into the cache, from where an earlier try stopped; its hash is the one the hub names, or it is not kept."""
    from huggingface_hub import hf_hub_url

    blob, partial = blobs / str(file.sha256), _partial(blobs, file)
    blobs.mkdir(parents=True, exist_ok=True)
    if blob.exists():
        return
    with partial.open("ab") as out:
        try:
            fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            LISTENER.get().message("  another Pete is fetching it; waiting ...")
            fcntl.flock(out, fcntl.LOCK_EX)
        out.seek(0, os.SEEK_END)  # the other one may have come further
        if blob.exists():  # the other one finished: what we have open is the blob by now
            return
        _download(hf_hub_url(name, file.path, revision=commit), out, file.size, progress)
        out.flush()
        os.fsync(out.fileno())
        with partial.open("rb") as whole:
            digest = hashlib.file_digest(whole, "sha256").hexdigest()
        if digest != file.sha256:
            partial.unlink()
            raise BaseModelError(
                f"{file.path} of {name} arrived damaged and was thrown away: expected sha256 {blob.name[:12]}..., found {digest[:12]}...",
                "run the same command again",
            )
        os.replace(partial, blob)


def _download(url: str, out: BinaryIO, size: int, progress: Callable[[int], None]) -> None:
    """Append to `out` until it holds `size` bytes; a broken connection is taken up again where it broke."""
    import httpx2
    from huggingface_hub import get_session
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status

    headers = build_hf_headers(**US) | {"Accept-Encoding": "identity"}
    progress(out.tell())
    failures = 0
    while (have := out.tell()) < size:
        try:
            with get_session().stream("GET", url, headers=headers | {"Range": f"bytes={have}-"}, timeout=SILENCE) as answer:
                hf_raise_for_status(answer)
                if answer.status_code != 206:  # the whole file again: not every server can begin in the middle
                    out.seek(0)
                    out.truncate()
                for chunk in answer.iter_bytes():  # as they come: a chunk size would lose the last, unfilled one
                    out.write(chunk)
                    failures = 0
                    progress(out.tell())
        except (httpx2.TransportError, HfHubHTTPError) as error:
            answered = error.response.status_code if isinstance(error, HfHubHTTPError) else 500
            if failures == len(WAITS) or (answered < 500 and answered != 429):
                raise
            time.sleep(WAITS[failures])
            failures += 1


def _ask(name: str, revision: str | None) -> Path:
    """Fetch the small files; raises BaseModelError with what the hub's answer means."""
    import huggingface_hub.errors as hub
    from huggingface_hub import constants, is_offline_mode, snapshot_download

    at = f"{name} at {revision or 'main'}"
    hf = Path(sys.executable).with_name("hf")  # as it can be pasted
    command = f'hf download {name}{f" --revision {revision}" if revision else ""} --include "*.safetensors" --include "*.json"'
    elsewhere = (
        f"on a machine with a network: {command} --local-dir FOLDER, bring the folder here, and --set model.base=FOLDER; {OFFER_EMBEDDED}"
    )
    if is_offline_mode():
        raise BaseModelError(
            f"{at} is not (wholly) cached here, and HF_HUB_OFFLINE forbids asking the hub.",
            f"unset HF_HUB_OFFLINE and run the same command again; or {elsewhere}",
        )
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=SMALL, **US))
    except Exception as failure:
        cause = failure.__cause__  # what huggingface_hub wraps in "not in the cache either"
        error = cause if isinstance(failure, hub.LocalEntryNotFoundError) and isinstance(cause, Exception) else failure
        token = f"set HF_TOKEN to a token that may read it, or log in once: {hf if hf.is_file() else 'hf'} auth login"
        status = error.response.status_code if isinstance(error, hub.HfHubHTTPError) else 0
        refused = status and error.response.headers.get("X-Error-Message") == "Invalid credentials in Authorization header"  # type: ignore
        match error:
            case hub.HFValidationError():
                message, hint = f"{name!r} is no name of a model on the hub: expected owner/name.", OFFER_EMBEDDED.removeprefix("or ")
            case hub.RevisionNotFoundError():
                message, hint = f"The hub knows {name}, but no revision {revision!r} of it.", "leave out model.revision, or name one it has"
            case hub.GatedRepoError():
                message = f"{name} is gated: its owners let in only people who have accepted their terms ({status})."
                hint = f"accept them at {constants.ENDPOINT}/{name}, then {token}; {OFFER_EMBEDDED}"
            case hub.HfHubHTTPError() if isinstance(error, hub.RepositoryNotFoundError) or (status == 401 and not refused):
                message = f"The hub knows no {name}, or keeps it private ({status})."
                hint = f"check the spelling; if it is private, {token}; {OFFER_EMBEDDED}"
            case hub.HfHubHTTPError() if status in (401, 403):
                message = f"The hub does not let you read {name} ({'it does not know your token' if refused else status})."
                hint = f"{token}; {OFFER_EMBEDDED}"
            case _:
                message = f"{at} is not (wholly) cached here and the hub cannot be reached ({_reason(error)})."
                hint = f"run the same command when it can; or {elsewhere}"
        raise BaseModelError(message, hint) from None


def _reason(error: Exception) -> str:
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    match error:
        case HfHubHTTPError():
            return f"it answered {error.response.status_code}"
        case httpx2.TimeoutException():
            return "no answer in time"
        case httpx2.ConnectError():
            return "no connection"
        case httpx2.TransportError():
            return "the connection broke"
        case OSError(strerror=str(said)) if said:
            return said
        case _:
            return type(error).__name__
