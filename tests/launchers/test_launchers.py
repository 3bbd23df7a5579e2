"""The launchers as files, and as Finder starts them."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from pete.machine.launchers import NAMES, install
from tests.bootstrap.test_bootstrap import Place
from tests.launchers.conftest import CHECKOUT, MINIMAL, PETE, Finder

RUN, MONITOR, TEST, CHAT, EVALUATE = NAMES
VERBS = {RUN: "train --overnight", MONITOR: "monitor", TEST: "test", CHAT: "chat", EVALUATE: "evaluate --open"}
FILES = [CHECKOUT / "launchers" / name for name in (*NAMES, "_run.sh", "_rewrite.sh")]

# What bash 3.2 or dash lacks, or does its own way.
FOREIGN = r"""\[\[ | \bmapfile\b | \breadarray\b | \|& | &> | <<< | [<>]\( | \$\{\w+(,,|\^\^|@|:\d) | \$'  | \bdeclare\b | \blocal\b |
    ^\s*function\b | \bsource\b\s | \w\+?=\( | \becho\s+-[ne] | \bcoproc\b | == | \bset\s+-o\s+pipefail | \bread\s+-[^r] """


def test_five_small_files_that_an_old_shell_understands():
    assert sorted(NAMES) == sorted(path.name for path in (CHECKOUT / "launchers").glob("*.command"))
    looked = 0
    for path in FILES:
        data = path.read_bytes()
        assert b"\r" not in data and data.endswith(b"\n"), path
        if path.suffix == ".command":
            assert data.count(b"\n") <= 6 and data.startswith(b"#!/bin/sh\n") and os.access(path, os.X_OK), path
        for line in data.decode().split("\n"):
            code = re.sub(r"(^|\s)#.*|'[^']*'", "", line)
            assert not re.search(FOREIGN, code, re.VERBOSE), f"{path.name}: {line}"
            looked += bool(code.strip())
    assert looked > 40


@pytest.mark.parametrize("line", ["x=${1,,}", "mapfile -t a", "a |& b", "[[ -f x ]]", "a=(1 2)", "read -p x y", "b <<<c", "echo -n x"])
def test_the_search_finds_what_it_is_for(line):
    assert re.search(FOREIGN, line, re.VERBOSE)


def test_git_keeps_the_exec_bit():
    if not (CHECKOUT / ".git").exists() or not shutil.which("git"):
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "-s", "launchers/*.command", "scripts/*.py"]
    listed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(listed) >= 9 and all(line.startswith("100755 ") for line in listed)


SHELLS = [(), ("bash", "--posix"), *((shell,) for shell in ("dash", "zsh") if shutil.which(shell))]


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: " ".join(shell) or "by itself")
@pytest.mark.parametrize("installed", [False, True])
@pytest.mark.parametrize("name", list(VERBS))
def test_each_does_its_verb_from_home_and_closes_after_a_key(finder: Finder, name: str, installed: bool, shell: tuple[str, ...]):
    folder = finder.root / "launchers"
    if installed:
        install(finder.desktop, finder.root)
        folder = finder.desktop
    done = finder.start(folder / name, "hello\n\n", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\nDone.\nPress return to close. ")
    assert finder.did() == [f"pete {VERBS[name]} in {finder.home} as {finder.root}/pete"]


@pytest.mark.parametrize(
    ("code", "report", "exit_code", "words"),
    [
        ("1", "written", 0, "What came of it is above."),
        ("1", "old", 1, "That did not work; the reason is above."),
        ("1", "none", 1, "That did not work; the reason is above."),
        ("3", "written", 0, "What came of it is above."),
        ("2", "none", 2, "the reason is above"),
        ("130", "none", 130, "Stopped."),
    ],
)
def test_evaluate_opens_its_report_and_a_verdict_is_no_failure(finder: Finder, code, report, exit_code, words):
    page = finder.root / "runs" / "a run" / "report.html"
    page.parent.mkdir(parents=True)
    if report != "none":
        page.touch()
        os.utime(page, (1e9, 1e9))
    if report == "written":
        finder.program(finder.root / "pete", PETE.replace("eval ", 'sleep 0.1; touch "${0%/*}/runs/a run/report.html"\neval '))
    done = finder.start(finder.root / "launchers" / EVALUATE, EXIT_evaluate=code)
    assert done.returncode == exit_code and words in done.stdout and done.stderr == ""
    assert finder.did() == [f"pete evaluate --open in {finder.home} as {finder.root}/pete"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("1", "That did not work; the reason is above."),
        ("2", "That did not work; the reason is above."),
        ("129", "Stopped. Start this launcher again to go on."),
        ("130", "Stopped. Start this launcher again to go on."),
        ("143", "Stopped. Start this launcher again to go on."),
        ("137", "want of memory"),
    ],
)
def test_an_end_that_is_not_the_end_is_told_in_words(finder: Finder, code, words):
    done = finder.start(finder.root / "launchers" / RUN, EXIT_train=code)
    assert done.returncode == int(code) and words in done.stdout and done.stdout.endswith("Press return to close. ")


def test_a_failure_names_the_newest_log_and_the_page_that_helps(finder: Finder):
    for age, name in ((200, "old"), (100, 'z new "one"'), (300, "older")):
        log = finder.root / "runs" / name / "train.log"
        log.parent.mkdir(parents=True)
        log.touch()
        os.utime(log, (1e9 - age, 1e9 - age))
    done = finder.start(finder.root / "launchers" / RUN, EXIT_train="1")
    assert f'{finder.root}/runs/z new "one"/train.log\n' in done.stdout
    assert f"{finder.root}/docs/troubleshooting.md\n" in done.stdout and (CHECKOUT / "docs/troubleshooting.md").is_file()
    elsewhere = finder.start(finder.root / "launchers" / RUN, EXIT_train="1", PETE_RUNS=str(finder.home))
    assert "train.log" not in elsewhere.stdout and elsewhere.stderr == ""


def test_a_window_stays_until_return_is_pressed(finder: Finder):
    window = finder.window(finder.root / "launchers" / RUN, EXIT_train="1")
    window.wait_for("Press return to close.")
    assert "the reason is above" in window.text and window.is_open()
    window.type("\n")
    assert window.ended() == 1


def test_ctrl_c_is_for_pete_and_the_window_says_how_it_ended(finder: Finder):
    finder.program(finder.root / "pete", "#!/bin/sh\ntrap 'echo saved; exit 130' INT\necho at work\nwhile :; do sleep 0.05; done\n")
    window = finder.window(finder.root / "launchers" / RUN)
    window.wait_for("at work")
    window.type("\x03")
    window.wait_for("Press return to close.")
    assert "saved" in window.text and "Start this launcher again to go on" in window.text
    window.type("\n")
    assert window.ended() == 130


@pytest.mark.parametrize("name", NAMES)
def test_a_launcher_moved_away_from_its_checkout_says_what_to_do(finder: Finder, name: str):
    moved = Path(shutil.move(finder.root / "launchers" / name, finder.desktop / name))
    done = finder.start(moved)
    assert (done.returncode, done.stderr, finder.did()) == (1, "", [])
    assert done.stdout == f"Pete is not in {finder.desktop}.\nIn its folder run ./pete launchers install\nPress return to close."


def test_a_checkout_moved_away_from_its_launchers_says_what_to_do(finder: Finder, tmp_path: Path):
    install(finder.desktop, finder.root)
    moved = Path(shutil.move(finder.root, tmp_path / "elsewhere"))
    done = finder.start(finder.desktop / RUN)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(f"Pete is not in {finder.root}.\nIn its folder run ./pete launchers install\n")
    install(finder.desktop, moved)
    assert finder.start(finder.desktop / RUN).returncode == 0 and finder.did() == [
        f"pete train --overnight in {finder.home} as {moved}/pete"
    ]


def test_half_a_checkout_says_so(finder: Finder):
    (finder.root / "pete").unlink()
    done = finder.start(finder.root / "launchers" / RUN)
    assert done.returncode == 1 and "not complete" in done.stdout and done.stdout.endswith("Press return to close. ") and done.stderr == ""


def test_a_link_to_a_launcher_works(finder: Finder):
    (finder.desktop / "Pete").symlink_to(finder.root / "launchers" / MONITOR)
    assert finder.start(finder.desktop / "Pete").returncode == 0
    assert finder.did() == [f"pete monitor in {finder.home} as {finder.root}/pete"]


# --- through the real ./pete and its bootstrap, with stub uv and Python ------------------------------------------------


class Mac(Place):
    """The bootstrap tests' place with launchers in it: real shell files, no real uv or Python but stubs."""

    def __init__(self, tmp: Path) -> None:
        super().__init__(tmp)
        shutil.copytree(CHECKOUT / "launchers", self.root / "launchers")
        for name in ("grep", "head", "ls", "rm"):
            if not (self.bin / name).exists():
                (self.bin / name).symlink_to(str(shutil.which(name)))
        self.env["SYSTEM"] = "Darwin"

    def click(self, name: str = RUN, **env: str) -> subprocess.CompletedProcess[str]:
        return self.run("", command=[str(self.root / "launchers" / name)], cwd=Path(self.env["HOME"]), **env)


@pytest.fixture
def mac(tmp_path: Path) -> Mac:
    return Mac(tmp_path)


def test_uv_only_in_homebrews_place(mac: Mac, tmp_path: Path):
    done = mac.uv(tmp_path / "homebrew").click()
    assert done.returncode == 0, done.stderr
    assert "[train]\n[--overnight]\n" in done.stdout and "Done." in done.stdout
    assert mac.did() == ["uv venv", "python venv", "uv pip requirements/macos.txt"]


def test_no_uv_and_no_python_is_told_and_the_window_stays(mac: Mac):
    done = mac.click()
    assert done.returncode == 2 and "docs.astral.sh/uv" in done.stderr and "python.org" in done.stderr
    assert done.stdout.startswith("\nThat did not work; the reason is above.") and done.stdout.endswith("Press return to close. ")


def test_an_error_of_pete_reaches_the_window(mac: Mac, tmp_path: Path):
    done = mac.uv(tmp_path / "homebrew").click(CHAT, PETE_EXIT="2")
    assert done.returncode == 2 and "[chat]" in done.stdout and "the reason is above" in done.stdout


FRESH = """root=$1; . "$1/scripts/bootstrap.sh"
what=run; asked=; platform=linux; [ "$(uname -s)" != Darwin ] || platform=macos
fresh"""


def test_the_checkouts_own_launcher_with_its_own_environment(tmp_path: Path):
    """The real ./pete, .venv and command line in Finder's environment; there is no run, and that is said."""
    if subprocess.run(["sh", "-c", FRESH, "sh", CHECKOUT]).returncode:
        pytest.skip("this checkout's .venv is not what ./pete would leave: the launcher would install first, with uv's cache in the home")
    home = tmp_path / "home"
    home.mkdir()
    env = {"HOME": str(home), "PATH": MINIMAL, "PETE_RUNS": str(tmp_path / "no runs")}
    command = [str(CHECKOUT / "launchers" / CHAT)]
    done = subprocess.run(command, cwd=home, env=env, input="\n", capture_output=True, text=True, timeout=60)
    assert done.returncode == 2, done.stderr
    assert "There is no run" in done.stderr and f"{shlex.quote(f'{CHECKOUT}/pete')} quickstart" in done.stderr, (
        "a command that can be pasted"
    )
    assert "the reason is above" in done.stdout and list(home.iterdir()) == [], "nothing is left in the home folder"
