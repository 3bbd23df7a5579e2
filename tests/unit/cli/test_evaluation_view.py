from types import SimpleNamespace

from rich.console import Console

from pete.cli.evaluation_view import show_standings
from pete.report.chapters import rewriting


def test_what_could_have_been_given_for_a_draft_fits_eighty_columns_with_no_word_cut(monkeypatch, capsys):
    row = ("tuned, after the guard", "100%", "6.7%", "100%", "100%", "3.3%", "\u22120.20", "100%", "0.52")
    monkeypatch.setattr(rewriting, "standing_rows", lambda log: [row])
    show_standings(Console(width=80), SimpleNamespace(log=None))  # type: ignore[arg-type]
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80 and " ".join(lines[-1].split()) == " ".join(row)
    assert sorted(" ".join(lines[:-1]).split()) == sorted(" ".join(rewriting.COLUMNS).split())
