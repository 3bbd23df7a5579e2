"""The files of src/pete, each read and parsed once for all guards."""

import ast
import functools
from pathlib import Path

from pete.resources import PROJECT

SOURCE = PROJECT / "src" / "pete"
FILES = sorted(SOURCE.rglob("*.py"))


@functools.cache
def nodes(path: Path) -> list[ast.AST]:
    """Every node of a file, from the module down."""
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
