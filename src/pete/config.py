"""THE configuration: one frozen object, from TOML presets and `--set key=value`.

Order, later wins: defaults here < preset < --config FILE < --set. Every value remembers where it came from, and the
resolved file in the run folder says so beside each one.
"""

import difflib
import functools
import json
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from pete.errors import ConfigError
from pete.places import seen_from
from pete.resources import PRESETS
from pete.terminal import scrub

EMBEDDED_BASE = "smollm2-135m-instruct"
BUILT_IN_BASES = {EMBEDDED_BASE: "pete.engines.base_models.embedded:embedded_base", "fake": "pete.engines.fake:fake_base"}
"""Bases that are neither a folder nor on the hub -> module:function that makes one."""
ENGINES = {
    "torch": "pete.engines.torch.engine:TorchEngine",
    "llama": "pete.engines.llama.engine:LlamaEngine",
    "fake": "pete.engines.fake:FakeEngine",
}
"""Engine -> module:class, imported when it is opened. A new engine is a module or package below engines/, and a line here."""
if TYPE_CHECKING:
    EngineName = str
    GeneratingEngine = str
else:
    EngineName, GeneratingEngine = Literal[tuple(ENGINES)], Literal["auto", *ENGINES]

Share = Annotated[float, Field(ge=0.0, lt=0.5)]
Positive = Annotated[int, Field(ge=1)]


class ConfigSection(BaseModel):
    """A table of the configuration: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelConfig(ConfigSection):
    """The model that is taught."""

    base: str = Field(EMBEDDED_BASE, description="embedded model, hub id (owner/name) or a folder")
    revision: str | None = Field(None, description="hub revision to pin; nothing means the newest cached or published")
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="base weights; auto measures which one this machine computes well"
    )


class LoraConfig(ConfigSection):
    """The adapter (Hu et al. 2021): the update of a weight is B @ A * alpha / rank."""

    rank: Positive = Field(16, description="width of the update; more learns more and copies more")
    alpha: Annotated[float, Field(gt=0)] = Field(32.0, description="the update is scaled by alpha / rank")
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(0.05, description="share of inputs the adapter does not see in a step")
    targets: tuple[str, ...] = Field(("all-linear",), description="module names, or all-linear")

    @model_validator(mode="after")
    def _targets_make_sense(self) -> Self:
        if not self.targets:
            raise ValueError('targets is empty: name at least one module, or ["all-linear"]')
        if "all-linear" in self.targets and len(self.targets) > 1:
            raise ValueError('targets mixes "all-linear" with module names: keep one or the other')
        return self


class DataConfig(ConfigSection):
    """What is learned from, and how it is cut."""

    persona: str = Field("pete-connor", description="a name below personas/, or a folder")
    max_length: Positive = Field(1024, description="tokens of one example, prompt and answer together")
    train_turns: Literal["all", "last"] = Field(
        "all", description="which assistant turns of a conversation carry loss: every one is the author's, unless other people answered too"
    )
    rewrite_share: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        0.5, description="of the rows to learn from, drafts to rewrite; nothing to a persona without drafts"
    )
    packing: bool = Field(False, description="fill each row up to max_length with several examples (attention never mixes them)")
    valid_share: Share = Field(0.1, description="rows that choose the best step")
    test_share: Share = Field(0.1, description="rows that are only ever scored")
    split_seed: Annotated[int, Field(ge=0, lt=2**31)] = Field(0, description="decides which rows are held out, whatever train.seed is")


class OptimConfig(ConfigSection):
    """AdamW (Loshchilov & Hutter 2017)."""

    learning_rate: Annotated[float, Field(gt=0)] = Field(2e-4, description="the peak, after warm-up")
    weight_decay: Annotated[float, Field(ge=0)] = Field(0.01, description="pull of the adapter towards zero")
    warmup_steps: Annotated[int, Field(ge=0)] = Field(100, description="steps from nothing up to the peak")
    schedule: Literal["constant", "linear", "cosine"] = Field("cosine", description="after the peak; falls to a tenth of it")
    clip_norm: Annotated[float, Field(gt=0)] = Field(1.0, description="longest gradient; a longer one is shortened to it")


ROWS_TOGETHER = 8
"""Rows of a micro-batch that is chosen by itself, where memory allows: more gain next to nothing (docs/log.md)."""


class TrainConfig(ConfigSection):
    """How long, in what portions, and how often to look and to save."""

    steps: Positive | None = Field(None, description="optimizer updates; either this or epochs")
    epochs: Annotated[float, Field(gt=0)] | None = Field(
        None, description="passes over the texts of training, a draft and a prompt of one text being one; either this or steps"
    )
    micro_batch: Positive | Literal["auto"] = Field(
        1, description="rows computed together; auto takes 8, or as many of them as fit in memory, and their accumulation rises"
    )
    accumulation: Positive = Field(16, description="micro-batches an update")
    devices: Positive = Field(1, description="that compute a step together, a micro-batch each at a time; same steps on any number")
    save_every: Positive = Field(100, description="steps between checkpoints")
    eval_every: Positive = Field(100, description="steps between looks at the validation rows")
    sample_every: Positive | None = Field(None, description="steps between short answers to a held-out prompt; nothing means none")
    gradient_checkpointing: bool = Field(False, description="compute activations twice instead of keeping them: less memory, slower")
    seed: Annotated[int, Field(ge=0, lt=2**31)] = Field(0, description="decides order, start and dropout")

    @property
    def rows_together(self) -> int:
        """Rows of a micro-batch; of "auto", what is hoped for until the plan has settled it."""
        return ROWS_TOGETHER if self.micro_batch == "auto" else self.micro_batch

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.steps is None) == (self.epochs is None):
            found = "neither is" if self.steps is None else "both are"
            raise ValueError(f"set exactly one of steps and epochs; {found} set")
        return self


class TorchConfig(ConfigSection):
    """Settings of the torch engine."""

    mps_high_watermark: Annotated[float, Field(ge=0, le=2)] = Field(
        1.0, description="PyTorch's memory limit on a Mac, as a share of what Metal recommends; 0 is no limit: it swaps instead of failing"
    )


class LlamaConfig(ConfigSection):
    """Settings of the llama engine."""

    kind: Literal["f32", "f16", "q8_0"] = Field(
        "q8_0", description="type of the matrices in the GGUF it answers from; q8_0 is half of f16, as fast again, and next to exact"
    )
    draft: str | None = Field(
        None, description="smaller base with the same tokens that guesses what comes next; changes how fast an answer is, not what it says"
    )


class EngineConfig(ConfigSection):
    """What computes; an engine's own settings are a table of its name."""

    name: EngineName = Field("torch", description="what trains")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="auto takes mps, then cuda, then cpu")
    torch: TorchConfig = TorchConfig()  # type: ignore[call-arg]
    llama: LlamaConfig = LlamaConfig()  # type: ignore[call-arg]


class TrackingConfig(ConfigSection):
    """Where the numbers go beside events.jsonl. Nothing leaves the machine unless wandb is "online"."""

    wandb: Literal["off", "offline", "online"] = Field("off", description="Weights & Biases: off, offline (a folder in the run) or online")
    project: str = Field("pete", min_length=1, description="the W&B project")
    samples: bool = Field(False, description="also send the answers sampled while training; numbers only otherwise")


class GenerateConfig(ConfigSection):
    """How an answer is drawn from the model; also what `Generator.stream` takes."""

    engine: GeneratingEngine = Field(
        "auto", description="what answers; auto is llama where it is proven to compute the same, else the engine that trained"
    )
    max_new_tokens: Positive = Field(220, description="longest answer")
    temperature: Annotated[float, Field(ge=0)] = Field(0.7, description="0 takes the likeliest token")
    top_k: Annotated[int, Field(ge=0)] = Field(50, description="0 keeps all")
    top_p: Annotated[float, Field(gt=0, le=1)] = Field(0.95, description="draw from the likeliest tokens that together reach this")
    repetition_penalty: Annotated[float, Field(ge=1)] = Field(1.15, description="1 is none; small models loop without it")
    seed: Annotated[int, Field(ge=0, lt=2**31)] = Field(0, description="the same seed draws the same answer")
    retries: Annotated[int, Field(ge=0, le=2)] = Field(0, description="how often an answer that breaks a rule is drawn again")
    best_of: Annotated[int, Field(ge=1, le=16)] = Field(1, description="answers drawn a try; the one that breaks the fewest rules is kept")


class EvaluateConfig(ConfigSection):
    """The evaluation."""

    prompts_per_category: Positive | None = Field(
        None, description="most prompts of a category, and most unseen texts of one; not set means all of the suite"
    )
    batch: Positive = Field(16, description="answers generated side by side, by an engine whose rows cannot wait for each other")
    samples: Positive = Field(3, description="answers a prompt, each with its own seed")


class Config(ConfigSection):
    """Everything a run is made of."""

    model: ModelConfig = ModelConfig()  # type: ignore[call-arg]
    lora: LoraConfig = LoraConfig()  # type: ignore[call-arg]
    data: DataConfig = DataConfig()  # type: ignore[call-arg]
    optim: OptimConfig = OptimConfig()  # type: ignore[call-arg]
    train: TrainConfig = TrainConfig(epochs=2)  # type: ignore[call-arg]
    engine: EngineConfig = EngineConfig()  # type: ignore[call-arg]
    tracking: TrackingConfig = TrackingConfig()  # type: ignore[call-arg]
    generate: GenerateConfig = GenerateConfig()  # type: ignore[call-arg]
    evaluate: EvaluateConfig = EvaluateConfig()  # type: ignore[call-arg]

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.train.steps is not None and self.optim.warmup_steps >= self.train.steps:
            raise ValueError(
                f"optim.warmup_steps = {self.optim.warmup_steps} leaves nothing of train.steps = {self.train.steps}: "
                "lower the first or raise the second"
            )
        if self.train.gradient_checkpointing and self.lora.dropout > 0:
            raise ValueError(
                f"train.gradient_checkpointing with lora.dropout = {self.lora.dropout:g}: on a Mac's GPU the second computation drops "
                "other elements than the first, and the gradients are wrong without a word (pytorch#127676): set lora.dropout to 0"
            )
        return self


@dataclass(frozen=True)
class Resolved:
    """A configuration and, for each dotted key, where its value came from."""

    config: Config
    sources: Mapping[str, str]

    def replace(self, key: str, value: object, source: str) -> "Resolved":
        """The same with one value settled later (a probed dtype, say), and its reason kept."""
        return Resolved(_built(values_of(self.config) | {key: value}), {**self.sources, key: source})

    def portable(self, folder: Path) -> "Resolved":
        """The same as a run in `folder` keeps it: folders of this machine as seen from there or from home, files by their names."""
        values = values_of(self.config)
        seen = {key: seen_from(folder, values[key]) for key in FOLDERS if values[key] is not None}
        sources = {key: Path(source).name if source.endswith(".toml") else source for key, source in self.sources.items()}
        return Resolved(_built(values | seen), sources)

    def to_toml(self) -> str:
        """The run folder's config.toml: every value, with its source behind it."""
        lines, table = ["# Resolved configuration. Behind each value: where it came from."], ""
        for dotted, value in values_of(self.config).items():
            section, _, key = dotted.rpartition(".")
            if section != table:
                table = section
                lines += ["", f"[{section}]"]
            source = " ".join(scrub(self.sources.get(dotted, "default")).split())  # a file may be called anything
            lines.append(f"# {key} is not set  # {source}" if value is None else f"{key} = {in_toml(value)}  # {source}")
        return "\n".join(lines) + "\n"


ANSWERING = ("generate", "engine.llama")
"""Sections that say how a trained run answers, and can be others each time it does."""
FOLDERS = ("data.persona", "model.base", "engine.llama.draft")
"""Values that may be a folder: kept absolute while Pete runs, so that the working directory does not matter."""
MOVED = {"engine.mps_high_watermark": "engine.torch.mps_high_watermark"}
"""Keys of earlier versions, which run folders still have, and where they are now."""
Values = dict[str, Any]
"""Value by dotted key."""


def resolve(preset: str | None = None, file: Path | None = None, overrides: Sequence[str] = ()) -> Resolved:
    """Merge the layers into one checked object.

    Raises:
        ConfigError: listing every unknown key, wrong type and impossible combination, with a did-you-mean.
    """
    problems: list[str] = []
    layers: list[tuple[str, Values, dict[str, int]]] = []
    if preset is not None:
        layers.append((f"preset {preset}", *_read_layer(find_preset(preset))))
    if file is not None:
        layers.append((str(file), *_read_layer(file)))
    layers.append(("--set", _parse_overrides(overrides, problems), {}))

    values: Values = {"train.epochs": 2.0}
    sources: dict[str, str] = {}
    where: dict[str, str] = {}
    for name, layer, numbers in layers:
        if ("train.steps" in layer) != ("train.epochs" in layer):
            # a later layer that chooses one length replaces the other of an earlier layer
            values.pop("train.epochs" if "train.steps" in layer else "train.steps", None)
        for key, value in layer.items():
            if key in FOLDERS:
                value = _absolute(key, value, [file.parent, Path()] if file is not None and name == str(file) else [Path()])
            values[key] = value
            sources[key] = name
            where[key] = f"{name}:{numbers[key]}" if key in numbers else name
    hint = "see docs/configuration.md for every key; --set section.key=value overrides one"
    return Resolved(_validated(values, problems, hint=hint, where=where), sources)


def override(resolved: Resolved, overrides: Sequence[str], sections: Sequence[str]) -> Resolved:
    """A finished run's configuration with some values changed, in sections that do not change what was trained.

    Raises:
        ConfigError: another section, an unknown key or a wrong value.
    """
    problems: list[str] = []
    given = _parse_overrides(overrides, problems)
    fixed = [key for key in given if key.rpartition(".")[0] not in sections]
    for section in dict.fromkeys(key.partition(".")[0] for key in fixed):
        problems.append(f"{section}: a trained run's {section} cannot change; here only {' and '.join(sections)} can")
    given = {key: value for key, value in given.items() if key not in fixed}
    config = _validated(values_of(resolved.config) | given, problems, "These values do not fit:", "see docs/configuration.md")
    return Resolved(config, {**resolved.sources, **dict.fromkeys(given, "--set")})


def find_preset(name: str) -> Path:
    """The file of a preset; raises ConfigError with the ones that exist."""
    path = PRESETS / f"{name}.toml"
    if path.is_file():
        return path
    known = sorted(p.stem for p in PRESETS.glob("*.toml"))
    close = difflib.get_close_matches(name, known, 1)
    raise ConfigError(
        f"There is no preset {name!r}." + (f" Did you mean {close[0]!r}?" if close else ""),
        f"presets: {', '.join(known)}; or --config FILE for your own",
    )


def read_resolved(path: Path) -> Resolved:
    """Read a run folder's config.toml back, sources included."""
    values, _ = _read_layer(path)
    for key in FOLDERS:
        value = values.get(key, "")
        if isinstance(value, str) and value.startswith((".", "~")):
            values[key] = os.path.normpath(os.path.join(os.path.realpath(path.parent), os.path.expanduser(value)))
    values.pop("generate.avoid_bias", None)  # of earlier versions; it was off unless somebody set it
    sources: dict[str, str] = {}
    section = ""
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line.startswith("["):
            section = line.strip("[] ")
        elif "  # " in line:
            key = f"{section}.{line.removeprefix('# ').split(' ', 1)[0]}"
            sources[MOVED.get(key, key)] = line.rsplit("  # ", 1)[1]
    return Resolved(_validated(values, [], f"{path} is not a configuration this version understands:"), sources)


def keys(table: type[BaseModel] = Config, above: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every dotted key with its pydantic field, in order."""
    for name, field in table.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, ConfigSection):
            yield from keys(field.annotation, f"{above}{name}.")
        else:
            yield f"{above}{name}", field


def values_of(config: Config) -> Values:
    """Every value by its dotted key, in order."""
    return dict(_flat(config.model_dump()))


def _flat(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of nested tables."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _built(values: Values) -> Config:
    """The configuration of values that belong to it."""
    tables: dict[str, Any] = {}
    for dotted, value in values.items():
        *path, key = dotted.split(".")
        functools.reduce(lambda table, part: table.setdefault(part, {}), path, tables)[key] = value
    return Config.model_validate(tables)


def _read_layer(path: Path) -> tuple[Values, dict[str, int]]:
    """(values, line of each) of a file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        tables = tomllib.loads(text)
    except FileNotFoundError:
        raise ConfigError(f"There is no configuration file {path}.", "give a TOML file, or --preset quickstart") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}", "mend that line, then run the same command") from None
    numbers: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if bare.startswith("["):
            section = bare.strip("[] ")
        elif "=" in bare and not bare.startswith("#"):
            numbers[f"{section}.{bare.split('=', 1)[0].strip()}"] = number
    return {MOVED.get(key, key): value for key, value in _flat(tables)}, numbers


def _absolute(key: str, value: Any, near: Sequence[Path]) -> Any:
    """A folder by its whole path, wherever it was named from; a name stays a name."""
    if not isinstance(value, str) or value in BUILT_IN_BASES:
        return value
    for place in near:
        folder = place / os.path.expanduser(value)
        if (folder / "persona.toml").is_file() if key == "data.persona" else folder.is_dir():
            return str(folder.resolve())
    return value


def _parse_overrides(overrides: Sequence[str], problems: list[str]) -> Values:
    values: Values = {}
    for item in overrides:
        dotted, equals, raw = item.partition("=")
        key = dotted.strip()
        if not equals or "." not in key:
            problems.append(f"--set {item}: expected section.key=value, such as lora.rank=8")
            continue
        try:
            value = tomllib.loads(f"value = {raw}")["value"]
        except tomllib.TOMLDecodeError:
            value = raw
        if isinstance(value, str) and key == "lora.targets":
            value = [part.strip() for part in value.split(",")]
        values |= {MOVED.get(key, key): value for key, value in _flat({key: value})}
    return values


def _validated(values: Values, problems: list[str], title: str = "", hint: str = "", where: Mapping[str, str] | None = None) -> Config:
    """The configuration of values that anybody may have given; `where` says in which file and line one stands.

    Raises:
        ConfigError: with these problems and every other.
    """
    places = {key: f"{place}: " for key, place in (where or {}).items()}
    known = [key for key, _ in keys()]
    problems += [places.get(key, "") + _unknown(key, value, known) for key, value in values.items() if key not in known]
    config = None
    try:
        config = _built({key: value for key, value in values.items() if key in known})
    except ValidationError as error:
        said: dict[tuple[str, str], list[str]] = {}
        for item in error.errors():
            parts = [str(part) for part in item["loc"]]
            dotted = next((key for end in range(len(parts), 0, -1) if (key := ".".join(parts[:end])) in known), ".".join(parts))
            message = item["msg"].removeprefix("Value error, ")
            found = f", found {item['input']!r}" if not isinstance(item["input"], dict | BaseModel) else ""
            said.setdefault((dotted, found), []).append(message)
        for (dotted, found), messages in said.items():  # a value of several types has a message of each
            problems.append(f"{places.get(dotted, '')}{dotted + ': ' if dotted else ''}{', or '.join(messages)}{found}")
    if config is None or problems:
        title = title or f"The configuration has {len(problems)} problem{'s' if len(problems) > 1 else ''}:"
        raise ConfigError.of_problems(title, problems, hint)
    return config


def _unknown(dotted: str, value: object, known: Sequence[str]) -> str:
    """What is said of a key that there is not, with the likeliest that was meant."""
    if any(key.startswith(f"{dotted}.") for key in known):
        return f"{dotted}: expected a [table], found {value!r}"
    close = difflib.get_close_matches(dotted, sorted(known), 1, cutoff=0.5)
    if not close:  # the right name in the wrong section
        close = [key for key in sorted(known) if key.rpartition(".")[2] == dotted.rpartition(".")[2]]
    return f"{dotted}: unknown key" + (f"; did you mean {close[0]}?" if close else "")


def in_toml(value: object) -> str:
    """A value as TOML. JSON's strings are TOML's, but for U+007F, which TOML wants escaped, and escaped surrogates, which it has not."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | list | tuple):
        return json.dumps(value if isinstance(value, str) else list(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
