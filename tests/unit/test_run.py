import json
import os
import shlex
from pathlib import Path

import pytest

from pete.config import resolve
from pete.errors import RunError
from pete.run import RunDir, write_atomic


def test_an_existing_folder_is_never_written_into(tmp_path: Path):
    out = tmp_path / "out"
    out.mkdir()
    RunDir.create(out, "x")  # empty is fine
    (out / "diary.txt").write_text("dear")
    with pytest.raises(RunError, match="not empty"):
        RunDir.create(out, "x")
    assert (out / "diary.txt").read_text() == "dear"


def test_a_file_in_the_way_and_an_unwritable_place(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError):
        RunDir.create(tmp_path / "file", "x")
    with pytest.raises(RunError, match="cannot be written"):
        RunDir.create(tmp_path / "file" / "below", "x")
    with pytest.raises(RunError, match="cannot be written"):
        RunDir.create(Path("/proc/nowhere"), "x")


def test_two_runs_of_the_same_second_get_two_folders():
    assert RunDir.create(None, "x").folder != RunDir.create(None, "x").folder


def test_find_by_folder_by_name_and_the_newest(tmp_path: Path):
    with pytest.raises(RunError, match="no run in"):
        RunDir.find(None)
    a, b = RunDir.create(None, "a"), RunDir.create(None, "b")
    for age, run in ((2, a), (1, b)):
        run.write_config(resolve("quickstart"))
        os.utime(run.config_file, (1e9 - age, 1e9 - age))
    assert RunDir.find(None).folder == b.folder
    assert RunDir.find(a.name).folder == a.folder == RunDir.find(str(a.folder)).folder
    with pytest.raises(RunError) as error:
        RunDir.find("c")
    assert b.name in error.value.hint


def test_a_run_is_one_word_of_a_command_line(tmp_path: Path):
    assert RunDir.create(None, "x").word.endswith("-x")
    assert RunDir.create(tmp_path / "it's here", "x").word == shlex.quote(str(tmp_path / "it's here"))


def test_config_comes_back_with_sources(tmp_path: Path):
    run = RunDir.create(tmp_path / "r", "x")
    run.write_config(resolve("quickstart", None, ["lora.rank=3"]))
    back = run.read_config()
    assert back.config.lora.rank == 3 and back.sources["lora.rank"] == "--set"


def test_one_process_at_a_time(tmp_path: Path):
    run = RunDir.create(tmp_path / "r", "x")
    with run.lock(), pytest.raises(RunError, match=f"process {os.getpid()}"), RunDir(run.folder).lock():
        pass
    with run.lock():  # released
        pass


def test_atomic_writing_leaves_the_old_file_when_it_fails(tmp_path: Path, monkeypatch):
    path = tmp_path / "file.json"
    write_atomic(path, "old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pete.run.sync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomic(path, "new and longer")
    assert path.read_text() == "old"


def test_errors_keep_their_traceback(tmp_path: Path):
    run = RunDir.create(tmp_path / "r", "x")
    try:
        raise ValueError("boom")
    except ValueError as error:
        run.record_error(error)
    record = json.loads(run.errors_file.read_text())
    assert record["message"] == "boom" and any("test_run.py" in line for line in record["traceback"])
