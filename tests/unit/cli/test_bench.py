import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pete.app import bench as verb
from pete.cli import app
from pete.cli.bench import show
from pete.cli.console import console
from pete.report.bench import Load
from tests.bench import a_bench


def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str = "140", **given: object) -> str:
    monkeypatch.setenv("COLUMNS", columns)
    show(console(), a_bench(**given))
    return capsys.readouterr().out


def test_each_number_stands_beside_its_ratios(capsys, monkeypatch):
    said = shown(capsys, monkeypatch)
    line = {line.split("  ")[0].strip(): line for line in said.splitlines() if line.strip()}
    assert all(word in line["peft, Trainer"] for word in ("100", "90-104", "3 GB", "2.900", "25%", "4.0x"))
    assert "80%" in line["Pete"] and "x" not in line["Pete"].partition("80%")[2]
    assert "17.0 GB/s" in said and "70%" in line["Pete, llama"] and "3.0x" in line["Pete, llama"]
    assert "pete install bench" in said and "~" not in said and "busy" not in said
    assert line["matrix floor"].split()[2] == "500" and "90 GFLOP/s" in said and "after 330 tokens" in said


def test_it_fits_a_terminal_of_80_columns(capsys, monkeypatch):
    said = shown(capsys, monkeypatch, columns="80")
    assert max(map(len, said.splitlines())) <= 80 and "\u2026" not in said
    assert any("peft, Trainer" in line and "4.0x" in line for line in said.splitlines())


def test_a_busy_machine_is_marked_at_every_figure(capsys, monkeypatch):
    said = shown(capsys, monkeypatch, load=Load(2, 1.5, 0.3))
    assert "busy: 1.5 of 2 cores at other work before, 0.3 during" in said and said.count("~") >= 8


def test_json_is_one_document_and_files_are_named(monkeypatch, tmp_path: Path):
    asked = []

    def bench(config, notify, out, quick, steps):
        asked.append((config.lora.rank, out, quick, steps))
        return a_bench()

    monkeypatch.setattr(verb, "bench", bench)
    done = CliRunner().invoke(app, ["bench", "--quick", "--json", "--out", str(tmp_path), "--set", "lora.rank=4", "--steps", "3"])
    assert json.loads(done.stdout)["base"] == "a-base" and asked == [(4, tmp_path, True, 3)]
    done = CliRunner().invoke(app, ["bench", "--out", str(tmp_path)], env={"COLUMNS": "140"})
    assert done.exit_code == 0 and str(tmp_path / "bench.svg") in done.stdout and asked[1] == (16, tmp_path, False, None)
