"""Rewrite: a draft in, the same in the author's voice, with what was kept, what was lost and what had to stay."""

import codecs
import hashlib
import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pete.adapter import WEIGHTS
from pete.app.notify import Notify
from pete.config import GenerateConfig
from pete.data.examples import Example, Message, load_examples, written
from pete.data.language import language_of
from pete.data.passages import Room
from pete.data.rewriting import rewrite_request
from pete.data.sources.decode import decode, encoding_of
from pete.data.sources.record import Unreadable
from pete.engines.sentence import Embedder
from pete.errors import DataError, UserError
from pete.evaluate.score import voice_before
from pete.generate.meaning import Meaning, compare
from pete.generate.rewrite.choose import Chosen, Draw, Strength
from pete.generate.rewrite.prose import CONTROL
from pete.generate.rewrite.rewriter import Plan, Rewriter, Rewritten, prose_of, rewritten
from pete.generate.stream import Tuned
from pete.places import cache_root
from pete.run import RunDir, write_atomic
from pete.words import counted, roughly

ROWS = 400
"""Rows of either kind that the voice is learned from; of more, every nth."""
FULL = 0.95
"""Share of the rows that are no longer than a passage."""
SHORTEST = 48
"""Tokens of a passage at the least: a run of taglines still takes whole sentences."""
LANGUAGE = 0.02
"""Share of the rows that make a language one of the author's: a line in another may only look like it."""
KEPT_DAYS = 7
"""After so long what was drawn is forgotten."""
LONG = 180
"""Seconds of work from which on it is said how long it will take."""
BINARY = 0.05
"""Share of control characters from which on a file is no text."""
PLAIN = (".txt", ".text", ".log", ".eml")


@dataclass(frozen=True)
class DraftText:
    """A draft as it was read."""

    text: str
    markdown: bool
    mark: str
    """The byte order mark that stood in front of it, or nothing."""
    encoding: str


def read_draft(data: bytes, name: str) -> DraftText:
    """A file's bytes, or what came on stdin, as text; plain text where the file's name says so, else Markdown.

    Raises:
        DataError: it is no text. UserError: there is nothing in it to rewrite.
    """
    try:
        encoding = encoding_of(data[: 1 << 16], name, whole=len(data) <= 1 << 16)
        text = decode(data, name)
        if len(CONTROL.findall(text)) > BINARY * len(text):
            raise Unreadable(f"{name}: more control characters than a text has")
    except Unreadable as error:
        raise DataError(f"{error}.", "give plain text or Markdown; of a Word file or a PDF, paste the text: pete rewrite -") from None
    markdown = not name.lower().endswith(PLAIN)
    prose_of(text, markdown=markdown)
    mark = "\ufeff" if data.startswith(codecs.BOM_UTF8) else ""
    return DraftText(text, markdown, mark, "utf-8" if mark else encoding)


def open_rewriter(tuned: Tuned, run: RunDir, notify: Notify) -> Rewriter:
    """A run's model with all that its rewrites are judged by.

    Raises:
        DataError: the sentence model is missing.
    """
    try:
        rows = load_examples([run.split_file("train")])
    except DataError:  # a run may have come without them
        rows = []
    drafts = [row for row in rows if row.task == "rewrite"]
    own = written(rows)
    if not drafts:
        notify.message(
            f"{run.name} was trained to write, not to rewrite: it does what it can, loses more, and more of the draft will stay. "
            "Drafts are made by pete data pairs --task rewrite, and learned from where data.rewrite_share is above 0.",
            "note",
        )
    voice = voice_before(_some(own), _some(drafts))
    if voice is None:
        notify.message("There is too little of the author's text to tell a voice by: what keeps its meaning is taken.", "note")
    embed = Embedder()

    def compared(draft: str, rewrite: str) -> Meaning:
        return compare(draft, rewrite, embed)

    return Rewriter(tuned, compared, voice, _room(tuned, drafts or own, bool(drafts)), _languages(own))


def _some(rows: Sequence[Example]) -> Sequence[Example]:
    return rows[:: -(-len(rows) // ROWS)] if rows else rows


def _room(tuned: Tuned, rows: Sequence[Example], rewriting: bool) -> Room:
    """Room for as long a draft as nearly all rows of training are; for both the request and the answer there is room in the context."""

    def count(text: str) -> int:
        return len(tuned.renderer.encode(text))

    lengths = sorted(count(row.prompt if rewriting else row.completion) for row in _some(rows)) or [SHORTEST]
    asked = len(tuned.renderer.answer_ids(tuned.formatter([Message("user", rewrite_request("."))], "")))
    return Room(count, max(SHORTEST, min(lengths[int(FULL * (len(lengths) - 1))], (tuned.renderer.context - asked) // 3)))


def _languages(rows: Sequence[Example]) -> frozenset[str]:
    found = [language_of(row.completion) for row in _some(rows)]
    return frozenset(name for name in set(found) - {""} if found.count(name) >= max(1.0, LANGUAGE * len(found)))


class Drawn:
    """What was drawn before with the same model and settings, in a file that only its owner reads: a long text goes on where it ended."""

    def __init__(self, run: RunDir, sampling: GenerateConfig, strength: Strength) -> None:
        """Find it; forget what is older than a week."""
        with (run.adapter / WEIGHTS).open("rb") as file:
            weights = hashlib.file_digest(file, "sha256").hexdigest()
        settings = f"{weights}{strength.sampling(sampling).model_dump_json()}{strength.draws}"
        folder = cache_root() / "rewrites"
        self._file = folder / f"{hashlib.sha256(settings.encode()).hexdigest()[:24]}.jsonl"
        for old in folder.glob("*.jsonl"):
            with suppress(OSError):
                if time.time() - old.stat().st_mtime > KEPT_DAYS * 86400:
                    old.unlink()
        self._known: dict[str, list[Draw]] = {}
        with suppress(OSError):
            for line in self._file.read_text(encoding="utf-8").splitlines():
                with suppress(ValueError, TypeError, KeyError):  # half a line, which a power cut left
                    row = json.loads(line)
                    self._known[row["passage"]] = [Draw(text, stop) for text, stop in row["draws"]]

    def of(self, text: str) -> list[Draw] | None:
        """The rewrites of a passage, if there are any."""
        return self._known.get(_hash(text))

    def keep(self, text: str, draws: Sequence[Draw]) -> None:
        """Keep them; where they cannot be kept, the work goes on without."""
        line = json.dumps({"passage": _hash(text), "draws": [[draw.text, draw.stop] for draw in draws]}, ensure_ascii=False)
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(self._file, "a", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(line + "\n")


def _hash(text: str) -> str:
    return hashlib.sha256(rewrite_request(text).encode()).hexdigest()


def rewrite(rewriter: Rewriter, plan: Plan, strength: Strength, notify: Notify, drawn: Drawn | None = None) -> Rewritten:
    """Passage by passage; what was drawn before is not drawn again."""
    chosen: list[Chosen] = []
    began, new, told = time.monotonic(), 0, False
    for passage in plan.passages:
        notify.progress("passages", len(chosen), len(plan.passages))
        draws = drawn.of(passage.text) if drawn else None
        if draws is None:
            draws = rewriter.draw(passage, strength)
            new += 1
            if drawn:
                drawn.keep(passage.text, draws)
        chosen.append(rewriter.choose(passage, draws, strength))
        left = len(plan.passages) - len(chosen)
        seconds = (time.monotonic() - began) / max(1, new) * left
        if drawn and not told and new and seconds > LONG:
            told = True
            notify.message(
                f"{counted(plan.words, 'word')}: about {roughly(seconds)} more. Stop it when you like: the same command goes on from there."
            )
    notify.progress("passages", len(chosen), len(plan.passages))
    return rewritten(plan, chosen)


def write_page(path: Path, page: str) -> None:
    """Keep a page; raises UserError where it cannot be written."""
    try:
        write_atomic(path, page, 0o600)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.", "choose another place: --html FILE") from None
