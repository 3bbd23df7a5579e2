"""The machine check before a run: what this machine is, what forbids or slows a run, and what to do about it.

`stop` is for what would compute wrongly or cannot work at all. Whatever only costs time, or can be gone on from with
`pete resume` (a battery, a lid, a full night of updates), is a `caution`.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pete import __version__
from pete.config import EMBEDDED_BASE, Config
from pete.errors import UserError
from pete.events import Checked
from pete.machine.device_check import DEAD, DeviceCheck
from pete.machine.probes import Probes, or_none
from pete.machine.readings import Readings, read_machine
from pete.places import cache_root, hub_cache, hub_folder, is_hub_id
from pete.resources import PROJECT
from pete.words import GB, file_size, gigabytes

Level = Literal["good", "caution", "stop"]
OLDEST_MACOS = 14
"""PyTorch has no build for an older one, and bfloat16 on the GPU needs it."""
OLDEST_TORCH = (2, 14)
"""On a Mac: earlier ones read past the operands of a product over more than 32,768 (pytorch#177116); Pythia's output
head has 50,304."""
LOW_MEMORY = 2 * GB
LOW_DISK = 5 * 10**9
NO_DISK = 5 * 10**8


@dataclass(frozen=True)
class MachineFinding:
    """One thing that was looked at. `advice` is what to do, empty when all is well."""

    name: str
    level: Level
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Checkup:
    """What was found, and the facts a report is made from."""

    findings: tuple[MachineFinding, ...]
    facts: Mapping[str, str | int | float]

    def plus(self, findings: tuple[MachineFinding, ...], **facts: str | int | float) -> "Checkup":
        """The same with what a later look (the self-test) adds."""
        return Checkup((*self.findings, *findings), {**self.facts, **facts})

    @property
    def stops(self) -> tuple[MachineFinding, ...]:
        """What forbids a run."""
        return tuple(finding for finding in self.findings if finding.level == "stop")

    def event(self) -> Checked:
        """For events.jsonl."""
        return Checked(findings=[asdict(finding) for finding in self.findings], machine=dict(self.facts))

    def lines(self) -> list[str]:
        """For the screen before a run: the facts in one line, then cautions and stops."""
        noted = [f for level in ("stop", "caution") for f in self.findings if f.level == level]
        return [self.headline(), *(f"{f.level}: {f.found} {f.advice}".rstrip() for f in noted)]

    def headline(self) -> str:
        """The machine in a line."""
        facts = self.facts
        memory = ""
        if facts.get("memory"):
            memory = f" with {gigabytes(float(facts['memory']))} ({gigabytes(float(facts['available']))} free)"
        return f"{facts['chip']}{memory}, {facts['system']}, torch {facts['torch']}, {facts['power']}"

    def refusal(self) -> UserError | None:
        """The error to raise instead of training, if anything forbids it."""
        if not self.stops:
            return None
        problems = [f"{finding.found} {finding.advice}".rstrip() for finding in self.stops]
        return UserError.of_problems("This machine cannot train as it is:", problems, "pete doctor says the rest")


HasKey = Callable[[Mapping[str, str], Path | None], bool]
"""(environment, home folder) -> whether tracking has a key there."""
_Case = tuple[object, Level, str] | tuple[object, Level, str, str]
"""Condition, level, what is found, and what to do about it."""


def check_machine(config: Config, folder: Path, has_key: HasKey, probes: Probes | None = None, *, thorough: bool = False) -> Checkup:
    """Examine the machine for a run of `config` into `folder`. Raises nothing: what cannot be read is unknown.

    Args:
        config: the run's configuration.
        folder: the run folder, or where run folders go.
        has_key: whether tracking could send its numbers.
        probes: how to ask; this machine unless given.
        thorough: also ask programs that take seconds (the number of GPU cores, automatic updates).
    """
    probes = probes or Probes()
    now = read_machine(probes, (folder, PROJECT), thorough)
    mac = now.os == "macOS"
    findings = [*_computer(now, mac), *_software(now, mac, config, probes), *_memory_and_disk(now, config, folder, probes)]
    findings += [*_energy(now, mac), *_clouds(now, folder, probes), *_gpu_limit(mac, config, probes), *_network(config, has_key, probes)]
    again = "Look yourself in System Settings, Battery." if thorough else "pete doctor asks again, with more patience."
    findings += _first(
        "unknown",
        (now.silent, "caution", f"No answer that makes sense from: {', '.join(now.silent)}.",
         f"Nothing is assumed about what they would have told. {again}"),
    )  # fmt: skip
    return Checkup(tuple(findings), _facts(now, folder, probes))


def _first(name: str, *cases: _Case) -> list[MachineFinding]:
    """The finding of the first case whose condition holds; none where no case does."""
    return next(([MachineFinding(name, level, found, *advice)] for condition, level, found, *advice in cases if condition), [])


def _facts(now: Readings, folder: Path, probes: Probes) -> dict[str, str | int | float]:
    charge = "" if now.battery is None else f", {now.battery}%"
    facts: dict[str, str | int | float] = {
        "system": f"macOS {now.version or '(version unknown)'}" if now.os == "macOS" else now.version or now.os,
        "os": now.os,
        "chip": now.chip or "unknown chip",
        "cores": now.cores,
        "python": f"{now.python} {now.machine}",
        "torch": _version(probes, "torch") or "not installed",
        "pete": __version__,
        "power": "power unknown" if now.on_battery is None else f"on battery{charge}" if now.on_battery else "on mains power",
    }
    if now.build:
        facts["build"] = now.build
    if now.gpu_cores is not None:
        facts["gpu_cores"] = now.gpu_cores
    if now.memory is not None:
        facts |= {"memory": now.memory.total, "available": now.memory.available, "swap": now.memory.swap}
    free = or_none(lambda: probes.disk(folder))
    return facts if free is None else {**facts, "disk": free}


def _computer(now: Readings, mac: bool) -> list[MachineFinding]:
    graphics = f", {now.gpu_cores} for graphics" if now.gpu_cores else ""
    version = now.version or ""
    return [
        *_first(
            "chip",
            (mac and now.translated, "stop",
             "This Python was built for Intel and runs under Rosetta: PyTorch cannot use the GPU from there.",
             'In Finder, turn off "Open using Rosetta" for the terminal (Get Info), open it anew, remove .venv, start ./pete again.'),
            (mac and now.machine != "arm64", "stop", "This is a Mac with an Intel processor: PyTorch has no build for it.",
             "Use a Mac with Apple silicon, or Linux."),
            (mac and now.chip, "good", f"{now.chip} with {now.cores} cores{graphics}."),
            (not mac, "good", f"{now.chip or now.machine}, {now.cores} cores to use."),
        ),
        *_first(
            "system",
            (mac and version and int(version.split(".")[0]) < OLDEST_MACOS, "stop",
             f"macOS {version}: PyTorch needs {OLDEST_MACOS} or newer.", "Update in System Settings, General, Software Update."),
            (mac and version, "good", f"macOS {version}{f' ({now.build})' if now.build else ''}."),
            (not mac, "good", f"{version or now.os}. Pete is made for a Mac and tested on Linux."),
        ),
        *_first(
            "heat",
            (now.heat, "caution", f"The machine is hot: {now.heat}.", "Let it cool, and give it air; training goes on, slower."),
            (now.heat is not None, "good", "No thermal warning (Apple silicon seldom gives one: a falling speed tells more)."),
        ),
    ]  # fmt: skip


def _software(now: Readings, mac: bool, config: Config, probes: Probes) -> list[MachineFinding]:
    torch, mlx = _version(probes, "torch"), _version(probes, "mlx")
    needed = config.engine.name == "torch"
    gpu = mac and config.engine.device in ("auto", "mps")
    oldest = ".".join(map(str, OLDEST_TORCH))
    return [
        *_first("python", (not now.translated, "good", f"Python {now.python} for {now.machine}.")),
        *_first(
            "torch",
            (needed and torch is None, "stop", "PyTorch is not installed.", "Start through ./pete, which installs it."),
            (torch is None, "good", f"Not installed; the {config.engine.name} engine does not need it."),
            (gpu and tuple(map(int, re.findall(r"\d+", torch or "")[:2])) < OLDEST_TORCH, "stop" if needed else "caution",
             f"PyTorch {torch}: before {oldest} some products on a Mac's GPU come out wrong, without a word (pytorch#177116).",
             "Remove .venv and start ./pete again, or train on the CPU: --set engine.device=cpu"),
            (mac and config.engine.device == "cuda", "stop", "engine.device = 'cuda', and no Mac has CUDA.",
             "--set engine.device=auto takes the Mac's GPU."),
            (True, "good", f"PyTorch {torch}."),
        ),
        *_first("mlx", (mac, "good", f"MLX {mlx}." if mlx else "MLX is not installed; the torch engine does not need it.")),
    ]  # fmt: skip


def _memory_and_disk(now: Readings, config: Config, folder: Path, probes: Probes) -> list[MachineFinding]:
    findings: list[MachineFinding] = []
    if now.memory is not None:
        available, total, swap = now.memory.available, now.memory.total, now.memory.swap
        findings += _first(
            "memory",
            (available < LOW_MEMORY, "caution", f"Only {gigabytes(available)} of {gigabytes(total)} is free.",
             "Close what is not needed (browsers first); pete train --plan says what a run takes."),
            (True, "good", f"{gigabytes(total)}, of which {gigabytes(available)} is free."),
        )  # fmt: skip
        findings += _first(
            "swap",
            (swap > max(2 * GB, total // 4), "caution", f"{gigabytes(swap)} is swapped out already: more is open than fits.",
             "Close what is not needed, or restart before a long run."),
            (True, "good", f"{gigabytes(swap)} swapped out." if swap else "Nothing is swapped out."),
        )  # fmt: skip
    places = {"the run": folder, "Pete's cache": cache_root(probes.environment, probes.system.lower(), probes.home)}
    if _on_hub(config):
        places["the hub's cache"] = hub_cache(probes.environment, probes.home)
    room = [(free, what) for what, place in places.items() if (free := or_none(lambda place=place: probes.disk(place))) is not None]
    if not room:
        return findings
    free, what = min(room, key=lambda entry: entry[0])
    said, elsewhere = f"{file_size(free)} is free on the disk of {what}", "Empty the bin, or keep runs on another disk: "
    elsewhere += "PETE_RUNS names their folder, PETE_CACHE and HF_HOME the caches."
    return findings + _first(
        "disk",
        (free < NO_DISK, "stop", f"{said}: not enough to save a checkpoint.", elsewhere),
        (free < LOW_DISK, "caution", f"{said}; checkpoints, swap and updates share it.", elsewhere),
        (True, "good", f"{said}."),
    )


def _energy(now: Readings, mac: bool) -> list[MachineFinding]:
    idle = f"when idle for {now.sleep_minutes} min" if now.sleep_minutes else "never by itself"
    lid = " A closed lid does end it." if now.lid_closed is not None and not now.sleep_disabled else ""
    at = "" if now.battery is None else f" at {now.battery}%"
    return [
        *_first(
            "power",
            (now.on_battery, "caution",
             f"On battery{at}: it may run out{', and there caffeinate holds off idle sleep only' if mac else ''}.",
             "Plug it in. If it runs out all the same, pete resume goes on from the last checkpoint."),
            (now.on_battery is not None, "good", f"On mains power{f', battery{at}' if at else ''}."),
        ),
        *_first(
            "low power",
            (now.low_power and mac, "caution", "Low Power Mode is on: training takes far longer.",
             "Turn it off in System Settings, Battery."),
            (now.low_power, "caution", "The machine is set to save power.", "Choose another power profile."),
            (now.low_power is not None, "good", "No power saving in force."),
        ),
        *_first("lid", (now.lid_closed, "caution",
                        "The lid is closed: without mains power and a screen the Mac sleeps, and no program can prevent it.",
                        "Open the lid; the screen may go dark.")),
        *_first(
            "sleep",
            (now.sleep_minutes is not None and now.sleep_disabled, "good", "Sleep is switched off for the whole machine."),
            (now.sleep_minutes is not None, "good", f"Set to sleep {idle}; while Pete trains, caffeinate holds that off.{lid}"),
        ),
        *_first(
            "updates",
            (now.updates_by_itself, "caution", "macOS installs updates by itself, at night, and restarts for them.",
             "For a long run: System Settings, General, Software Update, (i), Install macOS updates off. pete resume goes on either way."),
        ),
    ]  # fmt: skip


def _clouds(now: Readings, folder: Path, probes: Probes) -> list[MachineFinding]:
    findings: list[MachineFinding] = []
    for place, who in now.synced:
        short = f"~/{place.relative_to(probes.home)}" if probes.home and place.is_relative_to(probes.home) else str(place)
        findings += _first(
            "cloud",
            (place == folder, "caution",
             f"{who} copies the run folder ({short}): every checkpoint goes out, and files may be taken away to save room.",
             "Keep runs elsewhere: PETE_RUNS=~/pete-runs, or --out."),
            (True, "caution", f"{who} copies this checkout with its .venv ({short}): Python breaks there (cpython#133028).",
             "Move the checkout, to ~/pete say."),
        )  # fmt: skip
    clear = not now.synced and "xattr" not in now.silent
    return findings + _first("cloud", (clear, "good", "Neither the run folder nor this checkout is in a folder that a cloud copies."))


def _gpu_limit(mac: bool, config: Config, probes: Probes) -> list[MachineFinding]:
    limit, given = config.engine.torch.mps_high_watermark, probes.environment.get("PYTORCH_MPS_HIGH_WATERMARK_RATIO", "")
    replaced = f" The {given[:20]} in the environment is replaced." if given and or_none(lambda: float(given)) != limit else ""
    if not mac or config.engine.name != "torch" or config.engine.device not in ("auto", "mps"):
        return []
    return _first(
        "gpu memory",
        (limit == 0, "caution",
         f"engine.torch.mps_high_watermark = 0: no limit. A run that is too big swaps all night instead of failing.{replaced}",
         "--set engine.torch.mps_high_watermark=1.0, unless it has to be the report's setting."),
        (True, "good", f"PyTorch may take {limit:.0%} of what Metal recommends (engine.torch.mps_high_watermark).{replaced}"),
    )  # fmt: skip


def _network(config: Config, has_key: HasKey, probes: Probes) -> list[MachineFinding]:
    mode, version, base = config.tracking.wandb, _version(probes, "wandb"), config.model.base
    key = mode == "online" and bool(or_none(lambda: has_key(probes.environment, probes.home)))
    fetch = _on_hub(config) and not _is_cached(config, probes)
    asked = [f"the hub, once, to fetch {base}"] if fetch else []
    if key and version is not None:
        server = probes.environment.get("WANDB_BASE_URL") or "Weights & Biases"
        asked.append(f"{server} (numbers{' and sampled answers' if config.tracking.samples else ' only'})")
    offline = probes.environment.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
    return [
        *_first(
            "wandb",
            (mode == "off", "good", "Weights & Biases is off."),
            (version is None, "stop",  # as tracking refuses it
             f'tracking.wandb = "{mode}", and the package is not installed.',
             "pete install wandb; or --set tracking.wandb=off, the numbers go to events.jsonl in any case."),
            (mode == "offline", "good", f"Weights & Biases {version}, offline: into the run folder, nothing is sent."),
            (not key, "stop", 'tracking.wandb = "online", and there is no key: none in WANDB_API_KEY, none in ~/.netrc.',
             "Put one into WANDB_API_KEY, or --set tracking.wandb=offline and send the numbers later."),
            (True, "good", f"Weights & Biases {version}, online; a key is there."),
        ),
        *_first(
            "network",
            (fetch and offline, "stop", f"{base} is not cached here, and HF_HUB_OFFLINE forbids to fetch it.",
             f"unset HF_HUB_OFFLINE, or --set model.base={EMBEDDED_BASE}"),
            (asked, "good", f"Contacts {' and '.join(asked)}; nothing else."),
            (True, "good", "Nothing leaves this machine."),
        ),
    ]  # fmt: skip


def _on_hub(config: Config) -> bool:
    return is_hub_id(config.model.base) and not Path(config.model.base).is_dir()


def _is_cached(config: Config, probes: Probes) -> bool:
    kept = hub_cache(probes.environment, probes.home) / hub_folder(config.model.base)
    wanted = config.model.revision or "main"
    snapshot = (or_none(lambda: probes.read(kept / "refs" / wanted)) or wanted).strip()
    names = or_none(lambda: probes.names(kept / "snapshots" / snapshot)) or []
    return any(name.endswith(".safetensors") for name in names)  # an interrupted download leaves the small files alone


def _version(probes: Probes, name: str) -> str | None:
    return or_none(lambda: probes.version(name))


def device_findings(check: DeviceCheck, os_name: str = "") -> tuple[MachineFinding, ...]:
    """A self-test's result in the words of the examination; on a GPU a failed check forbids training on it."""
    if check.refused:
        mend = "Remove .venv and start ./pete again." if check.refused == DEAD else "--set engine.device=auto takes the best there is."
        return (MachineFinding("device", "stop", check.refused, mend),)
    level: Level = "caution" if check.device == "cpu" else "stop"
    advice = "Start ./pete anew with the packages it asks for (remove .venv), then: pete doctor --again"
    if check.device != "cpu":
        advice = "Train on the CPU: --set engine.device=cpu, or update the system, then: pete doctor --again"
    aside = check.device == "cpu" and os_name == "macOS" and check.reason != "as configured"
    findings = _first("device", (aside, "caution", "PyTorch cannot use this Mac's GPU: training would run on the CPU, far slower.",
                                 "Remove .venv and start ./pete again from a terminal that is not opened with Rosetta."))  # fmt: skip
    findings += [
        MachineFinding("self-test", level, f"On {check.device}, {name}: {wrong}.", advice) for name, wrong in check.wrong.items() if wrong
    ]
    day = f", on {time.strftime('%d %B', time.localtime(check.when)).lstrip('0')}" if check.remembered else ""
    left = f" Left to the CPU: {', '.join(check.fallback)}." if check.fallback else ""
    held = f"{len(check.wrong)} checks of {check.device} against {'the formulas' if check.device == 'cpu' else 'the CPU'} hold"
    findings += _first(
        "self-test",
        (check.unfinished, level, f"On {check.device}, {check.unfinished}: the test did not come back from it.", advice),
        (not check.failed, "good", f"{held} ({check.seconds:.1f} s{day}).{left}"),
    )
    return tuple(findings)
