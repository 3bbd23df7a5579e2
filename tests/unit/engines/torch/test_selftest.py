"""What is made of the self-test's answers, and how long they are kept; the checks: tests/engines/test_selftest_checks.py."""

import json
import stat

import pytest

from pete.config import Config
from pete.engines import check_device
from pete.engines.torch import selftest as module
from pete.engines.torch.selftest import needs_selftest, read_lines, selftest
from pete.machine.device_check import DEAD, DeviceCheck
from pete.machine.doctor import device_findings

FACTS = {"torch": "2.14.1", "os": "macOS", "system": "macOS 26.1", "build": "25B78", "chip": "Apple M4 Pro", "python": "3.13.1 arm64"}
FIRST = {"device": "mps", "reason": "found", "checks": ["output head", "AdamW"]}
HEAD = {"check": "output head", "wrong": "", "seconds": 2.5}
ADAMW = {"check": "AdamW", "wrong": "", "seconds": 0.5}
END = {"fallback": ["aten::frexp.Tensor"]}


def config(**engine: object) -> Config:
    return Config.model_validate({"train": {"epochs": 1}, "engine": engine})


def printed(*records: dict) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def test_all_is_well():
    outcome = read_lines(printed(FIRST, HEAD, ADAMW, END))
    assert not outcome.failed and outcome.seconds == 3.0
    (finding,) = device_findings(outcome, "macOS")
    assert finding.level == "good" and "2 checks of mps against the CPU" in finding.found and "aten::frexp.Tensor" in finding.found


def test_a_failed_check_forbids_a_gpu_and_cautions_on_a_cpu():
    wrong = HEAD | {"wrong": "its gradient is off by 0.9 of its largest value"}
    (finding,) = device_findings(read_lines(printed(FIRST, wrong, ADAMW, END)), "macOS")
    assert (finding.level, finding.found) == ("stop", "On mps, output head: its gradient is off by 0.9 of its largest value.")
    assert "--set engine.device=cpu" in finding.advice
    (finding,) = device_findings(read_lines(printed(FIRST | {"device": "cpu"}, wrong, ADAMW, END)), "Linux")
    assert finding.level == "caution"


@pytest.mark.parametrize("text", [printed(FIRST, HEAD), printed(FIRST, HEAD) + '{"check": "Ada'])
def test_a_process_that_dies_in_a_check_names_it(text):
    outcome = read_lines(text)
    assert outcome.failed and outcome.unfinished == "AdamW"
    assert device_findings(outcome, "macOS")[0].level == "stop" and "AdamW" in device_findings(outcome, "macOS")[0].found


@pytest.mark.parametrize("text", [None, "", "Traceback (most recent call last):\n", "[1, 2]\n", "\x00"])
def test_a_torch_that_does_not_start(text):
    outcome = read_lines(text)
    assert outcome.refused == DEAD and device_findings(outcome)[0].level == "stop" and "./pete" in device_findings(outcome)[0].advice


def test_a_device_that_is_not_there():
    (finding,) = device_findings(read_lines(printed({"refused": "engine.device = 'mps', and there is none here."})), "macOS")
    assert finding.level == "stop" and "engine.device=auto" in finding.advice


def test_a_mac_that_would_train_on_its_cpu_is_told():
    outcome = read_lines(printed(FIRST | {"device": "cpu", "reason": "no GPU that PyTorch can use"}, HEAD, ADAMW, END))
    assert [f.level for f in device_findings(outcome, "macOS")] == ["caution", "good"]
    assert [f.level for f in device_findings(outcome, "Linux")] == ["good"]


class Starter:
    """Counts the starts, and prints what it is told to."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.count = 0

    def __call__(self, engine: object) -> str:
        self.count += 1
        return self.text


def test_an_answer_is_kept_for_this_torch_build_and_chip(tmp_path):
    start = Starter(printed(FIRST, HEAD, ADAMW, END))

    def ask(facts: dict = FACTS, **more: bool) -> DeviceCheck | None:
        return selftest(config(), facts, folder=tmp_path, start=start, **more)

    first, second = ask(), ask()
    assert first == second and start.count == 1
    assert (
        first is not None
        and second is not None
        and second.remembered
        and not first.remembered
        and ", on " in device_findings(second)[0].found
    )
    for number, changed in enumerate(({"torch": "2.15.0"}, {"build": "25C99"}, {"chip": "Apple M5"}), 2):
        ask(FACTS | changed)
        assert start.count == number
    ask(FACTS | {"chip": "Apple M5"}, again=True)
    assert start.count == 5
    for number, damage in enumerate(("{broken", "[]", "{}"), 6):
        for kept in tmp_path.iterdir():
            kept.write_text(damage)
        ask(FACTS | {"chip": "Apple M5"})
        assert start.count == number


def test_a_failure_is_kept_a_hang_is_not(tmp_path):
    bad = Starter(printed(FIRST, HEAD | {"wrong": "off"}, ADAMW, END))
    hung = Starter(printed(FIRST, HEAD))
    dead = Starter("")
    for starter, times in ((bad, 1), (hung, 2), (dead, 2)):
        for _ in range(2):
            outcome = selftest(config(), FACTS, folder=tmp_path / str(id(starter)), start=starter)
            assert outcome is not None and outcome.failed
        assert starter.count == times


def test_a_cache_that_cannot_be_written_costs_nothing(tmp_path):
    (tmp_path / "cache").write_text("a file in the way")
    outcome = selftest(config(), FACTS, folder=tmp_path / "cache", start=Starter(printed(FIRST, HEAD, ADAMW, END)))
    assert outcome is not None and not outcome.failed


def test_without_torch_there_is_nothing_to_test(tmp_path):
    start = Starter("")
    assert check_device(config(name="fake"), FACTS) is None
    assert selftest(config(), FACTS | {"torch": "not installed"}, folder=tmp_path, start=start) is None
    assert start.count == 0


def test_only_a_macs_gpu_is_tested_before_a_run():
    assert needs_selftest(config(), FACTS) and needs_selftest(config(device="mps"), FACTS)
    assert not needs_selftest(config(device="cpu"), FACTS)
    assert check_device(config(device="cpu"), FACTS, before_run=True) is None
    assert not needs_selftest(config(), FACTS | {"os": "Linux"})


def test_a_process_that_hangs_is_ended_and_what_it_said_is_kept(tmp_path, monkeypatch):
    stub = tmp_path / "python"
    stub.write_text(f"#!/bin/sh\ncat <<'END'\n{printed(FIRST, HEAD)}END\nexec sleep 30\n")
    stub.chmod(stub.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(module.sys, "executable", str(stub))
    monkeypatch.setattr(module, "LONGEST", 0.5)
    assert read_lines(module.start_checks(config().engine)).unfinished == "AdamW"
    monkeypatch.setattr(module.sys, "executable", str(tmp_path / "nowhere"))
    assert read_lines(module.start_checks(config().engine)).refused == DEAD


def test_the_process_gets_the_environment_of_training(tmp_path, monkeypatch):
    stub = tmp_path / "python"
    stub.write_text(
        '#!/bin/sh\nprintf "%s" "$*|$PYTORCH_MPS_HIGH_WATERMARK_RATIO|$PYTORCH_MPS_LOW_WATERMARK_RATIO|$PYTORCH_ENABLE_MPS_FALLBACK"\n'
    )
    stub.chmod(stub.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(module.sys, "executable", str(stub))
    monkeypatch.setenv("PYTORCH_MPS_LOW_WATERMARK_RATIO", "1.9")
    monkeypatch.setenv("PYTORCH_ENABLE_MPS_FALLBACK", "0")
    said = module.start_checks(config(device="mps", torch={"mps_high_watermark": 0.0}).engine)
    assert said == "-P -m pete.engines.torch.selftest_checks mps|0.0||1"
