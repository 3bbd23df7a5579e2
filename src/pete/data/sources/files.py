"""The files of a source: a file, a folder or a zip (zips inside it too), by names that leave no folder and sizes that fill no disk."""

import io
import lzma
import os
import re
import stat
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from pete.errors import DataError

HEAD = 1 << 16
"""Bytes of a file's beginning by which a reader recognises it."""
MOST_FILES = 500_000
LARGEST = 50 << 30
"""Bytes that all files of one zip may have unpacked."""
RATIO = 200
"""Unpacked bytes a packed one, beyond the first 64 MiB: text packs 3 to 20 times, bombs a thousand."""
NESTED = 3
"""Zips inside zips."""
_HEADS = 32
DAMAGED = (OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError)
"""What opening and reading a file may raise, in a zip or out of one."""
WHOLE = 1 << 30
"""Bytes of a file that a reader may take into memory at once."""

_LITTER = re.compile(r"(?:^|/)(?:__MACOSX/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$|~\$|\.git/|\.obsidian/|\.trash/)", re.IGNORECASE)
"""What file managers and programs leave; nobody's words."""


@dataclass(frozen=True)
class SourceFile:
    """One file of a source."""

    name: str
    """Its path below the source, with / and composed letters (NFC); in a zip of a zip "inner.zip/a.txt"."""
    size: int
    source: "Source" = field(repr=False)
    _open: Callable[[], BinaryIO] = field(repr=False)

    @property
    def label(self) -> str:
        """For people: the source's own name, and the path below it."""
        return self.source.name if self.name == self.source.name else f"{self.source.name}/{self.name}"

    @property
    def suffix(self) -> str:
        """The ending of the name, small: ".csv"."""
        return os.path.splitext(self.name)[1].lower()

    @property
    def basename(self) -> str:
        """The last part of the name."""
        return self.name.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The path of the folder it lies in, below the source; empty at the top."""
        return self.name.rpartition("/")[0]

    def open(self) -> BinaryIO:
        """Its bytes, as a stream that reads forward; close it.

        Raises:
            OSError: it cannot be read. zipfile.BadZipFile: the zip is damaged there.
        """
        return self._open()

    @property
    def head(self) -> bytes:
        """The first 64 KiB; nothing where they cannot be read, which `open` and `read` say: no other file is to be lost with it.

        The last few files' are kept: every reader asks for them, and a mailbox may have a file a mail.
        """
        kept = self.source.heads
        if (head := kept.get(self.name)) is None:
            try:
                with self.open() as stream:
                    head = stream.read(HEAD)
            except DAMAGED:
                head = b""
            kept[self.name] = head
            if len(kept) > _HEADS:
                del kept[next(iter(kept))]
        return head

    def read(self, most: int = WHOLE) -> bytes:
        """All of it.

        Raises:
            DataError: it is larger than `most`.
        """
        if self.size > most:
            raise DataError(f"{self.label} has {self.size:,} bytes, more than the {most:,} that can be read at once.", "split it")
        with self.open() as stream:
            data = stream.read(most + 1)
        if len(data) > most:
            raise DataError(f"{self.label} has more than {most:,} bytes.", "split it")
        return data

    def beside(self, *names: str) -> "SourceFile | None":
        """The file of one of these names (blind to capitals) in the same folder."""
        wanted = {unicodedata.normalize("NFC", f"{self.folder}/{name}".lstrip("/")).casefold() for name in names}
        return next((found for name in wanted if (found := self.source.by_name.get(name))), None)


class Source:
    """All files of one path that the user named. A context: what was unpacked goes away at its end."""

    def __init__(self, path: Path) -> None:
        """Look at what there is.

        Raises:
            DataError: there is nothing of that name, it cannot be read, or its zip is broken or a bomb.
        """
        self.path = path
        self.name = unicodedata.normalize("NFC", path.name or path.resolve().name)
        self.passed_over: list[tuple[str, str]] = []
        """Files that are not read, and why: links, names that leave the folder, encrypted ones."""
        self.heads: dict[str, bytes] = {}
        """Beginnings of the files that were asked for last."""
        self._stack = ExitStack()
        try:
            mode = path.stat().st_mode
            if stat.S_ISDIR(mode):
                self.files: Sequence[SourceFile] = list(self._walk(path))
            elif not stat.S_ISREG(mode):
                raise DataError(f"{path} is neither a file nor a folder.", "name the export's file, or its folder")
            elif zipfile.is_zipfile(path) and not _is_document(path):
                self.files = list(self._unzip(self._stack.enter_context(path.open("rb")), "", 0))
            else:
                self.files = [SourceFile(self.name, path.stat().st_size, self, lambda: path.open("rb"))]
        except FileNotFoundError:
            raise DataError(f"There is no {path}.", "give the path of a file, a folder or a zip") from None
        except (OSError, zipfile.BadZipFile) as error:
            self.close()
            reason = error.strerror if isinstance(error, OSError) else error
            raise DataError(f"{path} cannot be read: {reason}.", "download it again, or unpack it and give the folder") from None
        except BaseException:
            self.close()
            raise
        self.by_name = {file.name.casefold(): file for file in self.files}

    def __enter__(self) -> "Source":
        """The source itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close what is open, remove what was unpacked."""
        self.close()

    def close(self) -> None:
        """Close what is open, remove what was unpacked."""
        self._stack.close()

    def below(self, folder: str) -> Iterator[SourceFile]:
        """The files of a folder and of those in it."""
        start = f"{folder}/" if folder else ""
        return (file for file in self.files if file.name.startswith(start))

    def _walk(self, root: Path) -> Iterator[SourceFile]:
        seen = 0
        for folder, folders, names in os.walk(root, onerror=_raise):
            folders.sort()
            for name in [*folders, *sorted(names)]:
                path = Path(folder, name)
                shown = unicodedata.normalize("NFC", path.relative_to(root).as_posix())
                if path.is_symlink():
                    self.passed_over.append((shown, "a link; only what lies in the folder itself is read"))
                    if name in folders:
                        folders.remove(name)
                elif name not in folders and not _LITTER.search(shown) and path.is_file():
                    seen += 1
                    if seen > MOST_FILES:
                        raise DataError(f"{root} holds more than {MOST_FILES:,} files.", "give the folder that holds the writing")
                    if zipfile.is_zipfile(path) and not _is_document(path):
                        yield from self._inner(path.open("rb"), shown, 1)
                    else:
                        yield SourceFile(shown, path.stat().st_size, self, lambda path=path: path.open("rb"))

    def _inner(self, stream: BinaryIO, shown: str, depth: int) -> Iterator[SourceFile]:
        """The files of a zip inside a folder or a zip; a broken one is passed over by name."""
        try:
            yield from self._unzip(self._stack.enter_context(stream), f"{shown}/", depth)
        except (zipfile.BadZipFile, DataError) as error:
            self.passed_over.append((shown, f"a zip that cannot be read: {error}"))

    def _unzip(self, stream: BinaryIO, below: str, depth: int) -> Iterator[SourceFile]:
        archive = self._stack.enter_context(zipfile.ZipFile(stream))
        members = [member for member in archive.infolist() if not member.is_dir()]
        unpacked, packed = sum(m.file_size for m in members), sum(m.compress_size for m in members)
        if unpacked > LARGEST or unpacked > (64 << 20) + RATIO * packed:
            raise DataError(
                f"{below or self.path} would unpack to {unpacked:,} bytes from {packed:,}: that is no export.",
                "unpack it yourself if you trust it, and give the folder",
            )
        if len(members) > MOST_FILES:
            raise DataError(f"{below or self.path} holds more than {MOST_FILES:,} files.", "unpack it and give the folder of the writing")
        for member in members:
            shown = unicodedata.normalize("NFC", below + member.filename.replace("\\", "/"))
            if _LITTER.search(shown):
                continue
            parts = shown.split("/")
            if shown.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", parts[0]):
                self.passed_over.append((shown, "its name leads out of the folder"))
            elif member.flag_bits & 1:
                self.passed_over.append((shown, "encrypted: unpack it with its password and give the folder"))
            elif stat.S_ISLNK(member.external_attr >> 16):
                self.passed_over.append((shown, "a link; only what lies in the zip itself is read"))
            elif shown.lower().endswith(".zip"):
                if depth >= NESTED:
                    self.passed_over.append((shown, f"a zip inside {NESTED} others"))
                    continue
                inner = self._stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  (open until the source is closed)
                with archive.open(member) as packed_stream:
                    _copy(packed_stream, inner, member.file_size)
                inner.seek(0)
                yield from self._inner(inner, shown, depth + 1)
            else:
                yield SourceFile(shown, member.file_size, self, lambda member=member: _Exact(archive.open(member), member.file_size))


class _Exact(io.BufferedReader):
    """A member of a zip that gives no more bytes than the zip's own list says."""

    def __init__(self, stream: object, size: int) -> None:
        super().__init__(_Limited(stream, size))  # type: ignore[arg-type]


class _Limited(io.RawIOBase):
    def __init__(self, stream: object, size: int) -> None:
        self._stream, self._left = stream, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        data = self._stream.read(min(len(view), self._left))  # type: ignore[attr-defined]
        self._left -= len(data)
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()  # type: ignore[attr-defined]
        super().close()


def _copy(source: object, target: BinaryIO, size: int) -> None:
    left = size
    while left > 0 and (data := source.read(min(1 << 20, left))):  # type: ignore[attr-defined]
        target.write(data)
        left -= len(data)


def _is_document(path: Path) -> bool:
    """Word and other office files are zips too; so are Pages packages."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False
    return "[Content_Types].xml" in names or "mimetype" in names or "Index/Document.iwa" in names


def _raise(error: OSError) -> None:
    raise error
