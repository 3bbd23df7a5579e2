import pytest

from pete.cli import launchers
from pete.errors import UserError
from pete.machine.launchers import NAMES
from pete.machine.probes import Probes
from pete.resources import PROJECT


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder with a Desktop; Pete thinks it runs on a Mac."""
    (tmp_path / "Desktop").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    mac = Probes(system="Darwin", machine="arm64", run=lambda command, seconds: None)
    monkeypatch.setattr("pete.machine.probes.Probes", lambda: mac)
    return tmp_path


def test_the_desktop_unless_a_folder_is_given(home, capsys):
    launchers.install()
    out = capsys.readouterr().out
    assert sorted(path.name for path in (home / "Desktop").iterdir()) == sorted(NAMES)
    assert out.startswith(f"{home}/Desktop\n") and out.count("installed\n") == 5
    assert f"They start {PROJECT};" in out and "com.apple.quarantine" in out and "copies" not in out
    launchers.uninstall()
    assert capsys.readouterr().out.count("removed") == 5 and not list((home / "Desktop").iterdir())


def test_a_folder_that_icloud_copies_is_a_note(home, capsys):
    place = home / "Library" / "Mobile Documents" / "com~apple~CloudDocs" / "Desktop"
    place.mkdir(parents=True)
    launchers.install(place)
    out = capsys.readouterr().out
    assert f"note: iCloud Drive copies {place} to your other machines" in out and "caution" not in out


def test_a_checkout_that_icloud_copies_is_a_caution(home, capsys, monkeypatch):
    monkeypatch.setattr("pete.machine.readings.read_machine", lambda probes, folders: _synced(PROJECT))
    launchers.install()
    assert f"caution: iCloud Drive copies this checkout ({PROJECT})" in capsys.readouterr().out


def _synced(place):
    from pete.machine.readings import Readings

    return Readings(os="macOS", machine="arm64", python="3.13", cores=8, synced=((place, "iCloud Drive"),))


def test_elsewhere_nobody_is_told_about_quarantine(home, capsys, monkeypatch):
    monkeypatch.setattr("pete.machine.probes.Probes", lambda: Probes(system="Linux"))
    launchers.install()
    assert "quarantine" not in capsys.readouterr().out


def test_what_was_left_alone_is_an_error_with_names(home, capsys):
    (home / "Desktop" / NAMES[2]).write_text("mine")
    with pytest.raises(UserError, match=f"1 of 5 launchers were not installed: {NAMES[2]}"):
        launchers.install()
    assert "left alone" in capsys.readouterr().out
    with pytest.raises(UserError, match="1 of 5 launchers were not removed"):
        launchers.uninstall()
    assert [path.name for path in (home / "Desktop").iterdir()] == [NAMES[2]]


def test_no_desktop(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(UserError, match=f"There is no folder {tmp_path}/Desktop") as caught:
        launchers.install()
    assert "pete launchers install FOLDER" in caught.value.hint
