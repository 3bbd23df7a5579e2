import json
import os
import signal
import time
from dataclasses import replace
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


def test_a_way_that_came_less_far_is_marked_and_so_is_a_first_step(capsys, monkeypatch):
    whole = a_bench()
    assert "*" not in shown(capsys, monkeypatch)
    report, trainer, ours = whole.devices[0].trained
    first = replace(report, tokens=(100,), warm_up=0, learned=100)
    less = replace(trainer, tokens=(100,), learned=210)
    said = shown(capsys, monkeypatch, devices=(replace(whole.devices[0], trained=(first, less, ours)),))
    assert "the report's way *  " in said and "peft, Trainer *  " in said and "Pete *" not in said
    assert "* the report's way: the first step, as there was no time to warm up, 100 tokens learned" in said
    assert "* peft, Trainer: 1 step after 1 to warm up, 210 tokens learned" in said and "2 steps of 4 rows after 1 to warm up" in said
    alike = tuple(replace(one, tokens=(100,), warm_up=0, learned=100) for one in (report, trainer, ours))
    said = shown(capsys, monkeypatch, devices=(replace(whole.devices[0], trained=alike),))
    assert "* the report's way; peft, Trainer; Pete: the first step" in said


def test_what_was_stopped_shows_what_there_is(capsys, monkeypatch):
    whole = a_bench()
    some = tuple(replace(one, held_out=None, ours_over=None) for one in whole.devices[0].trained[:2])
    device = replace(whole.devices[0], base_loss=None, trained=some, decoded=())
    said = shown(capsys, monkeypatch, devices=(device,), finished=False, left_out={"Pete": "not reached"})
    assert "stopped before its end" in said and "Pete: not reached" in said and "None" not in said
    assert "stopped" not in shown(capsys, monkeypatch)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stop_shows_the_table_so_far_and_says_so_to_the_shell(monkeypatch, tmp_path: Path, number: signal.Signals, code: int):
    def bench(*given: object):
        try:
            os.kill(os.getpid(), number)
            time.sleep(10)
        except KeyboardInterrupt:
            return a_bench(finished=False)
        raise AssertionError("the signal was lost")

    monkeypatch.setattr(verb, "bench", bench)
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    done = CliRunner().invoke(app, ["bench", "--out", str(tmp_path)], env={"COLUMNS": "140"})
    assert done.exit_code == code and "stopped before its end" in done.stdout and "peft, Trainer" in done.stdout
    done = CliRunner().invoke(app, ["bench", "--json", "--out", str(tmp_path)])
    assert done.exit_code == code and json.loads(done.stdout)["finished"] is False
    assert before == (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT))


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
