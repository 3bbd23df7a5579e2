"""Proofs that are remembered: what was shown once of a thing, by this code and with these versions, is not shown again."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pete.machine.probes import or_none
from pete.places import cache_root
from pete.run import write_json


@dataclass(frozen=True)
class Proof:
    """A file in the cache, named after all that the proof depends on; it is there once the proof was given."""

    path: Path

    @classmethod
    def of(cls, kind: str, facts: object, *, files: Iterable[Path], packages: Iterable[str] = (), folder: Path | None = None) -> "Proof":
        """The proof of so much, and nothing else.

        Args:
            kind: begins the file's name.
            facts: what is proven of what, as JSON takes it.
            files: whose contents it depends on, Pete's own code among them; one may be missing.
            packages: whose versions it depends on.
            folder: where proofs are kept; the cache unless given.
        """
        contents = [hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "" for path in files]
        key = json.dumps([facts, contents, [version(name) for name in packages]])
        return cls((folder or cache_root() / "proofs") / f"{kind}-{hashlib.sha256(key.encode()).hexdigest()[:40]}.json")

    def recall(self) -> dict[str, Any] | None:
        """What was kept with it; None where it was not given yet, or its file is damaged."""
        document = or_none(lambda: json.loads(self.path.read_text(encoding="utf-8")))
        return document if isinstance(document, dict) else None

    def keep(self, document: dict[str, Any]) -> None:
        """Remember it; a cache that cannot be written costs the next run the same proof, and this one nothing."""
        or_none(lambda: write_json(self.path, document))
