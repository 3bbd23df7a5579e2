"""Asking real programs, also ones that fail, hang or are not there."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from pete.machine.probes import PATIENCE, Probes, free_disk, or_none, run_program
from pete.machine.readings import read_machine
from pete.places import cache_root, hub_cache


def stub(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder before everything else on PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def test_a_program_answers_fails_or_is_missing(on_path):
    stub(on_path, "says", 'printf "%s|" "$@"')
    stub(on_path, "fails", "echo half an answer; exit 3")
    stub(on_path, "broken", "")
    (on_path / "broken").write_bytes(b"\x7fELF nonsense")
    assert run_program(["says", "a b", "c"], 5) == "a b|c|"
    assert run_program(["fails"], 5) is None
    assert run_program(["broken"], 5) is None
    assert run_program(["no-such-program"], 5) is None


def test_the_systems_folders_are_searched_without_a_path(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert run_program(["true"], 5) == ""


def test_a_mac_whose_programs_all_hang_costs_the_patience_and_no_more(on_path):
    names = ("sw_vers", "sysctl", "pmset", "ioreg", "xattr")
    for name in names:
        stub(on_path, name, "exec sleep 30")
    probes = replace(Probes(), system="Darwin", home=on_path)
    start = time.monotonic()
    now = read_machine(probes, [on_path / "Desktop" / "runs"])
    assert PATIENCE <= time.monotonic() - start < PATIENCE + 10, "and not 30 s"
    assert len(now.silent) == 6


def test_disk_of_a_folder_that_is_not_there_yet(tmp_path):
    assert free_disk(tmp_path / "not" / "yet") == pytest.approx(free_disk(tmp_path), rel=0.05)


def test_versions_without_imports():
    version = Probes().version
    assert version("pytest") == pytest.__version__ and or_none(lambda: version("no-such-package")) is None


def test_whatever_a_probe_raises_is_no_answer():
    assert or_none(lambda: 1 / 0) is None and or_none(lambda: 3) == 3


def test_where_things_are_kept():
    home = Path("/Users/ada")
    assert cache_root({}, "darwin", home) == home / "Library/Caches/pete"
    assert cache_root({}, "linux", home) == home / ".cache/pete"
    assert cache_root({"PETE_CACHE": "/big", "XDG_CACHE_HOME": "/x"}, "linux", home) == Path("/big")
    assert hub_cache({}, home) == home / ".cache/huggingface/hub"
    assert hub_cache({"HF_HOME": "/hf"}, home) == Path("/hf/hub")
    assert hub_cache({"HF_HUB_CACHE": "/cache", "HF_HOME": "/hf"}, home) == Path("/cache")


def test_the_hubs_cache_is_where_the_hub_says():
    import os

    from huggingface_hub.constants import HF_HUB_CACHE

    assert hub_cache(os.environ, Path.home()) == Path(HF_HUB_CACHE)
