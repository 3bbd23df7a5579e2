import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pete.config import resolve
from pete.errors import RunError
from pete.events import Warned, read
from pete.resources import PROJECT
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
    assert RunDir.create(None, "x").cli_argument.endswith("-x")
    assert RunDir.create(tmp_path / "it's here", "x").cli_argument == shlex.quote(str(tmp_path / "it's here"))


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


def test_a_write_that_fails_leaves_nothing_behind_and_one_that_succeeds_has_its_name_on_the_drive(tmp_path: Path, monkeypatch):
    synced = []
    monkeypatch.setattr("pete.run.sync_folder", synced.append)
    write_atomic(tmp_path / "file.json", "old")
    assert synced == [tmp_path], "a rename is only kept once its folder is synced"

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pete.run.sync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomic(tmp_path / "file.json", "new and longer")
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]


def test_a_torn_last_line_costs_that_line_and_not_the_next(tmp_path: Path):
    run = RunDir.create(tmp_path / "r", "x")
    run.append_event(Warned(message="first"))
    with run.events_file.open("a") as file:
        file.write('{"v": 1, "kind": "Warned", "mess')  # the power went
    for message in ("second", "third"):
        run.append_event(Warned(message=message))
    assert [event.message for event in read(run.events_file) if isinstance(event, Warned)] == ["first", "second", "third"]


def test_errors_name_no_place_of_this_machine(tmp_path: Path):
    run = RunDir.create(tmp_path / "r", "x")
    try:
        raise ValueError(f"{run.folder}/adapter and {Path.home()}/base are odd")
    except ValueError as error:
        run.record_error(error)
    text = run.errors_file.read_text()
    assert "r/adapter and ~/base" in json.loads(text)["message"] and "test_run.py" in text
    assert str(tmp_path) not in text and str(PROJECT) not in text and str(Path.home()) not in text


def test_a_run_that_cannot_be_written_is_said_before_any_work(tmp_path: Path, monkeypatch):
    run = RunDir.create(tmp_path / "r", "x")
    run.require_writable()
    assert not list(run.folder.iterdir()), "looked at, and left as it was"
    real = Path.write_bytes

    def locked(self, data):  # who runs as root is let in everywhere
        if self.parent == run.evaluations:
            raise OSError(30, "Read-only file system")
        return real(self, data)

    monkeypatch.setattr(Path, "write_bytes", locked)
    run.require_writable()  # it is not there: it can be made
    run.evaluations.mkdir()
    with pytest.raises(RunError, match=r"r/evaluations cannot be written: Read-only") as error:
        run.require_writable()
    assert "cp -R" in error.value.hint


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs a second user: root and setpriv")
def test_a_run_of_somebody_else_really_cannot_be_written():
    def as_nobody(code: str) -> "subprocess.CompletedProcess[str]":
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", code]
        return subprocess.run(command, env=os.environ | {"PYTHONPATH": str(PROJECT / "src")}, capture_output=True, text=True, check=False)

    if as_nobody("import pete.run").returncode:
        pytest.skip("somebody else cannot even read this checkout")
    with tempfile.TemporaryDirectory() as folder:  # pytest's own is closed to everybody else
        run = RunDir.create(Path(folder) / "r", "x")
        Path(folder).chmod(0o755)
        done = as_nobody(f"from pathlib import Path; from pete.run import RunDir; RunDir(Path({str(run.folder)!r})).require_writable()")
    assert done.returncode == 1 and "RunError" in done.stderr and "cannot be written: Permission denied" in done.stderr


def test_what_is_nobody_elses_is_never_readable_by_others(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("pete.run.os.replace", lambda aside, path: (seen.append(stat.S_IMODE(aside.stat().st_mode)), aside.rename(path)))
    write_atomic(tmp_path / "secret", "x", 0o600)
    write_atomic(tmp_path / "plain", "x")
    assert seen[0] == 0o600 and seen[1] & 0o400 and (tmp_path / "secret").read_text() == "x"
