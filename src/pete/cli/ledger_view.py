"""The ledger of an import on a screen: file by file what was read, kept and dropped, and where everything went."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pete.cli.console import as_typed
from pete.words import counted

if TYPE_CHECKING:
    from collections import Counter

    from rich.console import Console

    from pete.app.importing import ImportResult
    from pete.data.ledger import Ledger
    from pete.data.sources.record import Reason

FILES = 25
"""Files of a ledger that have a row of their own."""
PASSED = 8
"""Files nobody read that are named."""
LONGEST = 160
"""Characters of a dropped text that are shown."""


@contextmanager
def ledger_of_nothing(screen: "Console", explain: int | None) -> Iterator[None]:
    """Where an import keeps nothing, its ledger says why."""
    from pete.app.importing import NothingKept

    try:
        yield
    except NothingKept as error:
        show_ledger(screen, error.ledger, explain)
        raise


def show_ledger(screen: "Console", ledger: "Ledger", explain: int | None) -> None:
    """What was read = what was kept + what was dropped, by reason, for each file; and the first dropped texts of each, as many as asked."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title, justify in (("file", "left"), ("format", "left"), ("read", "right"), ("kept", "right"), ("dropped", "left")):
        table.add_column(title, justify=justify, no_wrap=title in ("read", "kept"), overflow="fold")  # type: ignore[arg-type]
    shown = sorted(ledger.files, key=lambda file: -file.read)
    for file in shown[:FILES]:
        table.add_row(Text(file.label), file.reader, f"{file.read:,}", f"{file.kept:,}", _by_reason(file.dropped))
    if rest := shown[FILES:]:
        dropped = sum(file.dropped.total() for file in rest)
        table.add_row(
            f"and {counted(len(rest), 'file')}", "", f"{sum(f.read for f in rest):,}", f"{sum(f.kept for f in rest):,}", f"{dropped:,}"
        )
    screen.print(table)
    for file in ledger.files:
        if file.problem:
            screen.print(Text.assemble(("broken off", "yellow"), f" {file.label}: {file.problem}"), soft_wrap=True)
    for name, why in ledger.passed_over[:PASSED]:
        screen.print(Text.assemble(("not read", "yellow"), f"   {name}: {why}"), soft_wrap=True)
    if more := ledger.passed_over[PASSED:]:
        screen.print(Text.assemble(("not read", "yellow"), f"   {len(more):,} more files"))
    screen.print(Text.assemble((f"{ledger.read:,} read = {ledger.kept:,} kept + {ledger.dropped.total():,} dropped", "bold")))
    if ledger.dropped:
        screen.print(f"  dropped: {_by_reason(ledger.dropped)}", soft_wrap=True)
    if explain:
        _show_dropped(screen, ledger, explain)


def _show_dropped(screen: "Console", ledger: "Ledger", most: int) -> None:
    from rich.text import Text

    for reason, records in ledger.shown.items():
        screen.print(Text(f"\n{reason}: {ledger.dropped[reason]:,}", style="bold"))
        for record in records[:most]:
            text = " ".join(record.text.split())
            who = f" {record.author[0]}:" if record.author else ""
            screen.print(Text.assemble((f"  {record.where}", "dim"), f"{who} {text[:LONGEST]}{'...' if len(text) > LONGEST else ''}"))


def show_result(screen: "Console", result: "ImportResult") -> None:
    """Where everything went."""
    from pete.data.import_store import ImportStore

    for note in result.notes:
        screen.print(f"note: {note}", soft_wrap=True)
    if not result.rows:
        screen.print("nothing new: everything that could be kept was imported before")
        return
    splits = result.counts("split")
    screen.print(
        f"{counted(len(result.rows), 'row')}: " + ", ".join(f"{splits.get(name, 0):,} {name}" for name in ("train", "valid", "test"))
    )
    bare = len(result.rows) - result.answering
    better = "; pete data pairs has better ones written by a model" if bare else ""
    prompts = f"{result.answering:,} are messages that were really answered, {bare:,} were made by rule{better}"
    screen.print(as_typed(f"  prompts: {prompts}"), soft_wrap=True)
    titles = result.persona.categories
    screen.print("  categories: " + ", ".join(f"{titles.get(key, key)} {count:,}" for key, count in result.counts("category").items()))
    store = ImportStore(result.persona)
    if not result.written:
        screen.print("nothing was written, as asked")
        return
    screen.print(f"  rows       {store.rows_file}", soft_wrap=True)
    if result.edits:
        screen.print(f"  edit pairs {store.edits_file} ({result.edits:,} new)", soft_wrap=True)
    screen.print(f"  ledger     {store.record_file}", soft_wrap=True)


def _by_reason(dropped: "Counter[Reason]") -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in dropped.most_common())
