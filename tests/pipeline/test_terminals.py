"""Streams, places and names as they come in the field, through the real command line."""

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pete.resources import PROJECT
from tests.pipeline.conftest import FAKE
from tests.unit.test_terminal import drives

SHORT = ["--set", "train.steps=3", "--set", "train.accumulation=1"]
ROWS = FAKE[:6]
HOSTILE = "\x1b]0;owned\x07\x9b2J\u202e"
NOBODY = """import pwd, runpy, sys
def nobody(_): raise KeyError("no such user")
pwd.getpwuid = nobody
sys.argv[0] = "pete"
runpy.run_module("pete", run_name="__main__")
"""


def pete(*args: object, stdin: bytes = b"", start: tuple[str, ...] = ("-m", "pete"), **given) -> subprocess.CompletedProcess[bytes]:
    """The finished process; `environment` is added to this one's, and None takes a name away."""
    changed = {"PYTHONPATH": str(PROJECT / "src"), "COLUMNS": "100"} | given.pop("environment", {})
    environment = {name: value for name, value in (os.environ | changed).items() if value is not None}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | given
    done = subprocess.run([sys.executable, *start, *map(str, args)], input=stdin, env=environment, timeout=120, check=False, **pipes)
    assert b"Traceback" not in (done.stdout or b"") + (done.stderr or b""), done.stderr.decode()
    return done


@pytest.fixture
def odd(persona_folder, tmp_path) -> Path:
    """A persona with escapes and markup wherever a text can stand, in a folder that is called so too."""
    folder = tmp_path / "🎨 voices [draft] [/x]" / f"it's \"\x1b[31m\x7f\n{tmp_path.name}"
    shutil.copytree(persona_folder, folder)
    toml = json.dumps(f"Ada {HOSTILE}").replace("\x7f", "\\u007f")
    text = (folder / "persona.toml").read_text().replace('"Ada"', toml).replace("[categories]", '[categories]\n"[/x]" = "[bold]\\u001b[2J"')
    (folder / "persona.toml").write_text(text)
    row = {"prompt": f"Say [/x] {HOSTILE}", "completion": f"[/bold] :smile: {HOSTILE}", "category": "[/x]", "topic": "x"}
    (folder / "examples" / "odd.jsonl").write_text(json.dumps(row) + "\n")
    return folder


def test_a_run_of_odd_names_below_a_home_folder(odd, tmp_path):
    """~ in PETE_CACHE, PETE_RUNS, --out and --suite; a relative folder; nothing reaches the screen that is not text."""
    home, here = tmp_path / "home", odd.parent
    home.mkdir()
    shutil.copy(odd / "prompts.jsonl", home / "mine.jsonl")
    given = {"environment": {"HOME": str(home), "PETE_RUNS": "~/runs", "PETE_CACHE": "~/cache"}, "cwd": here}
    done = [
        pete("train", f"--persona={odd.name}", "--out=~/runs/[b] one", *FAKE, *SHORT, **given),
        pete("data", "check", f"--persona={odd}", *ROWS, **given),
        pete("data", "show", f"--persona={odd}", "--first=25", "--rows=1", *ROWS, **given),
        pete("evaluate", "~/runs/[b] one", "--suite=~/mine.jsonl", "--samples=1", "--set", "generate.max_new_tokens=9", **given),
        pete("chat", "--set", "generate.max_new_tokens=9", stdin=b"Hello\n/save ~/talk.json\n", **given),
    ]
    assert all(d.returncode in ((0, 1, 3) if "evaluate" in d.args else (0,)) for d in done), [d.stderr for d in done]
    for each in done:
        for stream in (each.stdout, each.stderr):
            assert not drives(stream.decode()), each.args
    trained, checked, shown = (d.stdout.decode() for d in done[:3])
    assert "voices [draft] [/x]" in trained and "pete test '[b] one'" in trained, "below PETE_RUNS its name is enough"
    assert "25 rows" in checked and "[bold][2J" in checked and "[/bold] :smile:" in shown
    assert (home / "runs" / "[b] one" / "evaluations" / "suite.json").is_file() and (home / "talk.json").is_file()
    assert (home / "cache").is_dir() and {p.name for p in here.iterdir()} == {odd.name}, "no folder called ~"


def test_a_terminal_without_such_characters_and_without_a_width(odd):
    for verb, encoding, columns in ((("check",), "ascii", "0"), (("show", "--first", 25), "latin-1", "99999999")):
        environment = {"PYTHONIOENCODING": encoding, "COLUMNS": columns, "LINES": "0", "TERM": None}
        done = pete("data", *verb, "--persona", odd, *ROWS, environment=environment)
        assert done.returncode == 0 and "[/x]" in done.stdout.decode(encoding).replace("[bold][2J", "[/x]"), done.stderr


def test_no_home_and_no_name(persona_folder, tmp_path):
    nobody = {"start": ("-c", NOBODY)}
    without = dict.fromkeys(("HOME", "PETE_CACHE", "PETE_RUNS", "XDG_CACHE_HOME", "HF_HOME"))
    refused = pete("data", "check", "--persona", persona_folder, *ROWS, environment=without, **nobody)
    assert refused.returncode == 2 and all(name in refused.stderr for name in (b"HOME", b"PETE_CACHE", b"HF_HOME"))
    given = without | {"PETE_CACHE": str(tmp_path / "cache"), "PETE_RUNS": str(tmp_path / "runs")}
    for verb in (("doctor", *ROWS), ("train", "--persona", persona_folder, *FAKE, *SHORT)):
        done = pete(*verb, environment=given, **nobody)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def run(persona_folder, tmp_path) -> Path:
    """A trained run, whose training had neither a screen nor a keyboard."""
    folder = tmp_path / "a run"
    train = subprocess.list2cmdline(
        [sys.executable, "-m", "pete", "train", "--persona", str(persona_folder), "--out", str(folder), *FAKE, *SHORT]
    )
    environment = os.environ | {"PYTHONPATH": str(PROJECT / "src")}
    assert subprocess.run(["sh", "-c", f"exec {train} <&- >&- 2>&-"], env=environment, timeout=120, check=False).returncode == 0
    assert (folder / "adapter").is_dir()
    return folder


def test_what_is_typed_and_what_an_adapter_says(run):
    talk = b"caf\xe9 please\nHello\n/system\n"
    for environment in ({}, {"LC_ALL": "C"}):
        done = pete("chat", run, "--set", "generate.max_new_tokens=9", stdin=talk, environment=environment)
        said = done.stderr.decode()
        assert done.returncode == 0 and said.count("not UTF-8") == 1 and done.stdout.strip(), "the next line is answered"
        assert said.index("not UTF-8") < said.index("system:")

    lineage = json.loads((run / "adapter" / "pete.json").read_text())
    lineage |= {name: f"{name} {HOSTILE}" for name in ("persona", "base", "description")}
    (run / "adapter" / "pete.json").write_text(json.dumps(lineage))
    closed = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-m", "pete", "chat", str(run)],
        env=os.environ | {"PYTHONPATH": str(PROJECT / "src")}, capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert closed.returncode == 0 and b"Traceback" not in closed.stderr
    assert b"persona ]0;owned" in closed.stderr and not drives(closed.stderr.decode())
    (run / "adapter" / "pete.json").write_text(json.dumps(lineage | {"base_fingerprint": "0" * 64}))
    refused = pete("chat", run)
    assert refused.returncode == 2 and b"was made for base ]0;owned" in refused.stderr and not drives(refused.stderr.decode())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_is_a_sentence_and_ends_no_training(persona_folder, tmp_path):
    with open("/dev/full", "wb") as full:
        done = pete("data", "check", "--json", "--persona", persona_folder, *ROWS, stdout=full)
        assert done.returncode == 1 and b"could not be written: No space left" in done.stderr and done.stderr.count(b"\n") == 2
        trained = pete("train", "--persona", persona_folder, "--out", tmp_path / "a run", *FAKE, *SHORT, stdout=full)
        assert trained.returncode == 0 and b"No space left" in trained.stderr and (tmp_path / "a run" / "adapter").is_dir()
        assert pete("data", "check", "no-such-file", stdout=full, stderr=full).returncode == 2


def test_a_reader_that_went_away(persona_folder, tmp_path):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as gone:
        shown = pete("data", "show", "--rows", 24, "--persona", persona_folder, *ROWS, stdout=gone)
        assert shown.returncode == 141 and not shown.stderr
        trained = pete("train", "--persona", persona_folder, "--out", tmp_path / "a run", *FAKE, *SHORT, stdout=gone, stderr=gone)
        assert trained.returncode == 0 and (tmp_path / "a run" / "adapter").is_dir()


def on_terminal(*args: str, **environment: str | None) -> str:
    """What a verb writes on a terminal of its own."""
    master, slave = pty.openpty()
    quiet = dict.fromkeys(("NO_COLOR", "FORCE_COLOR", "CLICOLOR"))
    pete(*args, stdout=slave, stderr=slave, environment=quiet | environment)
    os.close(slave)
    written = b""
    try:
        while chunk := os.read(master, 4096):
            written += chunk
    except OSError:  # Linux says the end so
        pass
    os.close(master)
    return written.decode()


def test_colour_only_where_it_is_wanted():
    wrong = ("data", "check", "no-such-file")
    assert "\x1b[1;31mpete:\x1b[0m" in on_terminal(*wrong, TERM="xterm")
    for environment in ({"NO_COLOR": "1", "TERM": "xterm"}, {"TERM": None}):
        said = on_terminal(*wrong, **environment)
        assert "there is no such file" in said and "\x1b" not in said, environment
