"""What a verb says while it works, drawn on a screen: bars, lines, a spinner, and the view of a training."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from pete.app.notify import Level, Notify
from pete.cli.choosing import choose
from pete.cli.console import as_typed
from pete.cli.countdown import wants_new
from pete.cli.training_view import TrainingView

if TYPE_CHECKING:
    from rich.console import Console

    from pete.events import Event


class ScreenNotify(Notify):
    """Within `with`. One thing is drawn live at a time; the next one ends it. Without a terminal there are only lines, unwrapped."""

    def __init__(self, screen: "Console") -> None:
        self._screen = screen
        self._live = ExitStack()
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._view: TrainingView | None = None

    def __enter__(self) -> "ScreenNotify":
        return self

    def __exit__(self, *_: object) -> None:
        self._end_live()

    def progress(self, what: str, done: int, of: int) -> None:
        """A bar for each piece of work; a line at its end where no bar can be drawn."""
        if self._bars is None:
            self._end_live()
            columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bars = self._live.enter_context(Progress(*columns, console=self._screen, disable=not self._screen.is_interactive))
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(what, total=of)
        self._bars.update(self._tasks[what], completed=done)
        if done == of and not self._screen.is_interactive:
            self.message(f"{what}: {done} of {of}")

    def message(self, text: str, level: Level = "info") -> None:
        """A line, a rule over a new stage, or a spinner until the next thing is said."""
        if level in ("title", "working"):
            self._end_live()
        if level == "working":
            self._live.enter_context(self._screen.status(Text(text)))
        elif level == "title":
            self._screen.rule(Text(text), align="left")
        else:
            line = Text.assemble(("note:", "yellow"), f" {as_typed(text)}") if level == "note" else as_typed(text)
            self._screen.print(line, soft_wrap=not self._screen.is_terminal)

    def event(self, event: "Event") -> None:
        """A moment of a training."""
        if self._view is None:
            self._end_live()
            self._view = self._live.enter_context(TrainingView(self._screen))
        self._view.show(event)

    def ask(self, question: str, choices: Sequence[str], default: str) -> str:
        """Ten seconds for the other one of two; as long as it takes for one of several, or for some words."""
        self._end_live()
        if len(choices) == 2 and default == choices[0]:
            return choices[1] if wants_new(question) else default
        return choose(question, choices, default)

    def _end_live(self) -> None:
        self._live.close()
        self._bars, self._tasks, self._view = None, {}, None
