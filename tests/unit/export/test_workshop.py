"""The folder aside: what is in it is gone afterwards, also what a process that was killed left."""

import os
import subprocess

import pytest

from pete.errors import UserError
from pete.export import workshop
from pete.export.workshop import link_or_copy, refuse_existing, refuse_full, workshop_folder


def test_what_is_made_aside_is_gone_after_a_failure(tmp_path):
    with pytest.raises(ZeroDivisionError), workshop_folder(tmp_path / "out") as folder:
        (folder / "half.gguf").write_bytes(b"x" * 100)
        raise ZeroDivisionError
    assert not (tmp_path / "out").exists()


def test_what_a_killed_process_left_goes_and_what_a_living_one_makes_stays(tmp_path):
    ended = subprocess.Popen(["true"])
    ended.wait()
    (tmp_path / f".export-{ended.pid}" / "merged").mkdir(parents=True)
    (tmp_path / f".export-{os.getppid()}").mkdir()
    (tmp_path / ".export-notanumber").mkdir()
    with workshop_folder(tmp_path):
        assert {path.name for path in tmp_path.iterdir()} == {f".export-{os.getppid()}", f".export-{os.getpid()}"}


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"), workshop_folder(tmp_path / "file" / "out"):
        pass


def test_nothing_is_replaced_not_even_a_broken_link(tmp_path):
    refuse_existing(tmp_path / "new")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for taken in (tmp_path, tmp_path / "link"):
        with pytest.raises(UserError, match="is there already"):
            refuse_existing(taken)


def test_room_is_looked_for_before(tmp_path, monkeypatch):
    monkeypatch.setattr(workshop, "free_disk", lambda place: 3 * 10**9)
    refuse_full(tmp_path, 2 * 10**9)
    with pytest.raises(UserError, match=r"takes 2\.8 GB .* and 3\.0 GB are free"):
        refuse_full(tmp_path, 2_800_000_000)
    monkeypatch.setattr(workshop, "free_disk", lambda place: None)  # a volume that does not say
    refuse_full(tmp_path, 10**15)


def test_a_link_where_there_are_links_else_a_copy(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"abc")
    link_or_copy(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").samefile(tmp_path / "a")

    def no_links(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", no_links)
    link_or_copy(tmp_path / "a", tmp_path / "c")
    assert (tmp_path / "c").read_bytes() == b"abc" and not (tmp_path / "c").samefile(tmp_path / "a") and (tmp_path / "a").is_file()


def test_a_folder_that_was_made_for_nothing_goes_again(tmp_path):
    from pete.export.workshop import workshop_folder

    with workshop_folder(tmp_path / "exports"):
        pass
    assert not (tmp_path / "exports").exists()
    with workshop_folder(tmp_path / "exports"):
        (tmp_path / "exports" / "made").touch()
    assert [path.name for path in (tmp_path / "exports").iterdir()] == ["made"]
