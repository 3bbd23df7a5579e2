"""./pete and ./check in copies of the checkout's shell files, with programs of our own in place of uv, Python and uname."""

import os
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

from pete.cli.install import EXTRAS

CHECKOUT = Path(__file__).parents[2]
TOOLS = ["sh", "bash", "cat", "cmp", "mkdir", "ln", "readlink", "mv", "rm", "sleep", "sed", "date", "tail", "tr", "ps", "dirname"]
TOOLS += ["chmod", "env", "getconf", "mktemp"]

# Stands for any Python: the one on the PATH, which makes .venv, and the one in .venv, which runs pete and pip.
PYTHON = """#!/bin/sh
case "$*" in
    *"-m venv "*) for venv; do :; done; mkdir -p "$venv/bin"; cat "$0" >"$venv/bin/python"
        chmod +x "$venv/bin/python"; echo "python venv" >>"$LOG" ;;
    *"pip config list"*) printf '%s\\n' "$PIP_LIST" ;;
    *"-r requirements/uv.txt"*) echo "pip uv" >>"$LOG"; cat "$FAKES/uv" >"${0%/*}/uv"; chmod +x "${0%/*}/uv" ;;
    *"-m pete"*) shift 3; echo "path=$PYTHONPATH"; for a; do echo "[$a]"; done; exit "${PETE_EXIT:-0}" ;;
    *"-m ruff"*|*"-m pyright"*|*"-m pytest"*) echo "tool $3 $4 $5" >>"$LOG"; [ "$3" != "$FAIL_TOOL" ] || exit 7 ;;
    -c*) exit "${PYTHON_EXIT:-0}" ;;
    *) echo "what? $*"; exit 99 ;;
esac
"""

UV = """#!/bin/sh
case $1 in
    venv) echo "uv venv" >>"$LOG"; for venv; do :; done; "$FAKES/python" -m venv "$venv"; 
        printf '#!/bin/sh\\n' >"$venv/bin/shellcheck"; chmod +x "$venv/bin/shellcheck" ;;
    pip) case "$*" in *--dry-run*) printf '%s\\n' "$UV_PLAN"; exit ;; *"--torch-backend auto"*) echo "uv backend auto" >>"$LOG" ;; esac
        for file; do :; done; echo "uv pip $file links=$UV_FIND_LINKS index=$UV_INDEX cert=$SSL_CERT_FILE" >>"$LOG"
        sleep "${UV_SLEEP:-0}"; echo "uv pip ended" >>"$LOG"; exit "${UV_EXIT:-0}" ;;
esac
"""


class Place:
    """A copy of the shell files in a folder with an awkward name, and a PATH on which nothing real is but small tools."""

    def __init__(self, tmp: Path) -> None:
        self.root = tmp / 'my "own" pete\'s $HOME (1)'
        self.bin, self.fakes, self.log = tmp / "bin", tmp / "fakes", tmp / "log"
        for folder in (self.root / ".ci", self.bin, self.fakes, tmp / "home"):
            folder.mkdir(parents=True)
        for name in ("pete", "check", ".ci/run"):
            shutil.copy2(CHECKOUT / name, self.root / name)
        for name in ("scripts", "requirements"):
            shutil.copytree(CHECKOUT / name, self.root / name)
        for name in TOOLS:
            if found := shutil.which(name):
                (self.bin / name).symlink_to(found)
        self.program(self.bin / "uname", '#!/bin/sh\n[ "$*" = -m ] && echo "${MACHINE:-arm64}" || echo "${SYSTEM:-Linux}"\n')
        self.program(self.fakes / "python", PYTHON)
        self.program(self.fakes / "uv", UV)
        self.env = {"PATH": str(self.bin), "HOME": str(tmp / "home"), "LOG": str(self.log), "FAKES": str(self.fakes)}
        self.env |= {"PETE_PLACES": str(tmp / "homebrew"), "PIP_LIST": "", "UV_TORCH_BACKEND": "cpu"}
        self.venv = self.root / ".venv"

    def program(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def uv(self, folder: Path | None = None) -> "Place":
        (folder or self.bin).mkdir(exist_ok=True)
        ((folder or self.bin) / "uv").symlink_to(self.fakes / "uv")
        return self

    def python(self, name: str, text: str = PYTHON) -> "Place":
        self.program(self.bin / name, text)
        return self

    def start(self, *args: str, program: str = "pete", **env: str) -> subprocess.Popen[str]:
        command = [str(self.root / program), *args]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.env | env, stdout=pipe, stderr=pipe, text=True, start_new_session=True)

    def run(self, *args: str, command: list[str] | None = None, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        whole = [*(command or [str(self.root / "pete")]), *args]
        return subprocess.run(whole, env=self.env | env, cwd=cwd, capture_output=True, text=True, timeout=30)

    def did(self) -> list[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return [" ".join(line.split()[:3]) for line in lines if line != "uv pip ended"]

    def wait_for(self, text: str) -> None:
        end = time.monotonic() + 10
        while not (self.log.exists() and text in self.log.read_text()):
            assert time.monotonic() < end, f"never saw {text!r}"
            time.sleep(0.02)


LINUX = ["uv venv", "python venv", "uv pip requirements/linux.txt", "uv pip requirements/torch-linux.txt"]
BY_PIP = ["python venv", "pip uv", *LINUX[2:]]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_first_start_installs_and_the_second_does_not(place: Place) -> None:
    first = place.uv().run("--json")
    assert (first.returncode, first.stdout) == (0, f"path={place.root}/src\n[--json]\n")
    assert len(first.stderr.splitlines()) == 2 and "first start" in first.stderr and "installed in" in first.stderr
    assert place.did() == LINUX
    second = place.run("a")
    assert (second.returncode, second.stderr, place.did()) == (0, "", [])


def test_arguments_and_exit_code_pass_through(place: Place) -> None:
    args = ["two words", "", "it's", '"q"', "$HOME", "*", "back\\slash", "new\nline", "-c", "--", "ü"]
    done = place.uv().run(*args, PETE_EXIT="143", PYTHONPATH="/mine")
    assert done.returncode == 143
    assert done.stdout == f"path={place.root}/src:/mine\n" + "".join(f"[{a}]\n" for a in args)


@pytest.mark.parametrize(
    ("plan", "backend", "chosen"),
    [
        (" + torch==2.13.0\n + nvidia-cublas==13.1.1.3", "", True),  # what PyPI has
        ("error: Failed to fetch", "", True),
        (" + torch==2.13.0+cpu", "", False),  # a folder or an index of this machine's own
        (" + nvidia-cublas==13.1.1.3", "cu130", False),  # uv reads the variable by itself
    ],
)
def test_linux_gets_the_torch_that_fits_it(place: Place, plan: str, backend: str, chosen: bool) -> None:
    done = place.uv().run(UV_PLAN=plan, UV_TORCH_BACKEND=backend)
    assert done.returncode == 0 and "CUDA" not in done.stderr
    assert place.did() == [*LINUX[:3], *(["uv backend auto"] if chosen else []), LINUX[3]]


def test_a_torch_that_cannot_be_had_names_the_ways_out(place: Place) -> None:
    place.program(
        place.fakes / "uv", UV.replace("for file; do :; done; echo", "for file; do :; done; case $file in *torch*) exit 1; esac; echo")
    )
    done = place.uv().run(UV_PLAN="nvidia-x", UV_TORCH_BACKEND="")
    assert done.returncode == 1 and "UV_FIND_LINKS" in done.stderr and "UV_TORCH_BACKEND" in done.stderr
    assert not (place.venv / "stamp-run").exists()


@pytest.mark.parametrize("shell", [["sh"], ["bash", "--posix"]])
def test_any_folder_and_any_link(place: Place, tmp_path: Path, shell: list[str]) -> None:
    place.uv()
    expected = f"path={place.root}/src\n"
    assert place.run(cwd=Path("/")).stdout == expected
    assert place.run(command=["./pete"], cwd=place.root).stdout == expected
    assert place.run(command=[*shell, "pete"], cwd=place.root).stdout == expected
    assert place.run(command=[*shell, "../pete"], cwd=place.root / "scripts", CDPATH="/:..").stdout == expected
    (tmp_path / "my links").mkdir()
    (tmp_path / "my links" / "one").symlink_to(place.root / "pete")
    (tmp_path / "my links" / "two").symlink_to("one")
    (tmp_path / "three").symlink_to("my links/two")
    for link in ("three", "my links/two"):
        assert place.run(command=[*shell, link], cwd=tmp_path).stdout == expected
    assert place.did() == LINUX


def test_mac_gets_its_own_requirements(place: Place) -> None:
    place.uv().run(SYSTEM="Darwin")
    assert place.did() == [*LINUX[:2], "uv pip requirements/macos.txt"]


def test_intel_mac_is_told(place: Place) -> None:
    done = place.uv().run(SYSTEM="Darwin", MACHINE="x86_64")
    assert (done.returncode, place.did()) == (2, []) and "Apple silicon" in done.stderr


def test_uv_outside_a_minimal_path(place: Place, tmp_path: Path) -> None:
    place.uv(tmp_path / "homebrew").run()
    assert place.did() == LINUX


def test_uv_in_home(place: Place, tmp_path: Path) -> None:
    (tmp_path / "home/.local").mkdir()
    place.uv(tmp_path / "home/.local/bin").env.pop("PETE_PLACES")
    place.run()
    assert place.did() == LINUX


def test_without_uv_pip_brings_it(place: Place) -> None:
    assert place.python("python3.12").run("x").returncode == 0
    assert place.did() == BY_PIP
    with (place.root / "requirements/linux.txt").open("a") as file:
        file.write("# new\n")
    place.run()
    assert place.did() == BY_PIP[2:]


def test_a_python_that_cannot_is_passed_over(place: Place) -> None:
    place.python("python3.13", "#!/bin/sh\nexit 127\n").python("python3").run()
    assert place.did() == BY_PIP


def test_uv_python_chooses(place: Place, tmp_path: Path) -> None:
    place.python("python3.13", "#!/bin/sh\nexit 99\n").python("python3.11")
    assert place.run(UV_PYTHON="3.11").returncode == 0
    place.program(tmp_path / "else where/py", PYTHON)
    shutil.rmtree(place.venv)
    assert place.run(UV_PYTHON=str(tmp_path / "else where/py")).returncode == 0


def test_a_uv_that_cannot_make_environments_is_passed_over(place: Place) -> None:
    place.program(place.bin / "uv", "#!/bin/sh\nexit 2\n")
    assert place.python("python3").run().returncode == 0
    assert place.did() == BY_PIP


@pytest.mark.parametrize("python_exit", [None, "1"])
def test_nothing_to_install_with(place: Place, python_exit: str | None) -> None:
    if python_exit:
        place.python("python3")
    done = place.run(PYTHON_EXIT=python_exit or "")
    assert done.returncode == 2 and done.stdout == ""
    assert "3.11, 3.12 or 3.13" in done.stderr and "docs.astral.sh/uv" in done.stderr and "python.org" in done.stderr


def test_changed_requirements_are_installed_into_what_is_there(place: Place) -> None:
    place.uv().run()
    place.did()
    kept = place.venv / "kept"
    kept.touch()
    for name in ("linux.txt", "torch-linux.txt"):
        with (place.root / "requirements" / name).open("a") as file:
            file.write("# new\n")
        done = place.run()
        assert "have changed" in done.stderr and place.did() == LINUX[2:] and kept.exists()
    with (place.root / "requirements/dev.txt").open("a") as file:
        file.write("# not for pete\n")
    assert place.run().stderr == ""


def test_a_dangling_python_is_replaced(place: Place) -> None:
    place.uv().run()
    place.did()
    (place.venv / "bin/python").unlink()
    (place.venv / "bin/python").symlink_to("/gone/python3.12")
    assert place.run().returncode == 0 and place.did() == LINUX


def test_failed_install_says_so_and_the_next_start_rebuilds(place: Place) -> None:
    done = place.uv().run(UV_EXIT="1")
    assert (done.returncode, done.stdout) == (1, "") and "installing failed" in done.stderr
    assert place.did() == LINUX[:3]
    assert place.run().returncode == 0 and place.did() == LINUX


def test_failed_update_rebuilds_too(place: Place) -> None:
    place.uv().run()
    with (place.root / "requirements/linux.txt").open("a") as file:
        file.write("# new\n")
    place.run(UV_EXIT="1")
    place.did()
    assert place.run().returncode == 0 and place.did() == LINUX


def test_interrupted_install_is_rebuilt(place: Place) -> None:
    first = place.uv().start(UV_SLEEP="30")
    place.wait_for("uv pip")
    os.killpg(first.pid, signal.SIGKILL)
    assert first.wait(5) == -signal.SIGKILL
    first.communicate()
    (place.venv / "half").touch()
    place.did()
    done = place.run()
    assert done.returncode == 0 and "first start" in done.stderr
    assert place.did() == LINUX and not (place.venv / "half").exists()


@pytest.mark.parametrize("both_shells", [False, True])
def test_an_orphaned_installer_is_waited_for(place: Place, both_shells: bool) -> None:
    first = place.uv().start(UV_SLEEP="1")
    place.wait_for("uv pip")
    first.kill()
    assert first.wait(5) == -signal.SIGKILL
    if both_shells:  # then only uv is left, which installs one file and ends
        holder = os.readlink(place.root / ".venv.lock/after-start")
        os.kill(int(holder.split(".")[0]), signal.SIGKILL)
    done = place.run()
    assert done.returncode == 0 and "waiting for it" in done.stderr
    log = place.log.read_text().splitlines()
    venvs = [n for n, line in enumerate(log) if line == "uv venv"]
    assert len(venvs) == 1 + both_shells
    assert all(log[n - 1] == "uv pip ended" for n in venvs[1:])
    first.communicate()


@pytest.mark.parametrize("stale", [False, True])
def test_many_at_once_install_once(place: Place, stale: bool) -> None:
    place.uv()
    if stale:
        dead = place.start(UV_SLEEP="30")
        place.wait_for("uv pip")
        os.killpg(dead.pid, signal.SIGKILL)
        dead.communicate()
        place.did()
    starts = [place.start(str(n), UV_SLEEP="0.2") for n in range(6)]
    outputs = [start.communicate(timeout=30) for start in starts]
    assert [start.returncode for start in starts] == [0] * 6
    assert [out.splitlines()[1] for out, _ in outputs] == [f"[{n}]" for n in range(6)]
    assert place.did() == LINUX
    assert sum("first start" in err for _, err in outputs) == 1
    assert all(err.count("waiting for it") <= 1 and "process start" not in err for _, err in outputs)


PIP_LIST = "global.cert='/pip/cert'\nglobal.extra-index-url='file:///a file:///b'\nglobal.find-links='/no'\ninstall.find-links='\\n/x\\n/y'"


def test_pip_settings_reach_uv(place: Place) -> None:
    place.uv().python("python3").run(PIP_LIST=PIP_LIST)
    assert "links=/x,/y index=file:///a file:///b cert=/pip/cert" in place.log.read_text()


def test_environment_goes_before_pip_settings(place: Place) -> None:
    place.uv().python("python3").run(PIP_LIST=PIP_LIST, PIP_FIND_LINKS="/p /q", PIP_CERT="/no", SSL_CERT_FILE="/ssl", UV_INDEX="mine")
    assert "links=/p,/q index=mine cert=/ssl" in place.log.read_text()


def test_check_adds_its_own_and_passes_arguments_to_pytest(place: Place) -> None:
    place.uv().run()
    place.did()
    done = place.run("-k", "it's", command=[str(place.root / ".ci/run")], cwd=Path("/"))
    assert done.returncode == 0
    first, second, *beside = [line for line in place.log.read_text().splitlines() if line.startswith("tool ")]
    assert (first, second) == ("tool ruff check ", "tool ruff format --check")
    assert sorted(beside) == ["tool pyright  ", "tool pytest -m not long"]
    installed = [line for line in place.did() if line.startswith("uv pip requirements/")]
    assert installed == [f"uv pip requirements/{name}.txt" for name in ("dev", *EXTRAS)]
    assert place.run(command=[str(place.root / "check")]).stderr == ""
    assert "tool pytest -n" in place.did(), "side by side"
    assert place.run("--quick", command=[str(place.root / "check")]).stderr == ""
    assert place.did() == ["tool ruff check", "tool ruff format", "tool pytest -n"]


def test_an_extra_is_installed_when_asked_for_and_kept_up_to_date(place: Place) -> None:
    place.uv().run()
    assert place.did() == LINUX
    asked = place.run("install", "wandb")
    assert (asked.returncode, asked.stdout.splitlines()[1:]) == (0, ["[install]", "[wandb]"]) and "installing wandb" in asked.stderr
    assert place.did() == ["uv pip requirements/wandb.txt"]
    assert (place.run("install", "wandb").stderr, place.run("train").stderr, place.did()) == ("", "", [])
    with (place.root / "requirements/wandb.txt").open("a") as file:
        file.write("# new\n")
    changed = place.run("train")
    assert "extra have changed" in changed.stderr and place.did() == ["uv pip requirements/wandb.txt"]
    assert (place.run("train").stderr, place.did()) == ("", [])


def test_an_extra_outlives_new_requirements_and_a_new_environment(place: Place) -> None:
    place.uv().run("install", "wandb")
    assert place.did() == [*LINUX, "uv pip requirements/wandb.txt"]
    with (place.root / "requirements/linux.txt").open("a") as file:
        file.write("# new\n")
    place.run()
    assert place.did() == [*LINUX[2:], "uv pip requirements/wandb.txt"]
    shutil.rmtree(place.venv)
    place.run()
    assert place.did() == [*LINUX, "uv pip requirements/wandb.txt"]


def test_an_extra_that_cannot_be_installed_keeps_nothing_from_starting(place: Place) -> None:
    place.uv().run()
    place.did()
    failed = place.run("install", "wandb", UV_EXIT="1")
    assert (failed.returncode, failed.stdout) == (1, "") and "installing failed" in failed.stderr
    place.did()
    assert (place.run("train").returncode, place.did()) == (0, [])
    assert place.run("install", "wandb").returncode == 0 and place.did() == ["uv pip requirements/wandb.txt"]


@pytest.mark.parametrize("args", [["install"], ["install", "wnadb"], ["install", "dev"], ["install", ""], ["train", "wandb"]])
def test_what_is_no_extra_installs_nothing_and_goes_on_to_pete(place: Place, args: list[str]) -> None:
    place.uv().run()
    place.did()
    done = place.run(*args)
    assert (done.returncode, done.stderr, place.did()) == (0, "", []) and done.stdout.splitlines()[1:] == [f"[{a}]" for a in args]


def test_the_extras_are_the_same_everywhere() -> None:
    import re
    import tomllib

    groups = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["dependency-groups"]
    (line,) = re.findall(r"^extras='?([a-z ]+)", (CHECKOUT / "scripts/bootstrap.sh").read_text(), re.M)
    assert set(EXTRAS) == set(line.split()) == set(groups) - {"dev", "models"} and len(EXTRAS) >= 1
    for name in EXTRAS:
        assert groups[name][0] in (CHECKOUT / f"requirements/{name}.txt").read_text()


@pytest.mark.parametrize("tool", ["ruff", "pyright", "pytest"])
def test_check_fails_with_each_of_its_tools_and_before_the_slow_ones_where_it_can(place: Place, tool: str) -> None:
    assert place.uv().run(command=[str(place.root / "check")], FAIL_TOOL=tool).returncode == 7
    done = {line.split()[1] for line in place.did() if line.startswith("tool ")}
    assert done == ({"ruff"} if tool == "ruff" else {"ruff", "pyright", "pytest"})


def test_fast_path_is_fast(place: Place) -> None:
    place.uv().run()
    best = min(_seconds(place) for _ in range(10))
    assert best < 0.1, "15 ms on an idle machine; the bound leaves room for a busy one"


def _seconds(place: Place) -> float:
    began = time.perf_counter()
    place.run()
    return time.perf_counter() - began


def test_the_files_name_no_registry_and_no_machine() -> None:
    for path in (CHECKOUT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert not any(word in text for word in ("://", "--index", "--find-links", "/root", "/opt", "nvidia-", "triton")), path.name
