"""Whatever stands in a model, an adapter, a persona, a log or a file name: every view prints it as text, and as nothing else."""

import io
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pete.app.preflight import describe
from pete.cli import blind, console, doctor, evaluation_view, prompts, test, train
from pete.cli.notify import ScreenNotify
from pete.cli.screen import Screen
from pete.cli.training_view import TrainingView
from pete.config import Resolved, resolve
from pete.data.examples import Example
from pete.errors import RunError
from pete.evaluate.blind.record import Pair
from pete.evaluate.results import Measure
from pete.evaluate.stats import Interval
from pete.events import Sampled, Started, Warned
from pete.machine.doctor import Checkup, MachineFinding
from pete.monitor.terminal import show_once
from pete.train.plan import Plan
from tests.unit.monitor.synthetic import night
from tests.unit.monitor.test_state import look
from tests.unit.test_terminal import ANY, drives

STARTED = {"engine": "torch", "device": "cpu", "dtype": "float32", "trainable": 1, "parameters": 99, "steps": 2, "train_rows": 4,
           "valid_rows": 1}  # fmt: skip
INTERVAL = Interval(0.1, 0.0, 0.2, 30)


def training(screen, text):
    with TrainingView(screen) as view:
        view.show(Started(base=text, dtype_reason=text, **STARTED))
        view.show(Sampled(step=1, prompt=text, text=text))
        view.show(Warned(message=text))


def settings_(screen, text):
    resolved = resolve("quickstart").replace("data.persona", text, text)
    train.show_config(screen, Resolved(resolved.config, resolved.sources))


def plan(screen, text):
    row = Example(prompt="a", completion="b")
    prepared = SimpleNamespace(
        splits={"train": [row], "valid": [row], "test": [row]}, done=0, findings=[SimpleNamespace(message=text)], 
        renderer=SimpleNamespace(folds_system=True),
        persona=SimpleNamespace(name=text, system=text),
        base=SimpleNamespace(name=text, missing=1), sequencer=SimpleNamespace(steps=2, texts=1, micro_batch=1, accumulation=1),
    )  # fmt: skip
    describe(prepared, Plan({text: 1}, 1, 2, 1.0, 1, 1.0), text, ScreenNotify(screen))  # type: ignore[arg-type]


def examination(screen, text):
    facts = dict.fromkeys(("chip", "system", "torch", "power"), text)
    doctor.show(screen, Checkup((MachineFinding(text, "caution", text, text),), facts))


def measures(screen, text):
    measure = Measure("gain", text, "bits", "higher", 1.0, 2.0, None, INTERVAL, 0.5)
    evaluation_view.show_measures(screen, [measure], text, text)


def worst(screen, text):
    gate = SimpleNamespace(title=text, in_percent=True, condition=text)
    outcome = SimpleNamespace(gate=gate, interval=INTERVAL, worst=[SimpleNamespace(text=text, where=text, why=text)])
    evaluation_view._show_worst(screen, SimpleNamespace(of=lambda _: [outcome]))  # type: ignore[arg-type]


def conclusion(screen, text):
    trial = SimpleNamespace(winner=SimpleNamespace(title=text), tried=[1, 2], unseen=[], confirmed={}, refuted=False, seconds=1.0,
                            written=[text, text])  # fmt: skip
    prompts._conclude(screen, SimpleNamespace(cli_argument=text, prompts_trial=text), trial)  # type: ignore[arg-type]


def stages(screen, text):
    with ScreenNotify(screen) as notify:
        for done in range(3):
            notify.progress(text, done, 2)
        for level in ("working", "title", "info", "note"):
            notify.message(text, level)


VIEWS = {
    "test": lambda screen, text: test.show_pair(screen, text, {"base": (text, text), "tuned": (text, text)}),
    "train": training,
    "settings": settings_,
    "plan": plan,
    "doctor": examination,
    "measures": measures,
    "worst": worst,
    "prompts": conclusion,
    "stages": stages,
    "trained": lambda screen, text: train.show_trained(
        screen, SimpleNamespace(summary=[(text, text)], run=SimpleNamespace(folder=text, cli_argument=text))
    ),
    "blind": lambda screen, text: blind._show_pair(screen, Pair("p", 0, text, text, text, "base"), text),
    "monitor": lambda screen, text: show_once(look([*night(3), Sampled(step=3, prompt=text, text=text), Warned(message=text)]), screen),
    "error": lambda screen, text: screen.print(f"pete: {text}", soft_wrap=True),
}  # fmt: skip


def shown(view: str, text: str) -> str:
    screen = Screen(io.StringIO(), width=120, terminal=False)
    VIEWS[view](screen, text)
    return screen.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize("view", VIEWS)
@settings(max_examples=8, deadline=None)
@given(text=st.one_of(ANY, st.sampled_from(["\x1b]0;t\x07", "\x9b2J", "\u202egnp.exe", "[/x]", "[bold]", "[link=file:x]y[/link]"])))
def test_no_text_drives_the_terminal(view, text):
    assert not drives(shown(view, text))


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("text", ["[/x]", "voices [draft]", "[bold]b[/bold]", ":smile:", "\\[x]"])
def test_markup_is_text(view, text):
    assert text in shown(view, text)


@pytest.mark.parametrize(
    ("environment", "styled"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "CLICOLOR": "0"}, False),
    ],
)
def test_styles_only_where_they_are_wanted(monkeypatch, environment, styled):
    for name in ("NO_COLOR", "CLICOLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stderr", terminal := io.StringIO())
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    console.complain(RunError("wrong", "pete doctor"))
    assert ("\x1b[" in terminal.getvalue()) is styled and "wrong" in terminal.getvalue()


def test_an_absurd_terminal_is_drawn_on_all_the_same(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("LINES", raising=False)
    monkeypatch.setattr("os.get_terminal_size", lambda _: (65535, 65535))
    screen = Screen(io.StringIO(), terminal=True)
    assert screen.width == screen.height == 1000 and screen.options.max_width == 1000


def test_a_broken_pipe_reaches_main():
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        Screen(Gone()).print("x")
