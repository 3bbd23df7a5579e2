"""What a newcomer sees at the end: one screen."""

import io
from types import SimpleNamespace

from pete.cli import quickstart
from pete.cli.screen import Screen
from pete.report.blocks import Card, Prompted, Side
from pete.report.summary import Headline


def side(name: str, text: str) -> Side:
    return Side(name, SimpleNamespace(text=text))  # type: ignore[arg-type]


def test_one_screen_with_the_verdict_four_numbers_two_pairs_and_three_commands(tmp_path):
    answers = [
        Prompted(str(n), f"Prompt {n}?", ((side("base", "A long answer. " * 60), side("tuned", "Short.\n\nAnd plain.")),)) for n in range(2)
    ]
    cards = tuple(Card(f"{n}%", "of something with a meaning in plain words, " * 2) for n in range(4))
    first = Headline("Ship", "good", "5 of 5 quality gates hold.", cards, tuple(answers))
    run = SimpleNamespace(report_html=tmp_path / "report.html", adapter=tmp_path / "adapter", cli_argument="night")
    screen = Screen(io.StringIO(), width=80, terminal=False)
    quickstart.show(screen, SimpleNamespace(headline=first, run=run, seconds=61.0))  # type: ignore[arg-type]
    text = screen.file.getvalue()  # type: ignore[attr-defined]
    lines = text.splitlines()
    assert lines[1].startswith("Ship. 5 of 5 quality gates hold.") and len(lines) <= 46
    assert all(len(line) <= 80 for line in lines if str(tmp_path) not in line)
    assert (
        text.count("base: A long answer.") == text.count("tuned: Short. And plain.") == 2
        and sum(line.rstrip().endswith(" ...") for line in lines) == 2
    )
    for part in ("0%", "3%", "report.html", "pete chat night", "pete evaluate night", "pete persona new"):
        assert part in text
