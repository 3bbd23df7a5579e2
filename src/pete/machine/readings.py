"""Readings of the machine (power, sleep, heat, memory, cloud folders) from its programs and files; None means unknown."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pete.machine.memory import Memory
from pete.machine.probes import LONG_PATIENCE, PATIENCE, Probes, or_none

SYSTEM = ("sw_vers",)
CHIP = ("sysctl", "-n", "machdep.cpu.brand_string")
TRANSLATED = ("sysctl", "-n", "sysctl.proc_translated")
POWER = ("pmset", "-g", "batt")
SETTINGS = ("pmset", "-g")
HEAT = ("pmset", "-g", "therm")
LID = ("ioreg", "-r", "-k", "AppleClamshellState", "-d", "1")
DISPLAYS = ("system_profiler", "SPDisplaysDataType")
UPDATES = ("defaults", "read", "/Library/Preferences/com.apple.SoftwareUpdate", "AutomaticallyInstallMacOSUpdates")
SUPPLIES = Path("/sys/class/power_supply")
SYNC_MARKS = ("com.apple.file-provider-domain-id", "com.apple.icloud.desktop")
"""Extended attributes that macOS (15 on; before) puts on Desktop and Documents when iCloud keeps them."""


@dataclass(frozen=True)
class Readings:
    """The machine as it is now."""

    os: str
    """macOS or Linux."""
    machine: str
    python: str
    cores: int
    version: str | None = None
    """The system's: 26.1, or the distribution's name."""
    build: str = ""
    chip: str | None = None
    gpu_cores: int | None = None
    translated: bool = False
    """This Python runs under Rosetta."""
    memory: Memory | None = None
    on_battery: bool | None = None
    battery: int | None = None
    """Percent; None where there is none, or it cannot be read."""
    low_power: bool | None = None
    sleep_minutes: int | None = None
    """Idle minutes until the machine sleeps on its present power; 0 is never."""
    sleep_disabled: bool = False
    lid_closed: bool | None = None
    heat: str | None = None
    """Empty when nothing is reported, else what slows the machine."""
    updates_by_itself: bool = False
    synced: tuple[tuple[Path, str], ...] = ()
    """Folders that somebody copies to a cloud, and who: iCloud Drive, Dropbox ..."""
    silent: tuple[str, ...] = ()
    """Programs that gave no answer, or one that makes no sense."""


def read_machine(probes: Probes, folders: Sequence[Path] = (), thorough: bool = False) -> Readings:
    """Ask everything, and whether `folders` are copied to a cloud.

    Takes about 0.1 s, 0.4 s at most; the thorough form asks slow programs too. Raises nothing.
    """
    return _read_mac(probes, folders, thorough) if probes.system == "Darwin" else _read_linux(probes, folders)


def _read_mac(probes: Probes, folders: Sequence[Path], thorough: bool) -> Readings:
    kept = {folder: _kept_by_icloud(folder, probes.home) for folder in folders}
    commands: list[Sequence[str]] = [SYSTEM, CHIP, TRANSLATED, POWER, SETTINGS, HEAT, LID]
    marks = {place: ("xattr", str(place)) for place in kept.values() if place}
    commands += marks.values()
    if thorough:
        commands += [DISPLAYS, UPDATES]
    answers = probes.ask(commands, LONG_PATIENCE if thorough else PATIENCE)

    def answer(command: Sequence[str]) -> str:
        return answers.get(" ".join(command)) or ""

    version = _find(r"^ProductVersion:\s*(\d[\d.]*)\s*$", answer(SYSTEM))
    chip = answer(CHIP).strip().split("\n")[0][:60] or None
    source = _find(r"drawing from '(AC|Battery|UPS) Power'", answer(POWER))
    percent = _number(r"-InternalBattery\S*.*?\b(\d{1,3})%", answer(POWER))
    mode = _number(r"^\s*(?:lowpowermode|powermode)\s+(\d)\s*$", answer(SETTINGS))
    sleep = _number(r"^\s*sleep\s+(\d+)\b", answer(SETTINGS))
    heat = _mac_heat(answer(HEAT))
    gpu_cores = _number(r"Total Number of Cores:\s*(\d+)", answer(DISPLAYS))
    # the others fail where there is nothing to say (no Rosetta, no lid, never set): no answer is an answer
    expected = {SYSTEM: version, CHIP: chip, POWER: source, SETTINGS: sleep, HEAT: heat}
    expected |= {command: answers[" ".join(command)] for command in marks.values()} | ({DISPLAYS: gpu_cores} if thorough else {})
    in_icloud = [f for f, place in kept.items() if place and any(mark in answer(marks[place]) for mark in SYNC_MARKS)]
    return Readings(
        os="macOS",
        machine=probes.machine,
        python=probes.python,
        cores=probes.cores,
        version=version,
        build=_find(r"^BuildVersion:\s*(\w+)\s*$", answer(SYSTEM)) or "",
        chip=chip,
        gpu_cores=gpu_cores,
        translated=answer(TRANSLATED).strip() == "1",
        memory=or_none(probes.memory),
        on_battery=None if source is None else source != "AC",
        battery=percent if percent is None or percent <= 100 else None,
        low_power=None if sleep is None else mode == 1,  # 2 is High Power Mode; Macs that cannot save power list neither
        sleep_minutes=sleep,
        sleep_disabled=_number(r"^\s*SleepDisabled\s+(\d)\s*$", answer(SETTINGS)) == 1,
        lid_closed={"Yes": True, "No": False}.get(_find(r'"AppleClamshellState"\s*=\s*(Yes|No)', answer(LID)) or ""),
        heat=heat,
        updates_by_itself=answer(UPDATES).strip() in ("1", "true"),
        synced=tuple(_synced(folders, probes.home).items()) + tuple((folder, "iCloud Drive") for folder in in_icloud),
        silent=tuple(command[0] if command[0] == "xattr" else " ".join(command) for command, value in expected.items() if value is None),
    )


def _mac_heat(text: str) -> str | None:
    """From `pmset -g therm`: Apple silicon mostly says that nothing was recorded; older outputs give a speed limit."""
    limit = _number(r"CPU_Speed_Limit\s*=\s*(\d+)", text)
    if limit is not None and limit < 100:
        return f"the processor is held at {limit}% of its speed"
    level = _number(r"(?i)\b(?:thermal|performance) warning level\s*[:=]\s*(\d+)", text)
    if level:
        return f"macOS reports a thermal warning of level {level}"
    return "" if limit is not None or level is not None or "warning level has been recorded" in text else None


def _read_linux(probes: Probes, folders: Sequence[Path]) -> Readings:
    def read(path: str | Path) -> str:
        return or_none(lambda: probes.read(Path(path))) or ""

    supplies = {name: SUPPLIES / name for name in or_none(lambda: probes.names(SUPPLIES)) or []}
    kinds = {name: read(folder / "type").strip() for name, folder in supplies.items()}
    of_machine = [n for n, kind in kinds.items() if kind == "Battery" and read(supplies[n] / "scope").strip() != "Device"]
    battery = _number(r"^(\d{1,3})$", read(supplies[of_machine[0]] / "capacity").strip()) if of_machine else None
    status = read(supplies[of_machine[0]] / "status").strip() if of_machine else ""
    profile = read("/sys/firmware/acpi/platform_profile").strip()
    return Readings(
        os="Linux" if probes.system == "Linux" else probes.system,
        machine=probes.machine,
        python=probes.python,
        cores=probes.cores,
        version=_find(r'^PRETTY_NAME="?([^"\n]+)"?$', read("/etc/os-release")) or probes.kernel,
        chip=_find(r"^model name\s*:\s*(.+)$", read("/proc/cpuinfo")),
        memory=or_none(probes.memory),
        on_battery=status == "Discharging" if of_machine else False,
        battery=battery if battery is None or battery <= 100 else None,
        low_power=profile in ("low-power", "quiet") if profile else None,
        synced=tuple(_synced(folders, probes.home).items()),
    )


def _synced(folders: Sequence[Path], home: Path | None) -> dict[Path, str]:
    """Folder -> the cloud client its path names."""
    clouds = {}
    for folder in folders:
        for parts in _below(folder, home):
            match parts:
                case ("Library", "Mobile Documents", *_):
                    clouds[folder] = "iCloud Drive"
                case ("Library", "CloudStorage", client, *_):  # OneDrive-Contoso, GoogleDrive-ada@example.org
                    clouds[folder] = client.split("-")[0]
                case (("Dropbox" | "OneDrive" | "Google Drive") as client, *_):
                    clouds[folder] = client
    return clouds


def _kept_by_icloud(folder: Path, home: Path | None) -> Path | None:
    """Desktop or Documents where `folder` is below one: whether iCloud keeps those, only their attributes tell."""
    for parts in _below(folder, home):
        if home and parts and parts[0] in ("Desktop", "Documents"):
            return home / parts[0]
    return None


def _below(folder: Path, home: Path | None) -> list[tuple[str, ...]]:
    """`folder` as seen from the home folder: as written, and with its links followed."""
    if home is None:
        return []
    path = Path(os.path.abspath(os.path.expanduser(folder)))
    ways = dict.fromkeys((path, or_none(path.resolve) or path))
    return [way.relative_to(home).parts for way in ways if way.is_relative_to(home)]


def _find(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text, re.MULTILINE)
    return match[1].strip() if match else None


def _number(pattern: str, text: str) -> int | None:
    digits = _find(pattern, text)
    return int(digits) if digits else None
