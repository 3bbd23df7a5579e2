import pytest

from pete.cli.console import as_typed, complain
from pete.errors import RunError


@pytest.mark.parametrize(
    ("command", "text", "typed"),
    [
        ("./pete", "try pete resume runs/x", "try ./pete resume runs/x"),
        ("/a b/pete", "pete test x, or pete chat x", "'/a b/pete' test x, or '/a b/pete' chat x"),
        ("./pete", "personas/pete-connor and a man called pete", "personas/pete-connor and a man called pete"),
        ("./pete", "./pete test x", "./pete test x"),
        (None, "pete report x", "pete report x"),
    ],
)
def test_commands_are_printed_as_they_were_typed(monkeypatch, command, text, typed):
    monkeypatch.delenv("PETE_COMMAND", raising=False)
    if command:
        monkeypatch.setenv("PETE_COMMAND", command)
    assert as_typed(text) == typed


def test_a_failure_is_a_sentence_and_the_next_command(monkeypatch, capsys):
    monkeypatch.setenv("PETE_COMMAND", "./pete")
    complain(RunError("No such run.", "pete quickstart makes one"))
    assert capsys.readouterr().err == "pete: No such run.\n  try: ./pete quickstart makes one\n"
