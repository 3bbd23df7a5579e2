import sys
from pathlib import Path

import pytest

from pete.cli.editor import edited, in_editor, typed
from pete.errors import UserError


def editor(tmp_path: Path, change: str) -> str:
    path = tmp_path / "my editor.py"
    path.write_text(f"import sys\nt = open(sys.argv[1]).read()\n{change}\nopen(sys.argv[1], 'w').write(t)\n")
    return f"{sys.executable} '{path}'"


def test_visual_comes_before_editor_and_its_text_comes_out(tmp_path, monkeypatch):
    monkeypatch.setenv("VISUAL", editor(tmp_path, "t = t.upper()"))
    monkeypatch.setenv("EDITOR", "false")
    assert in_editor("a caf\u00e9\n") == "A CAF\u00c9\n"


def test_without_either_it_is_nano_or_vi_and_what_is_not_there_is_said(tmp_path, monkeypatch):
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="'vi' cannot be used"):
        in_editor("a")
    (tmp_path / "nano").write_text(f"#!{sys.executable}\nimport sys\nopen(sys.argv[1], 'a').write('b')\n")
    (tmp_path / "nano").chmod(0o755)
    assert in_editor("a") == "ab"


@pytest.mark.parametrize(("text", "before", "after"), [
    ("One.\nTwo.\n", "One.\r\nTwo.", "One.\r\nTwo."),
    ("One.\n", "One.\n\n", "One.\n\n"),
    ("One!\n", "One.", "One!"),
    ("One!\n\n", "One.", "One!\n"),
])  # fmt: skip
def test_what_nobody_touched_stays_as_it_was(text, before, after):
    assert typed(text, before) == after


@pytest.mark.parametrize(("lines", "text"), [(["a", "", "b", "."], "a\n\nb"), (["a"], "a"), ([".", "x"], "")])
def test_without_a_terminal_lines_are_read_up_to_a_full_stop_or_the_end(monkeypatch, lines, text):
    monkeypatch.setattr("pete.cli.editor.read_line", reader(lines))
    assert edited("before") == text


def reader(lines):
    left = list(lines)

    def read() -> str:
        if not left:
            raise EOFError
        return left.pop(0)

    return read


def test_an_editor_that_gives_up_keeps_nothing(monkeypatch):
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "false")
    with pytest.raises(UserError, match="ended with 1: nothing is kept"):
        in_editor("A text.")
