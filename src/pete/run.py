"""The run folder: its file names, its lock and its logs; files are written whole or not at all."""

import errno
import fcntl
import json
import logging
import os
import shlex
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pete.config import Resolved, read_resolved
from pete.errors import RunError
from pete.events import Event, to_line
from pete.places import expand
from pete.resources import INSTALLED, PROJECT
from pete.terminal import scrub

RUNS = expand(os.environ.get("PETE_RUNS") or (Path() if INSTALLED else PROJECT) / "runs")


def write_atomic(path: Path, content: str | bytes, mode: int = 0o666) -> None:
    """Replace `path` in one step: a reader, or a power cut, sees the old file or the new one, never half of it.

    `mode` is who may read it, from its first byte on: 0o600 for what is nobody else's.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(aside, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(content.encode() if isinstance(content, str) else content)
            sync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync(descriptor: int) -> None:
    """Put a file on the drive. macOS fsync leaves it in the drive's cache; F_FULLFSYNC does not."""
    full = getattr(fcntl, "F_FULLFSYNC", None)
    if full is None:
        os.fsync(descriptor)
        return
    try:
        fcntl.fcntl(descriptor, full)
    except OSError:  # network and FAT volumes do not know it
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Put a folder's entries (names, renames) on the drive."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network volumes do not know it for folders
            raise
    finally:
        os.close(descriptor)


def sync_files(folder: Path) -> None:
    """Put a flat folder on the drive: what is in each file, then the names."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            sync(file.fileno())
    sync_folder(folder)


class RunDir:
    """One run on disk. Properties are paths; methods read and write what is behind them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config_file = folder / "config.toml"
        self.events_file = folder / "events.jsonl"
        self.log_file = folder / "train.log"
        self.errors_file = folder / "errors.jsonl"
        self.data = folder / "data"
        self.checkpoints = folder / "checkpoints"
        self.adapter = folder / "adapter"
        self.evaluations = folder / "evaluations"
        self.prompts_trial = folder / "prompts-try.json"
        self.wandb = folder / "wandb"
        self.wandb_state = self.wandb / "run.json"
        self.wandb_log = self.wandb / "sidecar.log"
        self.report_html = folder / "report.html"
        self.report_md = folder / "report.md"

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.folder.name

    @property
    def cli_argument(self) -> str:
        """The run as one word of a command line: its name where that is enough, else its quoted folder."""
        return shlex.quote(self.name if self.folder.parent == RUNS else str(self.folder))

    @classmethod
    def create(cls, out: Path | None, label: str) -> "RunDir":
        """Make a new run folder: `out`, or runs/<date>-<label>.

        Raises:
            RunError: the folder exists and holds something, or cannot be written.
        """
        folder = out if out is not None else unused(RUNS / f"{time.strftime('%Y%m%d-%H%M%S')}-{label}")
        try:
            refuse_taken(folder)
            folder.mkdir(parents=True, exist_ok=True)
            _try_to_write(folder)
        except OSError as error:
            raise _unwritable(folder, error) from None
        return cls(folder)

    @classmethod
    def find(cls, name: str | None) -> "RunDir":
        """A run by folder, by name below runs/, or the newest.

        Raises:
            RunError: there is none, with the ones that exist.
        """
        known = sorted(RUNS.glob("*/config.toml"), key=lambda path: path.stat().st_mtime, reverse=True)
        if name is None:
            if known:
                return cls(known[0].parent)
            raise RunError(f"There is no run in {RUNS} yet.", "pete quickstart makes one in minutes")
        if cls.exists(name):
            here = Path(name).expanduser()
            return cls(here if (here / "config.toml").is_file() else RUNS / name)
        names = ", ".join(path.parent.name for path in known[:5])
        raise RunError(
            f"There is no run {name!r}: no {Path(name) / 'config.toml'}, and none of that name in {RUNS}.",
            f"newest runs: {names}" if names else "pete quickstart makes one in minutes",
        )

    @staticmethod
    def exists(name: str) -> bool:
        """Whether a word names a run; a long prompt is no file name at all."""
        try:
            return any((folder / "config.toml").is_file() for folder in (Path(name).expanduser(), RUNS / name))
        except (OSError, RuntimeError, ValueError):  # "~50 words": no user is called that
            return False

    def require_writable(self) -> None:
        """See that results can be kept here, before they are worked for.

        Raises:
            RunError: the run, or a folder in it that is written to, is read-only.
        """
        for folder in (self.folder, self.evaluations, self.checkpoints):
            try:
                if folder.is_dir():
                    _try_to_write(folder)
            except OSError as error:
                raise RunError(
                    f"{folder} cannot be written: {error.strerror}.",
                    f"work in a copy that is yours: cp -R {shlex.quote(str(self.folder))} FOLDER; or make this one writable",
                ) from None

    # --- configuration -------------------------------------------------------------------------------------------

    def write_config(self, resolved: Resolved) -> None:
        """Save the resolved configuration with the source of each value; its folders as seen from here or from home."""
        write_atomic(self.config_file, resolved.portable(self.folder).to_toml())

    def read_config(self) -> Resolved:
        """The configuration the run was started with; its folders absolute, whether they are still there or not."""
        return read_resolved(self.config_file)

    # --- logs ----------------------------------------------------------------------------------------------------

    def append_event(self, event: Event) -> None:
        """Add one line to events.jsonl; half a line that a power cut left stays a line of its own."""
        with self.events_file.open("a+b") as file:
            torn = file.seek(0, os.SEEK_END) > 0 and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n"
            file.write((b"\n" if torn else b"") + self.without_places(to_line(event)).encode())

    @contextmanager
    def logging(self) -> Iterator[logging.Logger]:
        """A logger that writes train.log with timestamps, for as long as the block lasts."""
        logger = logging.getLogger(f"pete.run.{id(self)}")
        logger.setLevel(logging.INFO)
        logger.propagate = False
        handler = logging.FileHandler(self.log_file, encoding="utf-8")
        handler.handleError = lambda record: None  # a full drive is told where it matters, not a traceback a line
        handler.setFormatter(formatter := logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        handler.format = lambda record: scrub(self.without_places(formatter.format(record)))
        logger.addHandler(handler)
        try:
            yield logger
        finally:
            logger.removeHandler(handler)
            with suppress(OSError):  # what a full drive did not take
                handler.close()

    def record_error(self, error: BaseException) -> None:
        """Add a failure, with its traceback, to errors.jsonl."""
        record = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "kind": type(error).__name__,
            "message": self.without_places(str(error)),
            "traceback": [self.without_places(part) for part in traceback.format_exception(error)],
        }
        with self.errors_file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")

    def without_places(self, text: str) -> str:
        """Text as it may leave this machine with the run: paths from the run, the checkout or the home folder on."""
        home = os.path.expanduser("~")
        for place, name in ((self.folder.parent, ""), (self.folder.resolve().parent, ""), (PROJECT, ""), (home, "~/")):
            text = text.replace(f"{place}/", name) if len(str(place)) > 1 else text
        return text

    # --- files ---------------------------------------------------------------------------------------------------

    def split_file(self, split: str) -> Path:
        """data/train.jsonl, data/valid.jsonl or data/test.jsonl."""
        return self.data / f"{split}.jsonl"

    @property
    def manifest_file(self) -> Path:
        """What the data was made of: counts and hashes."""
        return self.data / "manifest.json"

    @property
    def persona_file(self) -> Path:
        """The persona.toml as it was when the run began; resume, judge and report need no other."""
        return self.data / "persona.toml"

    @property
    def prompts_file(self) -> Path:
        """The persona's held-out prompts as they were when the run began."""
        return self.data / "prompts.jsonl"

    def evaluation_file(self, name: str) -> Path:
        """evaluations/<name>.json."""
        return self.evaluations / f"{name}.json"

    def all_evaluations(self, task: str = "write") -> list[Path]:
        """Evaluations of a task, the one written last at the end; those of rewriting are called rewrite or rewrite-NAME.

        Records of blind tests, and what another run asked, are none of its own.
        """
        own = [path for path in self.evaluations.glob("*.json") if not path.name.startswith(("blind-", "against-"))]
        found = (path for path in own if (path.stem == "rewrite" or path.stem.startswith("rewrite-")) == (task == "rewrite"))
        return sorted(found, key=lambda path: path.stat().st_mtime)

    @property
    def judge_cache(self) -> Path:
        """Answers of judges, one file a request, by the request's hash."""
        return self.evaluations / "judge-cache"

    def newest_evaluation(self, task: str = "write") -> Path | None:
        """The evaluation of a task that was written last, if any."""
        return next(reversed(self.all_evaluations(task)), None)

    def lock_owner_pid(self) -> int | None:
        """The process that trains into this run right now, if one does."""
        path = self.folder / ".lock"
        try:
            with path.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except OSError:
                    return int(file.read().strip() or 0)
        except (OSError, ValueError):
            pass
        return None

    def taken(self, lock_owner_pid: int | str) -> RunError:
        """What to say when another process trains into this run."""
        return RunError(
            f"{self.folder} is being trained by process {lock_owner_pid}.",
            f"watch it: pete monitor {self.cli_argument}; or stop that process first",
        )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run: two processes must not train into one folder.

        Raises:
            RunError: somebody else holds it.
        """
        with (self.folder / ".lock").open("a+") as file:
            for left in reversed(range(20)):  # somebody who only looks (`lock_owner_pid`) is gone in a moment
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:
                    if left:
                        time.sleep(0.05)
                        continue
                    file.seek(0)
                    raise self.taken(file.read().strip() or "unknown") from None
            file.seek(0)
            file.truncate()
            file.write(str(os.getpid()))
            file.flush()
            yield


def write_json(path: Path, document: Any) -> None:
    """Write a JSON document whole or not at all."""
    write_atomic(path, json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def refuse_taken(folder: Path) -> None:
    """Raise RunError where a new run cannot have this folder: it holds something, or cannot be looked into."""
    try:
        taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as error:
        raise _unwritable(folder, error) from None
    if taken:
        raise RunError(
            f"{folder} already exists and is not empty.",
            f"choose another --out, or go on with that run: pete resume {shlex.quote(str(folder))}",
        )


def _unwritable(folder: Path, error: OSError) -> RunError:
    return RunError(f"{folder} cannot be written: {error.strerror}.", "choose another folder with --out")


def _try_to_write(folder: Path) -> None:
    """Make a file and remove it.

    Raises:
        OSError: it cannot be made.
    """
    probe = folder / f".writable-{os.getpid()}"
    probe.write_bytes(b"")
    probe.unlink()


def unused(folder: Path) -> Path:
    """The path itself, or with the first number behind it that is not taken."""
    candidate, number = folder, 2
    while candidate.exists():
        candidate, number = folder.with_name(f"{folder.name}-{number}"), number + 1
    return candidate
