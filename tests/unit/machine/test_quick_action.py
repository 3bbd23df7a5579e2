import plistlib
import shutil
import subprocess
from pathlib import Path

import pytest

from pete.errors import UserError
from pete.machine.quick_action import IDENTIFIER, NAME, command, install, uninstall
from pete.resources import PROJECT

AWKWARD = 'it\'s "mine" $HOME `x` & <b> \\ (1) ü'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / AWKWARD
    shutil.copytree(PROJECT / "launchers", folder / "launchers")
    return folder


class Asked:
    """Which programs were run."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, ...]] = []

    def __call__(self, command, seconds):
        self.commands.append(tuple(command))


def read(bundle: Path) -> tuple[dict, dict]:
    return tuple(plistlib.loads((bundle / "Contents" / name).read_bytes()) for name in ("Info.plist", "document.wflow"))  # type: ignore[return-value]


def test_the_bundle_is_what_automator_writes(checkout, tmp_path):
    asked = Asked()
    outcome = install(tmp_path / "Services", tmp_path / "serve's", checkout, asked)
    assert (outcome.words, outcome.well, outcome.path.name) == ("installed", True, f"{NAME}.workflow")
    assert asked.commands == [("/System/Library/CoreServices/pbs", "-flush")]
    info, workflow = read(outcome.path)
    (service,) = info["NSServices"]
    assert service["NSMenuItem"] == {"default": "Rewrite as Pete"} and service["NSMessage"] == "runWorkflowAsService"
    assert service["NSSendTypes"] == service["NSReturnTypes"] == ["public.utf8-plain-text"], "text goes in, and text comes back"
    meta = workflow["workflowMetaData"]
    assert meta["workflowTypeIdentifier"] == "com.apple.Automator.servicesMenu"
    assert meta["serviceInputTypeIdentifier"] == meta["serviceOutputTypeIdentifier"] == "com.apple.Automator.text"
    ((action,),) = ([entry["action"] for entry in workflow["actions"]],)
    assert action["BundleIdentifier"] == "com.apple.RunShellScript" and action["ActionParameters"]["inputMethod"] == 0
    assert action["ActionParameters"]["COMMAND_STRING"] == command(tmp_path / "serve's", checkout)
    assert len({action["UUID"], action["InputUUID"], action["OutputUUID"]}) == 3
    assert sorted(path.name for path in outcome.path.rglob("*") if path.is_file()) == ["Info.plist", "document.wflow"]


def test_a_shell_reads_the_places_as_they_are(checkout, tmp_path):
    (checkout / "launchers/_rewrite.sh").write_text('printf "%s|%s" "$PETE_SERVE" "$0"\n')
    places = tmp_path / AWKWARD / "serve"
    done = subprocess.run(["/bin/sh", "-c", command(places, checkout)], capture_output=True, text=True, check=True)
    assert done.stdout == f"{places}|{checkout}/launchers/_rewrite.sh"
    (checkout / "launchers/_rewrite.sh").unlink()
    gone = subprocess.run(["/bin/sh", "-c", command(places, checkout)], capture_output=True, text=True, check=False)
    assert gone.returncode == 1 and gone.stdout == "" and "launchers install --quick-action" in gone.stderr


def test_twice_is_fine_an_older_one_is_renewed_and_a_strangers_left_alone(checkout, tmp_path):
    services = tmp_path / "Services"
    bundle = install(services, tmp_path / "a", checkout, Asked()).path
    assert install(services, tmp_path / "a", checkout, asked := Asked()).words == "already there" and asked.commands == []
    assert install(services, tmp_path / "b", checkout, Asked()).words == "renewed"
    assert str(tmp_path / "b") in read(bundle)[1]["actions"][0]["action"]["ActionParameters"]["COMMAND_STRING"]
    assert uninstall(services).words == "removed" and not bundle.exists() and uninstall(services).words == "was not there"
    for content in (plistlib.dumps({"CFBundleIdentifier": "com.other"}), b"<plist", b"", plistlib.dumps([1])):
        (bundle / "Contents").mkdir(parents=True)
        (bundle / "Contents/Info.plist").write_bytes(content)
        for outcome in (install(services, tmp_path / "a", checkout, Asked()), uninstall(services)):
            assert not outcome.well and "Pete did not make it" in outcome.words
        assert (bundle / "Contents/Info.plist").read_bytes() == content
        shutil.rmtree(bundle)
    own = install(tmp_path / "elsewhere", tmp_path / "a", checkout, Asked()).path
    bundle.symlink_to(own)
    assert not uninstall(services).well and own.is_dir() and read(own)[0]["CFBundleIdentifier"] == IDENTIFIER


def test_what_cannot_be_installed_says_so(checkout, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        install(tmp_path / "file", tmp_path, checkout, Asked())
    with pytest.raises(UserError, match="without one"):
        install(tmp_path / "Services", tmp_path, tmp_path / "nothing", Asked())
    assert not (tmp_path / "Services").exists()
