import io
import sys

import pytest

from pete.cli.choosing import choose


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("typed", "choices", "chosen"),
    [
        ("2\n", ("ada", "olu"), "olu"),
        ("olu\n", ("ada", "olu"), "olu"),
        ("9\nx\n1\n", ("ada", "olu"), "ada"),
        ("9\n9\n9\n", ("ada", "olu"), "none"),
        ("\n", ("ada", "olu"), "none"),
        ("", ("ada", "olu"), "none"),
        (" some words \n", (), "some words"),
        ("\n", (), "none"),
    ],
)
def test_a_person_chooses_by_number_or_name(monkeypatch, capsys, typed, choices, chosen):
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    assert choose("Who?", choices, "none") == chosen
    assert "Who?" in capsys.readouterr().err


def test_without_a_terminal_nothing_is_asked(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("1\n"))
    assert choose("Who?", ("ada",), "none") == "none" and capsys.readouterr().err == ""
