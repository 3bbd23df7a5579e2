"""pete doctor on Macs on paper: what a person reads, what a program reads, and the exit code."""

import json

import pytest
from typer.testing import CliRunner

from pete.cli import app
from pete.engines.torch.selftest import read_lines
from pete.machine.memory import Memory
from tests.unit.machine.macs import GIB, M1, M4_PRO, mac

GOOD = '{"device": "mps", "reason": "found", "checks": ["AdamW"]}\n{"check": "AdamW", "wrong": "", "seconds": 9.1}\n{"fallback": []}\n'


@pytest.fixture
def doctor(monkeypatch, tmp_path):
    """doctor(probes, *args, said=...) -> the finished verb; `said` is what the self-test's process prints."""

    def run(probes, *args, said=GOOD):
        monkeypatch.setattr("pete.machine.doctor.Probes", lambda: probes)
        monkeypatch.setattr("pete.engines.torch.selftest.start_checks", lambda engine: said)
        monkeypatch.setattr("pete.engines.proofs.cache_root", lambda: tmp_path)
        return CliRunner().invoke(app, ["doctor", *args], env={"COLUMNS": "80", "PETE_COMMAND": "./pete"})

    return run


def test_a_good_mac(doctor):
    done = doctor(mac())
    assert done.exit_code == 0 and "This machine can train. 17 good, 0 caution, 0 stop." in done.output
    assert done.output.startswith("Apple M4 Pro with 24 GB (15 GB free), macOS 26.1")
    assert "1 checks of mps against the CPU hold (9.1 s)." in " ".join(done.output.split())
    assert max(map(len, done.output.splitlines())) <= 80


def test_a_mac_on_battery_can_train_and_is_told(doctor):
    done = doctor(mac(M1, Memory(8 * GIB, GIB, 0)), "--preset", "quickstart")
    words = " ".join(done.output.split())
    assert done.exit_code == 0 and "caution power On battery at 37%" in words and "./pete resume goes on" in words
    assert max(map(len, done.output.splitlines())) <= 80


def test_a_stop_is_exit_1_and_json_is_one_document(doctor):
    rosetta = mac(M4_PRO | {"sysctl -n sysctl.proc_translated": "1\n"}, machine="x86_64")
    done = doctor(rosetta)
    assert done.exit_code == 1 and "This machine cannot train as it is." in done.output
    document = json.loads(doctor(rosetta, "--json").stdout)
    assert {f["name"]: f["level"] for f in document["findings"]}["chip"] == "stop"
    assert document["facts"]["chip"] == "Apple M4 Pro" and document["selftest"]["wrong"] == {"AdamW": ""}


def test_a_failed_self_test_stops_and_is_repeated_on_request(doctor):
    bad = GOOD.replace('"wrong": ""', '"wrong": "off by half"')
    assert doctor(mac(), said=bad).exit_code == 1
    assert doctor(mac(), said=GOOD).exit_code == 1, "the answer was kept"
    assert doctor(mac(), "--again", said=GOOD).exit_code == 0
    assert not read_lines(GOOD).failed


def test_no_self_test_without_torch(doctor):
    done = doctor(mac(packages={}), "--set", "engine.name=fake", "--json")
    assert done.exit_code == 0 and json.loads(done.stdout)["selftest"] is None


def test_a_wrong_setting_is_bad_usage(doctor):
    from pete.errors import ConfigError

    done = doctor(mac(), "--set", "engine.devise=mps")
    assert isinstance(done.exception, ConfigError) and "engine.device" in str(done.exception)
