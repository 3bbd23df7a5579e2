"""The rules of docs/pipeline.md that a reader should not have to remember."""

import ast
import functools
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
import typer

from pete.resources import PROJECT
from tests.guards.source import FILES, SOURCE, nodes

HEAVY = {"torch", "transformers", "peft", "mlx", "mlx_lm"}

GROUND = {
    "__init__",
    "config",
    "errors",
    "events",
    "history",
    "words",
    "run",
    "persona",
    "adapter",
    "terminal",
    "places",
    "listener",
    "resources",
    "sealed_page",
}
"""What every stage may import, and what imports no stage."""
BEFORE = {
    "machine": set(),
    "tracking": set(),
    "monitor": set(),
    "data": set(),
    "engines": {"machine", "data"},
    "train": {"machine", "data", "engines"},
    "generate": {"data", "engines"},
    "evaluate": {"data", "engines", "generate"},
    "export": {"machine", "data", "engines", "generate", "evaluate"},
    "report": {"data", "evaluate", "export"},
    "serve": {"data", "engines", "generate"},
}
"""Stage -> the stages it may import; app/ ties them together, cli/ draws, and both may import all that is before them."""
ENTRANCES = {"app": {*BEFORE}, "cli": {*BEFORE, "app"}}


@functools.cache
def imports(path: Path) -> list[tuple[str, bool]]:
    """(module, at import time) for each import of a file."""
    inside = {id(n) for f in nodes(path) if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef) for n in ast.walk(f)}
    checking = {
        id(n) for i in nodes(path) if isinstance(i, ast.If) and ast.unparse(i.test) == "TYPE_CHECKING" for n in ast.walk(i)
    }  # fmt: skip
    later, found = inside | checking, []
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) not in later) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append((node.module, id(node) not in later))
    return found


def stage_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "pete" else ""


def test_heavy_packages_are_imported_only_below_engines():
    looked = 0
    for path in FILES:
        for module, _ in imports(path):
            looked += 1
            if module.split(".")[0] in HEAVY:
                assert path.relative_to(SOURCE).parts[0] == "engines", f"{path}: imports {module}"
    assert looked > 200


def test_web_packages_are_imported_only_by_the_server():
    looked = 0
    for path in FILES:
        for module, _ in imports(path):
            if module.split(".")[0] in ("fastapi", "starlette", "uvicorn", "h11"):
                looked += 1
                assert path.relative_to(SOURCE).parts[0] == "serve", f"{path}: imports {module}"
    assert looked > 5


def test_an_extra_is_not_needed_by_what_does_without_it():
    """Only the verb that serves imports the server, when it runs: without the extra everything else works."""
    for path in FILES:
        if path.relative_to(SOURCE).parts[0] != "serve":
            for module, eager in imports(path):
                assert not (eager and module.startswith("pete.serve")), f"{path}: imports {module} before it is asked for"


def stage(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def refused(importer: str, module: str) -> bool:
    """Whether a part of pete may not import a module of it."""
    other = stage_of(module)
    if not other or other == importer or other in GROUND or importer == "__main__":
        return False
    return other not in (BEFORE | ENTRANCES).get(importer, set())


def test_stages_flow_one_way():
    looked = 0
    for path in FILES:
        for module, _ in imports(path):
            looked += bool(stage_of(module))
            assert not refused(stage(path), module), f"{path}: {stage(path)} imports {module}"
    assert looked > 300


@pytest.mark.parametrize(
    ("importer", "module"),
    [
        ("machine", "pete.tracking.keys"),
        ("machine", "pete.engines.protocol"),
        ("engines", "pete.tracking.keys"),
        ("run", "pete.machine.memory"),
        ("train", "pete.cli.console"),
        ("report", "pete.monitor.frame"),
        ("train", "pete.app.train"),
        ("app", "pete.cli.console"),
        ("generate", "pete.evaluate.log"),
        ("serve", "pete.app.serve"),
        ("serve", "pete.train.loop"),
        ("generate", "pete.serve.limits"),
    ],
)
def test_what_flows_backwards_is_seen(importer, module):
    assert refused(importer, module)


def test_the_evaluation_does_without_its_optional_folders():
    optional = {folder.name for folder in (SOURCE / "evaluate").iterdir() if (folder / "__init__.py").is_file()} - {"scorers"}
    assert {"judge", "blind", "prompt_formats"} <= optional
    for path in (SOURCE / "evaluate").rglob("*.py"):
        own = path.relative_to(SOURCE / "evaluate").parts[0]
        for module, _ in imports(path):
            other = module.split(".")[2] if module.startswith("pete.evaluate.") else ""
            assert other == own or other not in optional, f"{path}: imports {module}"


def test_every_part_has_its_place():
    """Nothing grows beside the map above, where no rule would hold for it."""
    places = {stage(path) for path in FILES} - {"__main__"}
    assert places <= GROUND | BEFORE.keys() | ENTRANCES.keys() and BEFORE.keys() <= places


def test_the_application_draws_nothing():
    looked = 0
    for path in (SOURCE / "app").rglob("*.py"):
        looked += 1
        modules = [module for module, _ in imports(path)]
        assert not [m for m in modules if m.split(".")[0] in ("typer", "rich", "signal") or m.endswith("train.signals")], path
        assert "print(" not in path.read_text(encoding="utf-8"), path
    assert looked > 5


def test_verbs_import_nothing_heavy_when_they_are_listed():
    allowed = {
        "typer",
        "click",
        "rich",
        "pete",
        "collections",
        "contextlib",
        "types",
        "typing",
        "pathlib",
        "sys",
        "json",
        "time",
        "os",
        "re",
        "shlex",
        "errno",
    }
    for path in (SOURCE / "cli").glob("*.py"):
        if path.name in ("training_view.py", "screen.py", "notify.py"):  # imported by a verb when it trains, or draws
            continue
        for module, eager in imports(path):
            assert not eager or module.split(".")[0] in allowed, f"{path}: {module}"
            if eager and module.startswith("pete.") and not module.startswith("pete.cli"):
                assert module in ("pete.errors", "pete.terminal", "pete.words"), f"{path}: {module} at import time makes --help slow"


def commands_named(nodes: Iterable[ast.AST]) -> set[str]:
    """The verbs in a file's texts: `pete VERB`, wherever a message, a hint or a docstring says so."""
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return {verb for text in texts for verb in re.findall(r"(?<![\w/.-])pete ([a-z]+)", text)}


def test_every_command_that_a_text_names_is_there():
    from pete.cli import app

    verbs = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    named = {path: commands_named(nodes(path)) for path in FILES}
    assert len(set().union(*named.values())) > 10
    for path, found in named.items():
        assert found <= verbs, f"{path}: no such verb: {', '.join(sorted(found - verbs))}"
    assert commands_named(ast.walk(ast.parse('x = f"{run}: pete nosuch RUN"'))) == {"nosuch"}


MIRRORED = ("monitor", "tracking", "machine", "data", "serve")


def test_every_module_has_its_tests_where_one_looks_for_them():
    looked = 0
    for path in FILES:
        place = path.relative_to(SOURCE)
        if path.stem.startswith("__") or (len(place.parts) > 1 and place.parts[0] not in MIRRORED):
            continue
        looked += 1
        assert (PROJECT / "tests" / "unit" / place.parent / f"test_{path.name}").is_file(), place
    assert looked > 30


def test_no_pickle_no_remote_code_no_catch_all_modules():
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert "torch.load(" not in text and "import pickle" not in text and "trust_remote_code=True" not in text, path
        assert path.stem not in ("utils", "util", "helpers", "helper", "misc", "common"), path


def test_the_readme_draws_the_tree_that_is_there():
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    packages = [p.parent.name for p in SOURCE.glob("*/__init__.py")]
    assert len(packages) >= 7
    assert not [name for name in packages if f"{name}/" not in readme]
