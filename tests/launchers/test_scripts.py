"""The report's four script names, started with whatever Python 3 there is."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pete.resources import PROJECT
from tests.launchers.conftest import Finder

VERBS = {
    "apple_silicon_training.py": "train --preset report",
    "test_finetuned_model.py": "test",
    "interactive_model_test.py": "chat",
    "evaluate_model.py": "evaluate",
}
PYTHONS = [sys.executable, *(["/usr/bin/python3"] if Path("/usr/bin/python3").exists() and sys.platform != "darwin" else [])]


@pytest.fixture
def door(finder: Finder):
    shutil.copytree(PROJECT / "scripts", finder.root / "scripts", ignore=shutil.ignore_patterns("__pycache__"))

    def start(name: str, *args: str, python: str | None = None) -> list[str]:
        command = [*([python] if python else []), str(finder.root / "scripts" / name), *args]
        done = subprocess.run(command, cwd=finder.home, env=finder.env, input="\n", capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return finder.did()

    return start


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", list(VERBS))
def test_each_is_a_door_to_its_verb(door, finder: Finder, name: str, python: str):
    assert door(name, "a b", python=python) == [f"pete {VERBS[name]} a b in {finder.home} as {finder.root}/pete"]


@pytest.mark.parametrize("chosen", [["--preset", "x"], ["--preset=x"], ["--config", "my.toml"], ["--config=my.toml"]])
def test_another_preset_takes_the_reports_place(door, chosen):
    assert door("apple_silicon_training.py", "--plan", *chosen, python=sys.executable)[0].startswith(
        f"pete train --plan {' '.join(chosen)} in "
    )


def test_values_and_help_keep_the_reports_preset(door):
    for args in (["--help"], ["--set", "train.steps=20"]):
        assert door("apple_silicon_training.py", *args, python=sys.executable)[0].startswith(
            f"pete train --preset report {' '.join(args)} in "
        )


def test_the_exit_code_is_the_verbs(finder: Finder, door):
    finder.env["EXIT_evaluate"] = "3"
    command = [sys.executable, str(finder.root / "scripts" / "evaluate_model.py")]
    assert subprocess.run(command, env=finder.env, capture_output=True).returncode == 3


@pytest.mark.parametrize("name", list(VERBS))
def test_a_script_without_its_checkout_says_so(finder: Finder, door, name: str):
    (finder.root / "pete").unlink()
    done = subprocess.run([sys.executable, str(finder.root / "scripts" / name)], env=finder.env, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith(f"There is no program {finder.root}/pete") and "Traceback" not in done.stderr


def test_thin():
    for name in VERBS:
        assert len((PROJECT / "scripts" / name).read_text().splitlines()) <= 14, name


@pytest.mark.parametrize("name", list(VERBS))
def test_help_through_the_real_thing(name: str, tmp_path: Path):
    if not (PROJECT / ".venv" / "stamp-run").is_file():
        pytest.skip("this checkout's .venv was not made by ./pete")
    env = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(tmp_path)}
    command = [sys.executable, str(PROJECT / "scripts" / name), "--help"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and f"pete {VERBS[name].split()[0]} [OPTIONS]" in done.stdout, done.stderr
