import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pete.errors import UserError
from pete.machine.launchers import NAMES, install, uninstall
from pete.resources import PROJECT

AWKWARD = 'it\'s "mine" $HOME `x` \\ (1)'


@pytest.fixture
def checkout(tmp_path):
    folder = tmp_path / AWKWARD
    shutil.copytree(PROJECT / "launchers", folder / "launchers")
    return folder


@pytest.fixture
def desktop(tmp_path):
    folder = tmp_path / "Desktop"
    folder.mkdir()
    return folder


def words(outcomes):
    assert [outcome.path.name for outcome in outcomes] == list(NAMES)
    return {outcome.words for outcome in outcomes}


def says(path: Path) -> str:
    """What the copy's line about the checkout means to a shell."""
    line = next(line for line in os.fsdecode(path.read_bytes()).split("\n") if line.startswith("launchers="))
    return os.fsdecode(subprocess.run(["sh", "-c", f'{line}\nprintf %s "$launchers"'], capture_output=True, check=True).stdout)


def test_installed_copies_name_the_checkout_whatever_it_is_called(checkout, desktop):
    assert words(install(desktop, checkout)) == {"installed"}
    for name in NAMES:
        path = desktop / name
        assert says(path) == str(checkout / "launchers") and os.access(path, os.X_OK)
        original = (checkout / "launchers" / name).read_text().split("\n")
        changed = [(a, b) for a, b in zip(original, path.read_text().split("\n"), strict=True) if a != b]
        assert len(changed) == 1, "one line differs from the original"
    assert len(list(desktop.iterdir())) == 5


def test_twice_is_fine_and_an_older_or_damaged_copy_is_renewed(checkout, desktop):
    install(desktop, checkout)
    assert words(install(desktop, checkout)) == {"already there"}
    (desktop / NAMES[0]).chmod(0o644)
    with (desktop / NAMES[1]).open("a") as file:
        file.write("# from another version\n")
    outcomes = install(desktop, checkout)
    assert [o.words for o in outcomes] == ["renewed", "renewed", *["already there"] * 3]
    assert os.access(desktop / NAMES[0], os.X_OK)
    shutil.copy(checkout / "launchers" / NAMES[2], desktop / NAMES[2])  # dragged here from the checkout: it looks for Pete beside itself
    assert install(desktop, checkout)[2].words == "renewed" and says(desktop / NAMES[2]) == str(checkout / "launchers")


def test_what_pete_did_not_make_is_left_alone(checkout, desktop, tmp_path):
    kept = {NAMES[0]: "#!/bin/sh\necho mine\n", NAMES[1]: "", NAMES[2]: "x\ny\n# Pete launcher: further down is no mark\n"}
    for name, text in kept.items():
        (desktop / name).write_text(text)
    (desktop / NAMES[3]).mkdir()
    shutil.copy(checkout / "launchers" / NAMES[4], tmp_path / "target")
    (desktop / NAMES[4]).symlink_to(tmp_path / "target")
    for outcomes in (install(desktop, checkout), uninstall(desktop, checkout)):
        assert not [outcome for outcome in outcomes if outcome.well] and all("left alone" in text for text in words(outcomes))
        assert {name: (desktop / name).read_text() for name in kept} == kept
        assert (desktop / NAMES[3]).is_dir() and (desktop / NAMES[4]).is_symlink() and (tmp_path / "target").exists()
    assert len(list(desktop.iterdir())) == 5


def test_uninstall_removes_ours_and_nothing_else(checkout, desktop):
    install(desktop, checkout)
    (desktop / "letter.txt").write_text("dear diary")
    (desktop / "Other.command").write_text("#!/bin/sh\n# Pete launcher: by a fan, under a name of his own\n")
    assert words(uninstall(desktop, checkout)) == {"removed"}
    assert sorted(path.name for path in desktop.iterdir()) == ["Other.command", "letter.txt"]
    assert words(uninstall(desktop, checkout)) == {"was not there"}


def test_two_checkouts(checkout, desktop, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(checkout, other)
    install(desktop, other)
    assert words(uninstall(desktop, checkout)) == {f"left alone: it starts another checkout, {other}"}
    assert words(install(desktop, checkout)) == {f"now starts this checkout, before {other}"}
    assert says(desktop / NAMES[0]) == str(checkout / "launchers")
    install(desktop, other)
    shutil.rmtree(other)
    assert words(uninstall(desktop, checkout)) == {"removed"}, "nobody else can remove them any more"


def test_a_checkouts_own_folder_is_nobodys_desktop(checkout):
    before = {path.name: path.read_bytes() for path in (checkout / "launchers").iterdir()}
    for act in (install, uninstall):
        with pytest.raises(UserError, match="own folder"):
            act(checkout / "launchers", checkout)
    assert before == {path.name: path.read_bytes() for path in (checkout / "launchers").iterdir()}


def test_a_folder_that_is_missing_or_closed(checkout, desktop, tmp_path, monkeypatch):
    with pytest.raises(UserError, match="There is no folder"):
        install(tmp_path / "nowhere", checkout)

    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pete.machine.launchers.write_atomic", full)
    with pytest.raises(UserError, match="cannot be written: No space left"):
        install(desktop, checkout)
    (checkout / "launchers" / NAMES[0]).unlink()
    with pytest.raises(UserError, match="cannot be read"):
        install(desktop, checkout)
