import io
import os
import unicodedata
import zipfile
from pathlib import Path

import pytest

from pete.data.sources.files import HEAD, Source
from pete.errors import DataError


def pack(files: dict[str, bytes | str], **how: object) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return memory.getvalue()


def written(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_a_file_a_folder_and_a_zip_hold_the_same(tmp_path):
    alone = written(tmp_path / "in" / "a.txt", b"Tea.")
    written(tmp_path / "in" / "b" / "c.txt", b"Toast.")
    zipped = written(tmp_path / "in.zip", pack({"a.txt": "Tea.", "b/c.txt": "Toast."}))
    with Source(alone) as source:
        assert [(file.name, file.read(), file.label) for file in source.files] == [("a.txt", b"Tea.", "a.txt")]
    for path in (tmp_path / "in", zipped):
        with Source(path) as source:
            assert {file.name: file.read() for file in source.files} == {"a.txt": b"Tea.", "b/c.txt": b"Toast."}
            assert source.files[1].label == f"{path.name}/b/c.txt" and source.files[1].folder == "b" and source.files[1].suffix == ".txt"


def test_zips_inside_are_opened_and_litter_is_left_out(tmp_path):
    inner = pack({"posts/x.html": "<p>One.</p>", "__MACOSX/posts/._x.html": "x", ".DS_Store": "x"})
    path = written(tmp_path / "out.zip", pack({"export/part.zip": inner, "._part.zip": "x", "~$a.docx": "x"}))
    with Source(path) as source:
        assert {file.name: file.read() for file in source.files} == {"export/part.zip/posts/x.html": b"<p>One.</p>"}
        assert source.passed_over == []


def test_names_that_leave_the_folder_links_and_encrypted_members_are_passed_over_by_name(tmp_path):
    memory = io.BytesIO(pack({"../../evil.txt": "x", "/etc/evil": "x", "C:\\evil.txt": "x", "good.txt": "Tea."}))
    with zipfile.ZipFile(memory, "a") as archive:
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    data = bytearray(memory.getvalue())
    path = written(tmp_path / "bad.zip", bytes(data))
    with Source(path) as source:
        assert [file.name for file in source.files] == ["good.txt"]
        assert {name for name, _ in source.passed_over} == {"../../evil.txt", "/etc/evil", "C:/evil.txt", "link.txt"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.zip"], "nothing is written beside it"


def test_links_in_a_folder_are_not_followed(tmp_path):
    outside = written(tmp_path / "outside" / "secret.txt", b"x")
    written(tmp_path / "in" / "a.txt", b"Tea.")
    os.symlink(outside, tmp_path / "in" / "link.txt")
    os.symlink(tmp_path / "outside", tmp_path / "in" / "folder")
    with Source(tmp_path / "in") as source:
        assert [file.name for file in source.files] == ["a.txt"]
        assert {name for name, _ in source.passed_over} == {"link.txt", "folder"}


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    bomb = pack({"zeros.txt": bytes(200 << 20)})
    assert len(bomb) < 1 << 20
    with pytest.raises(DataError, match="would unpack to"):
        Source(written(tmp_path / "bomb.zip", bomb))
    with Source(written(tmp_path / "outer.zip", pack({"a.txt": "Tea.", "bomb.zip": bomb}))) as source:
        assert [file.name for file in source.files] == ["a.txt"] and source.passed_over[0][0] == "bomb.zip"


def test_a_member_gives_no_more_than_the_list_says(tmp_path):
    data = bytearray(pack({"a.txt": "x" * 1000}))
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):  # both headers say 10 bytes
        at = data.rindex(mark) + (22 if mark == b"PK\x03\x04" else 24)
        data[at : at + 4] = (10).to_bytes(4, "little")
    with Source(written(tmp_path / "liar.zip", bytes(data))) as source, pytest.raises(zipfile.BadZipFile):
        len(source.files[0].read())


@pytest.mark.parametrize("data", [b"PK\x03\x04truncated", pack({"a.txt": "Tea." * 100})[:-30]], ids=["begun", "without its list"])
def test_a_truncated_zip_is_read_as_a_file_that_nobody_knows(tmp_path, data):
    with Source(written(tmp_path / "cut.zip", data)) as source:
        assert [file.name for file in source.files] == ["cut.zip"]


def test_what_is_not_there_or_no_file_is_an_error_with_a_next_step(tmp_path):
    with pytest.raises(DataError, match="There is no"):
        Source(tmp_path / "nothing.zip")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="neither a file nor a folder"):
        Source(tmp_path / "pipe")


def test_names_are_composed_and_neighbours_found_whatever_their_capitals(tmp_path):
    decomposed = unicodedata.normalize("NFD", "café/Users.JSON")
    written(tmp_path / "in" / decomposed, b"[]")
    written(tmp_path / "in" / unicodedata.normalize("NFD", "café") / "2024.json", b"x" * (HEAD + 5))
    with Source(tmp_path / "in") as source:
        day = next(file for file in source.files if file.basename == "2024.json")
        assert day.name == "café/2024.json" and len(day.head) == HEAD
        assert (found := day.beside("users.json")) and found.read() == b"[]" and day.beside("channels.json") is None


def test_word_files_are_files(tmp_path):
    path = written(tmp_path / "a.docx", pack({"[Content_Types].xml": "<x/>", "word/document.xml": "<x/>"}))
    with Source(path) as source:
        assert [file.name for file in source.files] == ["a.docx"]


def test_a_file_larger_than_one_can_hold_is_refused(tmp_path):
    with Source(written(tmp_path / "a.txt", b"12345")) as source, pytest.raises(DataError, match="5 bytes"):
        source.files[0].read(most=4)


def test_beginnings_of_many_files_are_not_all_kept(tmp_path):
    for number in range(100):
        written(tmp_path / "in" / f"{number}.eml", b"x%d" % number)
    with Source(tmp_path / "in") as source:
        assert {file.name: file.head for file in source.files} == {f"{number}.eml": b"x%d" % number for number in range(100)}
        assert len(source.heads) < 50 and source.files[0].head == source.files[0].read()
