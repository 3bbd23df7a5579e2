"""From readings to findings: what is good, what costs time, what forbids a run, and what each says to do."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from pete.config import Config
from pete.errors import UserError
from pete.machine.doctor import Checkup, MachineFinding, check_machine
from pete.machine.memory import Memory
from pete.machine.probes import Probes
from pete.resources import PROJECT
from pete.tracking.keys import has_key
from tests.unit.machine.macs import GIB, HOME, M1, M4_PRO, mac

RUNS = HOME / "pete" / "runs"
PYTHIA = {"model": {"base": "EleutherAI/pythia-1.4b", "revision": "main"}}
CACHED = {
    "/Users/ada/.cache/huggingface/hub/models--EleutherAI--pythia-1.4b/refs/main": "fedc38a16e\n",
    "/Users/ada/.cache/huggingface/hub/models--EleutherAI--pythia-1.4b/snapshots/fedc38a16e/config.json": "{}",
    "/Users/ada/.cache/huggingface/hub/models--EleutherAI--pythia-1.4b/snapshots/fedc38a16e/model.safetensors": "",
}


def config(**sections: dict) -> Config:
    return Config.model_validate({"train": {"epochs": 1}, **sections})


def examine(probes: Probes | None = None, folder: Path = RUNS, thorough: bool = False, **sections: dict) -> Checkup:
    return check_machine(config(**sections), folder, has_key, probes or mac(), thorough=thorough)


def noted(checkup: Checkup) -> dict[str, str]:
    """Everything that is not good: name -> level."""
    return {finding.name: finding.level for finding in checkup.findings if finding.level != "good"}


def one(checkup: Checkup, name: str) -> MachineFinding:
    found = [finding for finding in checkup.findings if finding.name == name]
    assert len(found) == 1, (name, checkup.findings)
    return found[0]


def test_a_good_mac_is_good_in_every_point():
    checkup = examine(thorough=True)
    assert noted(checkup) == {} and checkup.refusal() is None
    assert {f.name for f in checkup.findings} == {
        "chip", "system", "heat", "python", "torch", "mlx", "memory", "swap", "disk", "power", "low power",
        "sleep", "cloud", "gpu memory", "wandb", "network",
    }  # fmt: skip
    assert all(f.found.endswith(".") and not f.advice for f in checkup.findings)
    assert checkup.lines() == ["Apple M4 Pro with 24 GB (15 GB free), macOS 26.1, torch 2.14.1, on mains power"]
    assert one(checkup, "chip").found == "Apple M4 Pro with 12 cores, 16 for graphics."
    assert checkup.facts["gpu_cores"] == 16 and checkup.facts["memory"] == 24 * GIB and checkup.facts["build"] == "25B78"


def test_an_m1_on_battery_says_what_to_do():
    checkup = examine(mac(M1, Memory(8 * GIB, GIB, 5 * GIB)))
    assert noted(checkup) == {"power": "caution", "low power": "caution", "memory": "caution", "swap": "caution"}
    assert "37%" in one(checkup, "power").found and "pete resume" in one(checkup, "power").advice
    assert len(checkup.lines()) == 5 and checkup.lines()[0].endswith("on battery, 37%")
    assert all(f.advice for f in checkup.findings if f.level != "good")


@pytest.mark.parametrize(
    ("probes", "sections", "name", "level", "words"),
    [
        (mac(M4_PRO | {"sysctl -n sysctl.proc_translated": "1\n"}, machine="x86_64"), {}, "chip", "stop", "Rosetta"),
        (mac(M4_PRO | {"sysctl -n sysctl.proc_translated": "0\n"}, machine="x86_64"), {}, "chip", "stop", "Intel"),
        (mac(M4_PRO | {"sw_vers": "ProductVersion:\t\t13.7.2\n"}), {}, "system", "stop", "13.7.2"),
        (mac(M4_PRO | {"sw_vers": "ProductVersion:\t\t14.0\n"}), {}, "system", "good", "14.0"),
        (mac(packages={"torch": "2.13.1"}), {}, "torch", "stop", "pytorch#177116"),
        (mac(packages={"torch": "2.14.0a0+git123"}), {}, "torch", "good", "2.14.0"),
        (mac(packages={"torch": "2.9.1"}), {"engine": {"device": "cpu"}}, "torch", "good", "2.9.1"),
        (mac(packages={"torch": "2.13.1"}), {"engine": {"name": "fake"}}, "torch", "caution", "2.13.1"),
        (mac(packages={}), {}, "torch", "stop", "not installed"),
        (mac(packages={}), {"engine": {"name": "fake"}}, "torch", "good", "fake"),
        (mac(), {"engine": {"device": "cuda"}}, "torch", "stop", "CUDA"),
        (mac(packages={"torch": "2.14.1", "mlx": "0.32.4"}), {}, "mlx", "good", "0.32.4"),
        (mac(disk=4_000_000_000), {}, "disk", "caution", "4.0 GB"),
        (mac(disk=GIB // 4), {}, "disk", "stop", "not enough to save a checkpoint"),
        (mac(M4_PRO | {"pmset -g therm": "CPU_Speed_Limit = 60"}), {}, "heat", "caution", "60%"),
        (mac(M4_PRO | {"ioreg -r -k AppleClamshellState -d 1": '"AppleClamshellState" = Yes'}), {}, "lid", "caution", "closed"),
        (mac(M4_PRO | {"pmset -g": " SleepDisabled\t\t1\n sleep  0\n"}), {}, "sleep", "good", "switched off"),
        (mac(M4_PRO | {"pmset -g": " sleep  0\n"}), {}, "sleep", "good", "never by itself"),
        (mac(), {"engine": {"torch": {"mps_high_watermark": 0.0}}}, "gpu memory", "caution", "swaps all night"),
        (mac(environment={"PYTORCH_MPS_HIGH_WATERMARK_RATIO": "0.0"}), {}, "gpu memory", "good", "0.0 in the environment is replaced"),
        (mac(), {"tracking": {"wandb": "offline"}}, "wandb", "stop", "not installed"),
        (mac(packages={"torch": "2.14.1", "wandb": "0.31.0"}), {"tracking": {"wandb": "offline"}}, "wandb", "good", "offline"),
        (mac(packages={"torch": "2.14.1", "wandb": "0.31.0"}), {"tracking": {"wandb": "online"}}, "wandb", "stop", "no key"),
        (mac(), PYTHIA, "network", "good", "the hub, once, to fetch EleutherAI/pythia-1.4b"),
        (mac(files=CACHED), PYTHIA, "network", "good", "Nothing leaves"),
        (mac(files=dict(list(CACHED.items())[:2])), PYTHIA, "network", "good", "the hub, once"),
        (mac(environment={"HF_HUB_OFFLINE": "1"}), PYTHIA, "network", "stop", "HF_HUB_OFFLINE"),
        (mac(files=CACHED, environment={"HF_HUB_OFFLINE": "1"}), PYTHIA, "network", "good", "Nothing leaves"),
    ],
)  # fmt: skip
def test_each_finding(probes, sections, name, level, words):
    checkup = examine(probes, **sections)
    finding = one(checkup, name)
    assert finding.level == level and words in f"{finding.found} {finding.advice}"
    assert bool(finding.advice) == (level != "good")
    assert (checkup.refusal() is not None) == (level == "stop")


def test_night_updates_are_looked_for_in_the_long_form_only():
    tape = M4_PRO | {"defaults read /Library/Preferences/com.apple.SoftwareUpdate AutomaticallyInstallMacOSUpdates": "1\n"}
    assert noted(examine(mac(tape), thorough=True)) == {"updates": "caution"} and noted(examine(mac(tape))) == {}


def test_the_run_folder_and_the_checkout_are_told_apart():
    in_icloud = examine(mac(M4_PRO | {"xattr /Users/ada/Desktop": "com.apple.icloud.desktop\n"}), HOME / "Desktop" / "runs")
    assert "~/Desktop/runs" in one(in_icloud, "cloud").found and "PETE_RUNS" in one(in_icloud, "cloud").advice
    moved = replace(mac(), home=PROJECT.parent)
    dropbox = one(examine(moved, PROJECT.parent / "Dropbox" / "runs"), "cloud")
    assert dropbox.found.startswith("Dropbox copies the run folder")


def test_a_checkout_in_icloud(monkeypatch):
    monkeypatch.setattr("pete.machine.doctor.PROJECT", HOME / "Documents" / "pete")
    finding = one(examine(mac(M4_PRO | {"xattr /Users/ada/Documents": "com.apple.icloud.desktop\n"})), "cloud")
    assert finding.level == "caution" and "this checkout" in finding.found and "cpython#133028" in finding.found


def test_a_key_is_seen_and_never_shown():
    secret = "0123456789abcdef0123456789abcdef01234567"
    probes = mac(packages={"torch": "2.14.1", "wandb": "0.31.0"}, environment={"WANDB_API_KEY": secret})
    checkup = examine(probes, tracking={"wandb": "online"})
    assert one(checkup, "wandb").level == "good" and "numbers only" in one(checkup, "network").found
    assert secret not in f"{checkup.findings}{checkup.facts}{checkup.lines()}"


def test_silence_is_one_caution_and_everything_else_is_left_out():
    checkup = examine(mac({}, memory=Memory(24 * GIB, 15 * GIB, 0)))
    assert noted(checkup) == {"unknown": "caution"}
    assert "pmset -g batt" in one(checkup, "unknown").found and "sw_vers" in one(checkup, "unknown").found
    assert checkup.facts["power"] == "power unknown" and checkup.facts["chip"] == "unknown chip"
    assert checkup.lines()[0].startswith("unknown chip with 24 GB")


def test_nothing_a_probe_does_stops_the_examination():
    def burst(*_):
        raise RuntimeError("burst")

    probes = replace(mac(), run=burst, read=burst, names=burst, memory=burst, disk=burst, version=burst)
    for system in ("Darwin", "Linux"):
        checkup = check_machine(
            config(**PYTHIA, tracking={"wandb": "online"}), RUNS, has_key, replace(probes, system=system), thorough=True
        )
        assert checkup.lines() and checkup.event().findings


def test_a_refusal_names_every_stop():
    checkup = examine(mac(M4_PRO | {"sw_vers": "ProductVersion:\t\t12.6\n"}, packages={}, disk=0))
    refusal = checkup.refusal()
    assert isinstance(refusal, UserError) and refusal.exit_code == 2
    assert len(checkup.stops) == 3 and all(finding.found in refusal.message for finding in checkup.stops)
    assert [line.split(":")[0] for line in checkup.lines()[1:]] == ["stop"] * 3


def test_the_event_holds_no_name_and_no_home():
    event = examine(mac(M1), folder=HOME / "Dropbox" / "runs").event()
    assert {"name", "level", "found", "advice"} == set(event.findings[0]) and event.machine["chip"] == "Apple M1"
    assert "/Users/ada" not in str(event)


def test_findings_of_a_later_look_are_added():
    checkup = examine().plus((MachineFinding("self-test", "stop", "AdamW is off.", "Use the CPU."),), device="mps")
    assert checkup.facts["device"] == "mps" and checkup.lines()[1] == "stop: AdamW is off. Use the CPU."


def test_this_machine_in_a_moment(tmp_path):
    start = time.perf_counter()
    checkup = check_machine(config(), tmp_path, has_key)
    assert time.perf_counter() - start < 5 and "memory" in checkup.facts, "0.1 s where nothing else runs"
