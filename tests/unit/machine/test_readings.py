"""What the programs of a Mac, and the files of a Linux machine, are read as."""

from dataclasses import replace
from pathlib import Path

import pytest

from pete.machine.probes import Probes
from pete.machine.readings import read_machine
from tests.unit.machine.macs import GIB, HOME, M1, M4_PRO, MINI, mac


def test_an_m4_pro_on_mains_power():
    now = read_machine(mac(), thorough=True)
    assert (now.os, now.version, now.build, now.chip, now.gpu_cores) == ("macOS", "26.1", "25B78", "Apple M4 Pro", 16)
    assert (now.on_battery, now.battery, now.low_power, now.lid_closed, now.heat) == (False, 80, False, False, "")
    assert (now.sleep_minutes, now.sleep_disabled, now.translated, now.updates_by_itself, now.silent) == (1, False, False, False, ())


def test_an_m1_on_battery_in_low_power_mode():
    now = read_machine(mac(M1))
    assert (now.version, now.chip, now.on_battery, now.battery, now.low_power) == ("14.6.1", "Apple M1", True, 37, True)


def test_a_desktop_has_no_battery_and_no_lid():
    now = read_machine(mac(MINI))
    assert (now.on_battery, now.battery, now.lid_closed, now.sleep_minutes, now.sleep_disabled) == (False, None, None, 0, True)
    assert now.silent == ()


@pytest.mark.parametrize(
    ("key", "low"),
    [(" powermode            0", False), (" powermode            1", True), (" powermode            2", False),
     (" lowpowermode         1", True), ("", False)],
)  # fmt: skip
def test_low_power_mode_by_its_old_and_its_new_name(key, low):
    assert read_machine(mac(M4_PRO | {"pmset -g": f"Currently in use:\n sleep  5\n{key}\n"})).low_power is low


@pytest.mark.parametrize(
    ("said", "heat"),
    [
        ("CPU Power notify\n\tCPU_Scheduler_Limit \t= 100\n\tCPU_Speed_Limit \t= 64\n", "the processor is held at 64% of its speed"),
        ("CPU Power notify\n\tCPU_Speed_Limit \t= 100\n", ""),
        ("2026-11-25 Thermal Warning Level = 2\n", "macOS reports a thermal warning of level 2"),
        ("Thermal Warning Level = 0\n", ""),
        ("it is rather warm\n", None),
    ],
)  # fmt: skip
def test_heat(said, heat):
    assert read_machine(mac(M4_PRO | {"pmset -g therm": said})).heat == heat


def test_rosetta_and_night_updates():
    tape = M4_PRO | {
        "sysctl -n sysctl.proc_translated": "1\n",
        "defaults read /Library/Preferences/com.apple.SoftwareUpdate AutomaticallyInstallMacOSUpdates": "1\n",
    }
    now = read_machine(mac(tape, machine="x86_64"), thorough=True)
    assert now.translated and now.updates_by_itself


def test_the_short_form_does_not_ask_the_slow_programs():
    probes = mac()
    read_machine(probes)
    asked = probes.run.__self__.asked  # type: ignore[attr-defined]
    assert len(asked) == 7 and not any(name.startswith(("system_profiler", "defaults", "xattr")) for name in asked)


@pytest.mark.parametrize(
    "nonsense", ["", "\x00\xff garbage", "sleep sleep sleep", "Now drawing from 'Moon Power'\n -InternalBattery-0 999999%", "-1"]
)
def test_nonsense_is_unknown_and_named(nonsense):
    now = read_machine(mac(dict.fromkeys(M4_PRO, nonsense) | {"sysctl -n machdep.cpu.brand_string": ""}), thorough=True)
    assert (now.version, now.chip, now.on_battery, now.battery, now.sleep_minutes, now.low_power, now.lid_closed) == (None,) * 7
    assert {"sw_vers", "pmset -g", "pmset -g batt", "pmset -g therm", "system_profiler SPDisplaysDataType"} <= set(now.silent)


def test_programs_that_are_missing_or_raise():
    def burst(command, seconds):
        raise OSError("no more processes")

    for probes in (mac({}), replace(mac(), run=burst, memory=lambda: 1 / 0)):
        now = read_machine(probes, [HOME / "Desktop" / "runs"])
        assert now.version is None and "xattr" in now.silent and len(now.silent) == 6


@pytest.mark.parametrize(
    ("folder", "who"),
    [
        ("Library/Mobile Documents/com~apple~CloudDocs/pete/runs", "iCloud Drive"),
        ("Library/CloudStorage/OneDrive-Contoso/runs", "OneDrive"),
        ("Library/CloudStorage/GoogleDrive-ada@example.org/My Drive", "GoogleDrive"),
        ("Library/CloudStorage", ""),
        ("Dropbox/runs", "Dropbox"),
        ("Dropboxes/runs", ""),
        ("Desktop/pete", ""),
        ("pete/Desktop", ""),
        ("", ""),
    ],
)
def test_folders_that_a_cloud_copies(folder, who):
    now = read_machine(mac(), [HOME / folder])
    assert dict(now.synced).get(HOME / folder, "") == who and not now.silent


@pytest.mark.parametrize("mark", ["com.apple.file-provider-domain-id", "com.apple.icloud.desktop"])
def test_desktop_and_documents_in_icloud_by_either_mark(mark):
    probes = mac(M4_PRO | {"xattr /Users/ada/Documents": f"com.apple.macl\n{mark}\n"})
    now = read_machine(probes, [HOME / "Documents" / "runs", HOME / "Desktop" / "runs"])
    assert now.synced == ((HOME / "Documents" / "runs", "iCloud Drive"),)


def test_a_link_into_icloud_is_followed(tmp_path):
    home = tmp_path.resolve()
    cloud = home / "Library" / "Mobile Documents" / "runs"
    cloud.mkdir(parents=True)
    (home / "runs").symlink_to(cloud)
    now = read_machine(replace(mac(), home=home), [home / "runs" / "tonight"])
    assert now.synced == ((home / "runs" / "tonight", "iCloud Drive"),)


LAPTOP = {
    "/etc/os-release": 'NAME="Debian GNU/Linux"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "/proc/cpuinfo": "processor\t: 0\nmodel name\t: AMD Ryzen 7 7840U\nprocessor\t: 1\nmodel name\t: AMD Ryzen 7 7840U\n",
    "/sys/class/power_supply/AC/type": "Mains\n",
    "/sys/class/power_supply/BAT0/type": "Battery\n",
    "/sys/class/power_supply/BAT0/capacity": "64\n",
    "/sys/class/power_supply/BAT0/status": "Discharging\n",
    "/sys/class/power_supply/hidpp_battery_0/type": "Battery\n",
    "/sys/class/power_supply/hidpp_battery_0/scope": "Device\n",
    "/sys/class/power_supply/hidpp_battery_0/capacity": "5\n",
    "/sys/firmware/acpi/platform_profile": "low-power\n",
}


def test_a_linux_laptop_and_not_its_mouse():
    now = read_machine(replace(mac({}, files=LAPTOP), system="Linux", machine="x86_64"))
    assert (now.os, now.version, now.chip) == ("Linux", "Debian GNU/Linux 12 (bookworm)", "AMD Ryzen 7 7840U")
    assert (now.on_battery, now.battery, now.low_power, now.silent) == (True, 64, True, ())


def test_a_mouse_is_no_battery_of_the_machine():
    mouse = {name: text for name, text in LAPTOP.items() if "BAT0" not in name}
    now = read_machine(replace(mac({}, files=mouse), system="Linux"))
    assert (now.on_battery, now.battery) == (False, None)


def test_a_bare_linux_machine():
    now = read_machine(replace(mac({}), system="Linux", kernel="6.1.0"))
    assert (now.version, now.chip, now.on_battery, now.battery, now.low_power) == ("6.1.0", None, False, None, None)
    assert now.memory is not None and now.memory.total == 24 * GIB


def test_this_machine_answers():
    now = read_machine(Probes(), [Path("runs")])
    assert now.cores >= 1 and now.memory is not None
