"""The examination before a run: what the machine is, what stands in the way, and what to do about it.

`stop` is for what would compute wrongly or cannot work at all. Whatever only costs time, or can be gone on from with
`pete resume` (a battery, a lid, a full night of updates), is a `caution`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pete import __version__
from pete.config import EMBEDDED_BASE, PROJECT, Config
from pete.errors import UserError
from pete.events import Checked
from pete.machine.places import cache_root, hub_cache
from pete.machine.probes import Probes, or_none
from pete.machine.readings import Readings, read_machine
from pete.tracking.keys import has_key
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
class Finding:
    """One thing that was looked at. `advice` is what to do, empty when all is well."""

    name: str
    level: Level
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Checkup:
    """What was found, and the facts a report is made from."""

    findings: tuple[Finding, ...]
    facts: Mapping[str, str | int | float]

    def plus(self, findings: tuple[Finding, ...], **facts: str | int | float) -> "Checkup":
        """The same with what a later look (the self-test) adds."""
        return Checkup((*self.findings, *findings), {**self.facts, **facts})

    @property
    def stops(self) -> tuple[Finding, ...]:
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
        parts = [f"{facts['chip']} with {gigabytes(float(facts['memory']))}" if facts.get("memory") else str(facts["chip"])]
        if facts.get("memory"):
            parts[0] += f" ({gigabytes(float(facts['available']))} free)"
        parts += [str(facts["system"]), f"torch {facts['torch']}", str(facts["power"])]
        return ", ".join(parts)

    def refusal(self) -> UserError | None:
        """The error to raise instead of training, if anything forbids it."""
        if not self.stops:
            return None
        problems = [f"{finding.found} {finding.advice}".rstrip() for finding in self.stops]
        error = UserError.of_problems("This machine cannot train as it is:", problems, "pete doctor says the rest")
        return error  # type: ignore[return-value]


def check_machine(config: Config, folder: Path, probes: Probes | None = None, *, thorough: bool = False) -> Checkup:
    """Examine the machine for a run of `config` into `folder`. Raises nothing: what cannot be read is unknown.

    Args:
        config: the run's configuration.
        folder: the run folder, or where run folders go.
        probes: how to ask; this machine unless given.
        thorough: also ask programs that take seconds (the number of GPU cores, automatic updates).
    """
    probes = probes or Probes()
    now = read_machine(probes, (folder, PROJECT), thorough)
    findings = [*_computer(now), *_python(now, config, probes), *_room(now, config, folder, probes), *_energy(now)]
    findings += [*_clouds(now, folder, probes), *_gpu_limit(now, config, probes), *_outside(config, probes)]
    if now.silent:
        findings.append(
            Finding(
                "unknown",
                "caution",
                f"No answer that makes sense from: {', '.join(now.silent)}.",
                "Nothing is assumed about what they would have told."
                + (" Look yourself in System Settings, Battery." if thorough else " pete doctor asks again, with more patience."),
            )
        )
    return Checkup(tuple(findings), _facts(now, folder, probes))


def _facts(now: Readings, folder: Path, probes: Probes) -> dict[str, str | int | float]:
    name = f"{now.os} {now.version or '(version unknown)'}" if now.os == "macOS" else now.version or now.os
    facts: dict[str, str | int | float] = {
        "system": name,
        "os": now.os,
        "chip": now.chip or "unknown chip",
        "cores": now.cores,
        "python": f"{now.python} {now.machine}",
        "torch": _version(probes, "torch") or "not installed",
        "pete": __version__,
        "power": _power(now),
    }
    if now.build:
        facts["build"] = now.build
    if now.gpu_cores is not None:
        facts["gpu_cores"] = now.gpu_cores
    if now.memory is not None:
        facts |= {"memory": now.memory.total, "available": now.memory.available, "swap": now.memory.swap}
    free = or_none(lambda: probes.disk(folder))
    return facts if free is None else {**facts, "disk": free}


def _power(now: Readings) -> str:
    if now.on_battery is None:
        return "power unknown"
    if now.on_battery:
        return "on battery" if now.battery is None else f"on battery, {now.battery}%"
    return "on mains power"


def _computer(now: Readings) -> Iterator[Finding]:
    if now.os == "macOS":
        if now.translated:
            yield Finding(
                "chip",
                "stop",
                "This Python was built for Intel and runs under Rosetta: PyTorch cannot use the GPU from there.",
                'In Finder, turn off "Open using Rosetta" for the terminal (Get Info), open it anew, remove .venv, start ./pete again.',
            )
        elif now.machine != "arm64":
            yield Finding(
                "chip",
                "stop",
                "This is a Mac with an Intel processor: PyTorch has no build for it.",
                "Use a Mac with Apple silicon, or Linux.",
            )
        elif now.chip:
            graphics = f", {now.gpu_cores} for graphics" if now.gpu_cores else ""
            yield Finding("chip", "good", f"{now.chip} with {now.cores} cores{graphics}.")
        if now.version and int(now.version.split(".")[0]) < OLDEST_MACOS:
            yield Finding(
                "system",
                "stop",
                f"macOS {now.version}: PyTorch needs {OLDEST_MACOS} or newer.",
                "Update in System Settings, General, Software Update.",
            )
        elif now.version:
            yield Finding("system", "good", f"macOS {now.version}{f' ({now.build})' if now.build else ''}.")
    else:
        yield Finding("chip", "good", f"{now.chip or now.machine}, {now.cores} cores to use.")
        yield Finding("system", "good", f"{now.version or now.os}. Pete is made for a Mac and tested on Linux.")
    if now.heat:
        yield Finding("heat", "caution", f"The machine is hot: {now.heat}.", "Let it cool, and give it air; training goes on, slower.")
    elif now.heat is not None:
        yield Finding("heat", "good", "No thermal warning (Apple silicon seldom gives one: a falling speed tells more).")


def _python(now: Readings, config: Config, probes: Probes) -> Iterator[Finding]:
    if not now.translated:
        yield Finding("python", "good", f"Python {now.python} for {now.machine}.")
    torch = _version(probes, "torch")
    gpu = now.os == "macOS" and config.engine.device in ("auto", "mps")
    if config.engine.name == "torch" and torch is None:
        yield Finding("torch", "stop", "PyTorch is not installed.", "Start through ./pete, which installs it.")
    elif torch is None:
        yield Finding("torch", "good", f"Not installed; the {config.engine.name} engine does not need it.")
    elif gpu and _release(torch) < OLDEST_TORCH:
        wanted = ".".join(map(str, OLDEST_TORCH))
        yield Finding(
            "torch",
            "stop" if config.engine.name == "torch" else "caution",
            f"PyTorch {torch}: before {wanted} some products on a Mac's GPU come out wrong, without a word (pytorch#177116).",
            "Remove .venv and start ./pete again, or train on the CPU: --set engine.device=cpu",
        )
    elif now.os == "macOS" and config.engine.device == "cuda":
        yield Finding("torch", "stop", "engine.device = 'cuda', and no Mac has CUDA.", "--set engine.device=auto takes the Mac's GPU.")
    else:
        yield Finding("torch", "good", f"PyTorch {torch}.")
    if now.os == "macOS":
        mlx = _version(probes, "mlx")
        yield Finding("mlx", "good", f"MLX {mlx}." if mlx else "MLX is not installed; the torch engine does not need it.")


def _release(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:2]))


def _room(now: Readings, config: Config, folder: Path, probes: Probes) -> Iterator[Finding]:
    if now.memory is not None:
        free, total, swap = now.memory.available, now.memory.total, now.memory.swap
        if free < LOW_MEMORY:
            yield Finding(
                "memory",
                "caution",
                f"Only {gigabytes(free)} of {gigabytes(total)} is free.",
                "Close what is not needed (browsers first); pete train --plan says what a run takes.",
            )
        else:
            yield Finding("memory", "good", f"{gigabytes(total)}, of which {gigabytes(free)} is free.")
        if swap > max(2 * GB, total // 4):
            yield Finding(
                "swap",
                "caution",
                f"{gigabytes(swap)} is swapped out already: more is open than fits.",
                "Close what is not needed, or restart before a long run.",
            )
        else:
            yield Finding("swap", "good", f"{gigabytes(swap)} swapped out." if swap else "Nothing is swapped out.")
    places = {"the run": folder, "Pete's cache": cache_root(probes.environment, probes.system.lower(), probes.home)}
    if _on_hub(config):
        places["the hub's cache"] = hub_cache(probes.environment, probes.home)
    least: tuple[int, str] | None = None
    for what, place in places.items():
        free = or_none(lambda place=place: probes.disk(place))
        if free is not None and (least is None or free < least[0]):
            least = free, what
    if least is None:
        return
    free, what = least
    if free < LOW_DISK:
        yield Finding(
            "disk",
            "stop" if free < NO_DISK else "caution",
            f"{file_size(free)} is free on the disk of {what}"
            + (": not enough to save a checkpoint." if free < NO_DISK else "; checkpoints, swap and updates share it."),
            "Empty the bin, or keep runs on another disk: PETE_RUNS names their folder, PETE_CACHE and HF_HOME the caches.",
        )
    else:
        yield Finding("disk", "good", f"{file_size(free)} is free on the disk of {what}.")


def _energy(now: Readings) -> Iterator[Finding]:
    if now.on_battery:
        charge = "" if now.battery is None else f" at {now.battery}%"
        yield Finding(
            "power",
            "caution",
            f"On battery{charge}: it may run out, and there caffeinate holds off idle sleep only."
            if now.os == "macOS"
            else f"On battery{charge}: it may run out.",
            "Plug it in. If it runs out all the same, pete resume goes on from the last checkpoint.",
        )
    elif now.on_battery is not None:
        charge = "" if now.battery is None else f", battery at {now.battery}%"
        yield Finding("power", "good", f"On mains power{charge}.")
    if now.low_power:
        yield Finding(
            "low power",
            "caution",
            "Low Power Mode is on: training takes far longer." if now.os == "macOS" else "The machine is set to save power.",
            "Turn it off in System Settings, Battery." if now.os == "macOS" else "Choose another power profile.",
        )
    elif now.low_power is not None:
        yield Finding("low power", "good", "No power saving in force.")
    if now.lid_closed:
        yield Finding(
            "lid",
            "caution",
            "The lid is closed: without mains power and a screen the Mac sleeps, and no program can prevent it.",
            "Open the lid; the screen may go dark.",
        )
    if now.sleep_minutes is not None:
        idle = f"when idle for {now.sleep_minutes} min" if now.sleep_minutes else "never by itself"
        lid = " A closed lid does end it." if now.lid_closed is not None and not now.sleep_disabled else ""
        yield Finding(
            "sleep",
            "good",
            "Sleep is switched off for the whole machine."
            if now.sleep_disabled
            else f"Set to sleep {idle}; while Pete trains, caffeinate holds that off.{lid}",
        )
    if now.updates_by_itself:
        yield Finding(
            "updates",
            "caution",
            "macOS installs updates by itself, at night, and restarts for them.",
            "For a long run: System Settings, General, Software Update, (i), Install macOS updates off. pete resume goes on either way.",
        )


def _clouds(now: Readings, folder: Path, probes: Probes) -> Iterator[Finding]:
    for place, who in now.synced:
        runs = place == folder
        yield Finding(
            "cloud",
            "caution",
            f"{who} copies {'the run folder' if runs else 'this checkout with its .venv'} ({_short(place, probes.home)}): "
            + ("every checkpoint goes out, and files may be taken away to save room." if runs else "Python breaks there (cpython#133028)."),
            "Keep runs elsewhere: PETE_RUNS=~/pete-runs, or --out." if runs else "Move the checkout, to ~/pete say.",
        )
    if not now.synced and "xattr" not in now.silent:
        yield Finding("cloud", "good", "Neither the run folder nor this checkout is in a folder that a cloud copies.")


def _short(path: Path, home: Path | None) -> str:
    return f"~/{path.relative_to(home)}" if home and path.is_relative_to(home) else str(path)


def _gpu_limit(now: Readings, config: Config, probes: Probes) -> Iterator[Finding]:
    if now.os != "macOS" or config.engine.name != "torch" or config.engine.device not in ("auto", "mps"):
        return
    limit, given = config.engine.torch.mps_high_watermark, probes.environment.get("PYTORCH_MPS_HIGH_WATERMARK_RATIO", "")
    replaced = f" The {given[:20]} in the environment is replaced." if given and or_none(lambda: float(given)) != limit else ""
    if limit == 0:
        yield Finding(
            "gpu memory",
            "caution",
            "engine.torch.mps_high_watermark = 0: no limit. A run that is too big swaps all night instead of failing." + replaced,
            "--set engine.torch.mps_high_watermark=1.0, unless it has to be the report's setting.",
        )
    else:
        yield Finding(
            "gpu memory", "good", f"PyTorch may take {limit:.0%} of what Metal recommends (engine.torch.mps_high_watermark).{replaced}"
        )


def _outside(config: Config, probes: Probes) -> Iterator[Finding]:
    mode, asked = config.tracking.wandb, []
    if mode == "off":
        yield Finding("wandb", "good", "Weights & Biases is off.")
    elif _version(probes, "wandb") is None:
        yield Finding(
            "wandb",
            "stop",  # as tracking refuses it
            f'tracking.wandb = "{mode}", and the package is not installed.',
            "pete install wandb; or --set tracking.wandb=off, the numbers go to events.jsonl in any case.",
        )
    elif mode == "offline":
        yield Finding("wandb", "good", f"Weights & Biases {_version(probes, 'wandb')}, offline: into the run folder, nothing is sent.")
    elif not or_none(lambda: has_key(probes.environment, probes.home)):
        yield Finding(
            "wandb",
            "stop",
            'tracking.wandb = "online", and there is no key: none in WANDB_API_KEY, none in ~/.netrc.',
            "Put one into WANDB_API_KEY, or --set tracking.wandb=offline and send the numbers later.",
        )
    else:
        server = probes.environment.get("WANDB_BASE_URL") or "Weights & Biases"
        asked.append(f"{server} (numbers{' and sampled answers' if config.tracking.samples else ' only'})")
        yield Finding("wandb", "good", f"Weights & Biases {_version(probes, 'wandb')}, online; a key is there.")
    if _on_hub(config) and not _is_cached(config, probes):
        if probes.environment.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
            yield Finding(
                "network",
                "stop",
                f"{config.model.base} is not cached here, and HF_HUB_OFFLINE forbids to fetch it.",
                "unset HF_HUB_OFFLINE, or --set model.base=" + EMBEDDED_BASE,
            )
            return
        asked.insert(0, f"the hub, once, to fetch {config.model.base}")
    yield Finding("network", "good", f"Contacts {' and '.join(asked)}; nothing else." if asked else "Nothing leaves this machine.")


def _on_hub(config: Config) -> bool:
    base = config.model.base
    return base.count("/") == 1 and not base.startswith((".", "/", "~")) and not Path(base).is_dir()


def _is_cached(config: Config, probes: Probes) -> bool:
    kept = hub_cache(probes.environment, probes.home) / f"models--{config.model.base.replace('/', '--')}"
    wanted = config.model.revision or "main"
    snapshot = (or_none(lambda: probes.read(kept / "refs" / wanted)) or wanted).strip()
    names = or_none(lambda: probes.names(kept / "snapshots" / snapshot)) or []
    return any(name.endswith(".safetensors") for name in names)  # an interrupted download leaves the small files alone


def _version(probes: Probes, name: str) -> str | None:
    return or_none(lambda: probes.version(name))
