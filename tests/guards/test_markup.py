"""No text can be taken for markup, and nothing but `Screen` reaches a terminal: what stands in a file stays text."""

import ast
import itertools
from collections.abc import Iterator
from pathlib import Path

from tests.guards.source import FILES, SOURCE, nodes


def every_node() -> Iterator[tuple[Path, ast.AST]]:
    """(file below src/pete, node), of every file."""
    for path in FILES:
        yield from zip(itertools.repeat(path.relative_to(SOURCE)), nodes(path), strict=False)


def calls():
    for path, node in every_node():
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield f"{path}:{node.lineno}", name, node


def keyword(node: ast.Call, name: str) -> ast.expr | None:
    return next((k.value for k in node.keywords if k.arg == name), None)


def test_only_the_screen_makes_a_console_and_only_main_an_output():
    found = {(where.split(":")[0], name) for where, name, _ in calls() if name in ("Console", "Screen", "Output")}
    assert found == {("cli/console.py", "Screen"), ("terminal.py", "Output")}


def test_what_is_read_as_markup_is_constant():
    """rich reads markup in the strings of these, whatever the console says."""
    looked = 0
    for where, name, node in calls():
        assert name not in ("from_markup", "from_ansi", "set_window_title"), f"{where}: {name}"
        markup = keyword(node, "markup")
        assert markup is None or ast.unparse(markup) == "False", f"{where}: markup is switched on"
        if name in ("Panel", "TextColumn", "status", "Spinner") and markup is None:
            looked += 1
            said = keyword(node, "title") if name == "Panel" else node.args[0]
            constant = isinstance(said, ast.Constant) and "{" not in str(said.value)
            assert constant or (isinstance(said, ast.Call) and ast.unparse(said.func) == "Text"), f"{where}: {ast.unparse(node)[:80]}"
    assert looked >= 5


def test_no_style_is_written_as_markup():
    looked = 0
    for path, node in every_node():
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and path.parts[0] in ("cli", "monitor"):
            looked += 1
            assert "[/]" not in node.value and "[bold" not in node.value and "[dim]" not in node.value, f"{path}:{node.lineno}"
    assert looked > 300
