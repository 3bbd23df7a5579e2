"""The rules of docs/pipeline.md that a reader should not have to remember."""

import ast
from pathlib import Path

from pete.config import PROJECT, keys

SOURCE = PROJECT / "src" / "pete"
FILES = sorted(SOURCE.rglob("*.py"))
HEAVY = {"torch", "transformers", "peft", "mlx", "mlx_lm"}

# what a stage may import: the shared ground, and stages before it
GROUND = {"config", "errors", "run", "events", "persona", "adapter", "words", "history", "terminal", "machine", "__init__"}
BEFORE = {
    "machine": {"tracking"},
    "tracking": set(),
    "monitor": set(),
    "data": set(),
    "engines": {"data"},
    "train": {"data", "engines", "tracking"},
    "generate": {"data", "engines"},
    "evaluate": {"data", "engines", "generate"},
    "report": {"data", "evaluate"},
}


def imports(path: Path) -> list[tuple[str, bool]]:
    """(module, at import time) for each import of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {id(n) for f in ast.walk(tree) if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef) for n in ast.walk(f)}
    checking = {
        id(n) for i in ast.walk(tree) if isinstance(i, ast.If) and ast.unparse(i.test) == "TYPE_CHECKING" for n in ast.walk(i)
    }  # fmt: skip
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) not in inside | checking) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append((node.module, id(node) not in inside | checking))
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


def test_stages_flow_one_way():
    looked = 0
    for path in FILES:
        stage = path.relative_to(SOURCE).parts[0]
        if stage not in BEFORE:
            continue
        for module, _ in imports(path):
            other = stage_of(module)
            if other and other.removesuffix(".py") not in GROUND and other != stage:
                looked += 1
                assert other in BEFORE[stage], f"{path}: {stage} imports {module}"
    assert looked > 20


def test_nothing_imports_the_command_line_or_the_monitor():
    for path in FILES:
        parts = path.relative_to(SOURCE).parts
        if parts[0] not in ("cli", "monitor", "__main__.py"):
            assert not [m for m, _ in imports(path) if stage_of(m) in ("cli", "monitor")], path


def test_verbs_import_nothing_heavy_when_they_are_listed():
    allowed = {
        "typer",
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
        if path.name in ("training_view.py", "screen.py"):  # imported by a verb when it trains, or draws
            continue
        for module, eager in imports(path):
            assert not eager or module.split(".")[0] in allowed, f"{path}: {module}"
            if eager and module.startswith("pete.") and not module.startswith("pete.cli"):
                assert module in ("pete.errors", "pete.terminal", "pete.words"), f"{path}: {module} at import time makes --help slow"


def test_every_configuration_key_is_read_somewhere():
    read: set[str] = set()
    for path in FILES:
        if path.name != "config.py":
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute):
                    read.add(node.attr)
    names = [name for name, _ in keys()]
    assert len(names) > 25
    assert not [name for name in names if name.rpartition(".")[2] not in read]


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
