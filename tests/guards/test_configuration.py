"""No dead knobs: every configuration key is read, from its own section, by code outside config.py.

What runs without a model is run with a configuration that records what is read of it. What needs torch, a Mac's GPU or W&B's
server cannot run here, and is looked up in the source: `config.<section>.<key>`, or a name that holds the section.
"""

import ast
import sys
from collections.abc import Iterable, Iterator

import pytest
from typer.testing import CliRunner

from pete import config as configuration
from pete.config import Config, ConfigSection, DataConfig, keys
from tests.guards import source

FILES = [path for path in source.FILES if path.name != "config.py" or path.parent != source.SOURCE]


def tables(kind: type, above: str = "") -> Iterator[tuple[str, type]]:
    """(dotted name, class) of every table."""
    for name, field in kind.model_fields.items():  # type: ignore[attr-defined]
        if isinstance(field.annotation, type) and issubclass(field.annotation, ConfigSection):
            yield f"{above}{name}", field.annotation
            yield from tables(field.annotation, f"{above}{name}.")


DOTTED = {dotted.rpartition(".")[2]: dotted for dotted, _ in tables(Config)}
"""Name of a table -> its whole name."""
SECTIONS: dict[str, type] = {dotted.rpartition(".")[2]: kind for dotted, kind in tables(Config)}
FAKE = ["engine.name=fake", "model.base=fake", "data.max_length=2000", "train.steps=4", "train.micro_batch=4", "train.accumulation=1",
        "train.sample_every=2", "optim.warmup_steps=1", "generate.max_new_tokens=8", "tracking.wandb=off"]  # fmt: skip


class Recording:
    """Which keys of a configuration were read, as section.key, and by whom: config.py's own checks are no readers."""

    def __init__(self) -> None:
        self.read: set[str] = set()

    def __enter__(self) -> "Recording":
        names = {kind: name for name, kind in SECTIONS.items()}

        def look(section: ConfigSection, key: str) -> object:
            reader = sys._getframe(1).f_code.co_filename
            if type(section) in names and key in type(section).model_fields and reader != configuration.__file__:
                self.read.add(f"{DOTTED[names[type(section)]]}.{key}")
            return object.__getattribute__(section, key)

        ConfigSection.__getattribute__ = look  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        del ConfigSection.__getattribute__


def read_in_source(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Keys that a file reads as `<anything>.<section>.<key>`, or of a name that holds a section: annotated so, or assigned from it."""
    classes = {kind.__name__: name for name, kind in SECTIONS.items()}  # type: ignore[union-attr]
    for function in [node for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)]:
        holds: dict[str, str] = {}
        for node in ast.walk(function):
            if isinstance(node, ast.arg) and node.annotation is not None and (of := ast.unparse(node.annotation).strip("'\"")) in classes:
                holds[node.arg] = classes[of]
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute) and node.value.attr in SECTIONS:
                holds |= {ast.unparse(target): node.value.attr for target in node.targets}
        for node in ast.walk(function):
            if isinstance(node, ast.Attribute):
                owner = node.value
                section = owner.attr if isinstance(owner, ast.Attribute) else ""
                if section not in SECTIONS:
                    named = holds and isinstance(owner, ast.Name | ast.Attribute)
                    section = holds.get(ast.unparse(owner), "") if named else ""
                if section and node.attr in SECTIONS[section].model_fields:  # type: ignore[union-attr]
                    yield f"{DOTTED[section]}.{node.attr}"


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """What plan, training, test, evaluation and report read of a fake run's configuration."""
    from pete.cli import app
    from pete.config import resolve
    from pete.engines import environment
    from pete.tracking import sidecar
    from pete.tracking.rows import hyperparameters

    folder = tmp_path_factory.mktemp("read")
    (folder / "voice" / "examples").mkdir(parents=True)
    (folder / "voice" / "persona.toml").write_text('name = "Ada"\ndescription = "Plain."\n[categories]\na = "A"\n')
    rows = "".join(f'{{"prompt": "Say {i}.", "completion": "Thing {i} is plain.", "category": "a", "topic": "t{i}"}}\n' for i in range(24))
    (folder / "voice" / "examples" / "rows.jsonl").write_text(rows)
    (folder / "voice" / "prompts.jsonl").write_text('{"id": "p", "category": "a", "prompt": "Ask?"}\n')
    sets = [part for value in FAKE for part in ("--set", value)]
    run = str(folder / "run")
    commands = [
        ["train", "--plan", "--persona", str(folder / "voice"), "--out", str(folder / "none"), *sets],
        ["train", "--persona", str(folder / "voice"), "--out", run, *sets],
        ["test", run, "Say it."],
        ["evaluate", run, "--set", "evaluate.samples=1"],
    ]
    with Recording() as recording:
        for command in commands:
            done = CliRunner().invoke(app, command)
            assert done.exit_code in (0, 1), (command, done.output)
        online = resolve(overrides=["tracking.wandb=offline"]).config
        sidecar.usable(online)
        hyperparameters(online, folder)
        environment(online)
    return recording.read - set(DOTTED.values())


@pytest.fixture(scope="module")
def in_source():
    return {key for path in FILES for key in read_in_source(source.nodes(path))} - set(DOTTED.values())


def test_every_key_is_read_from_its_own_section(read, in_source):
    names = {name for name, _ in keys()}
    assert len(names) > 40 and read <= names
    assert not names - read - in_source, "nothing reads these"
    assert len(names - read) < 10, f"so much was not run: {sorted(names - read)}"


def test_a_dead_knob_is_seen(read, monkeypatch):
    """Also one whose last part is the name of many an attribute: `rank`, `steps`, `name`."""

    class Knobs(DataConfig):
        steps: int = 3
        name: str = "dead"

    monkeypatch.setitem(SECTIONS, "data", Knobs)
    in_source = {key for path in FILES for key in read_in_source(source.nodes(path))}
    assert {f"data.{key}" for key in Knobs.model_fields} - read - in_source == {"data.steps", "data.name"}
    assert {"train.steps", "engine.name", "data.max_length"} <= in_source


def test_a_reading_is_recorded_with_its_section_and_config_itself_is_no_reader():
    given = Config()
    with Recording() as recording:
        assert given.lora.rank == 16
        Config.model_validate(given.model_dump())  # its checks read train.steps and lora.dropout
    assert recording.read == {"lora.rank"}
    assert given.train.steps is None and recording.read == {"lora.rank"}, "and nothing afterwards"


def test_what_the_source_reads():
    text = """
def one(config, lora: LoraConfig):
    train = config.train
    return lora.rank + train.steps + config.data.packing + other.alpha + lora.steps
"""
    assert set(read_in_source(ast.walk(ast.parse(text)))) == {"lora.rank", "train.steps", "data.packing"}
