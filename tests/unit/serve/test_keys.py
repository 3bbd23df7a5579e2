import os
import stat
import threading

import pytest

from pete.errors import UserError
from pete.serve.keys import read_or_make_key


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path):
    path = tmp_path / "made" / "serve" / "key"
    first, again = read_or_make_key(path), read_or_make_key(path)
    assert (first.new, again.new) == (True, False) and first.text == again.text == path.read_text().strip()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(first.text) > 40 and read_or_make_key(tmp_path / "other").text != first.text
    assert [file.name for file in path.parent.iterdir()] == ["key"], "nothing is left beside it"


def test_servers_that_start_at_once_have_one_key(tmp_path):
    keys = []
    threads = [threading.Thread(target=lambda: keys.append(read_or_make_key(tmp_path / "key"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8 and len({key.text for key in keys}) == 1 and sum(key.new for key in keys) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_that_others_can_read_is_none(tmp_path, mode):
    path = read_or_make_key(tmp_path / "key").path
    path.chmod(mode)
    with pytest.raises(UserError, match="can be read by others") as error:
        read_or_make_key(path)
    assert "chmod 600" in error.value.hint and path.read_text().strip() not in error.value.message + error.value.hint


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"pete-short", b"sk-" + b"x" * 50, b"pete-" + b"x" * 40 + b"\x07"])
def test_a_file_that_is_no_key_is_named_and_left_alone(tmp_path, content):
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(UserError, match="key") as error:
        read_or_make_key(path)
    assert str(path) in error.value.message and path.read_bytes() == content


def test_a_link_and_a_folder_that_cannot_be_made_are_refused(tmp_path):
    real = read_or_make_key(tmp_path / "key").path
    (tmp_path / "link").symlink_to(real)
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "link", tmp_path / "file" / "key", tmp_path):
        with pytest.raises(UserError, match="cannot be read or written"):
            read_or_make_key(path)
    assert os.path.islink(tmp_path / "link")
