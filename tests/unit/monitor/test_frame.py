import io
import random
import time
from copy import copy
from dataclasses import replace
from itertools import product

import pytest
from rich.cells import cell_len
from rich.console import Console

from pete.events import Sampled, Step, Validated, Warned
from pete.monitor.frame import frame, headline
from pete.monitor.state import Failure
from tests.unit.monitor.synthetic import night
from tests.unit.monitor.test_state import look


@pytest.fixture(autouse=True)
def _utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def text(state, width=80, height=24, **given):
    return "\n".join(line.plain for line in frame(state, width, height, **given))


WIDE_TEXT = "日本語のとても長い文章" * 20 + " 👩‍👩‍👧 e\u0301 " + "x" * 200
FAILED = Failure("WorkError", "the loss is not a number " * 9)
STATES = {
    "nothing": look([], lock_owner_pid=None),
    "nothing yet": look([]),
    "checked": look(list(night(0))[:1]),
    "planned": look(list(night(0))[:2]),
    "started": look(list(night(0))[:3]),
    "no step": look(night(0)),
    "one step": look(night(1)),
    "young": look(night(7)),
    "half": look(night(1234)),
    "last step": look(night(2000)),
    "done": look(night(2000, end="done"), lock_owner_pid=None, after=30000),
    "stopped": look(night(777, end="interrupted"), lock_owner_pid=None),
    "stalled": look(night(300), after=4000),
    "asleep": look(night(300), after=40000, asleep=39990),
    "crashed": look(night(300), lock_owner_pid=None, failure=FAILED),
    "crashed at once": look(list(night(0))[:1], lock_owner_pid=None, failure=FAILED, resumable=False),
    "wide characters": look([*night(300), Sampled(step=300, prompt=WIDE_TEXT, text=WIDE_TEXT), Warned(message=WIDE_TEXT)]),
    "many notes": look([*night(300), *(Warned(message=f"row {i} " + "word " * 40) for i in range(40))], lock_owner_pid=None),
    "huge": look(
        [
            *night(3),
            Step(step=4, loss=1e15, lr=1e-15, grad_norm=1e17, tokens=10**17, trained_tokens=1, seconds=1e-9, memory=10**17, swap=10**17),
            Validated(step=4, loss=1e17, best=False),
        ]
    ),
}
for name in ("half", "crashed"):
    state = STATES[name]
    long = copy(state.history)
    long.started = replace(long.started, base="b" * 300)
    facts = replace(state.facts, name="r" * 300)
    STATES[f"{name}, long names"] = replace(state, facts=facts, history=long, next="pete resume " + "r" * 300)


@pytest.mark.parametrize("name", STATES)
def test_no_state_exceeds_any_size(name):
    rng = random.Random(name)
    sizes = [(80, 24), (160, 50), (160, 48), (116, 30), (115, 30), (116, 29), (60, 15), (40, 10), (20, 5), (1, 1), (2, 3), (400, 120)]
    sizes += [(rng.randint(1, 200), rng.randint(1, 70)) for _ in range(6)]
    for (width, height), ascii_only in product(sizes, (False, True)):
        lines = frame(STATES[name], width, height, ascii_only=ascii_only)
        assert len(lines) <= height
        for line in lines:
            assert "\n" not in line.plain and cell_len(line.plain) <= width, (width, height, line.plain)
        assert not ascii_only or "".join(line.plain for line in lines).isascii()


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize(("width", "height"), [(80, 24), (160, 50)])
def test_rich_prints_a_frame_as_it_is(name, width, height):
    screen = io.StringIO()
    console = Console(file=screen, width=width, height=height, force_terminal=True, color_system="truecolor", highlight=False)
    lines = frame(STATES[name], width, height)
    console.print(*lines, sep="\n", end="")
    assert screen.getvalue().count("\n") == len(lines) - 1


def test_everything_that_is_asked_of_it_is_there_at_80_by_24():
    shown = text(STATES["half"])
    for part in (
        "a run",
        "running · process 4242",
        "EleutherAI/pythia-1.4b · torch on mps · float32",
        "(0.22%)",
        "1,234 of 2,000 · 61.7%",
        "done by",
        "began 21:35",
        "training 2.6",
        "validation 2.8",
        "at 1,200",
        "base 3.714",
        "┤",
        "◆",
        "★",
        "1,000",
        "lr 7.77e-05",
        "gradient norm",
        "a step",
        "tokens/s now, 240 overall",
        "on mps (peak 7.3)",
        "resident 3.1 GB",
        "swap 1.8 GB (+0.6 GB)",
        "plan       peak 7.4 GB (so far 7.3, -2%)",
        "(now +",
        "once, 47 min from",
        "low power mode",
        "2 notes",
        "swap grew",
        "step 1,200: Write a line",
        "We bake bread",
        "q leaves; the run goes on",
        "last event 1 s ago",
    ):
        assert part in shown, part
    assert len(shown.split("\n")) == 24


def test_a_wide_window_shows_more_side_by_side():
    shown = text(STATES["half"], 160, 50)
    for part in (
        "learning rate",
        "gradient norm",
        "tokens/s",
        "memory, GB",
        "in the last step",
        "15.1 GB were free",
        "speed from a matrix product",
        "saved",
    ):
        assert part in shown, part
    assert "done by" in shown and len(shown.split("\n")) == 50
    assert any(line[4:5] in "│┤" and "speed" in line[80:] for line in shown.split("\n"))


def test_a_crash_says_what_happened_and_how_to_go_on():
    for size in ((80, 24), (160, 50), (60, 15)):
        shown = text(STATES["crashed"], *size)
        assert "crashed" in shown and "WorkError: the loss" in shown and "go on: pete resume 'a run'" in shown, size
        assert "Saved up to step 300" in " ".join(shown.split())
    shown = text(STATES["crashed at once"])
    assert "start again: pete train" in shown and "No checkpoint" in shown


def test_other_states_in_words():
    assert "Nothing is recorded yet" in text(STATES["nothing"])
    assert "being loaded" in text(STATES["checked"]) and "being loaded" in text(STATES["nothing yet"])
    assert "before the first step" in text(STATES["no step"])
    assert "being written and checked" in text(STATES["last step"]) and "100.0%" in text(STATES["last step"])
    done = text(STATES["done"])
    assert "finished" in done and "try it: pete test 'a run'" in done and "(was 7.7, +4%)" in done and "(was +" in done
    assert "saved at step 777" in text(STATES["stopped"]) and "go on: pete resume 'a run'" in text(STATES["stopped"])
    assert "said nothing for 1 h 06 min" in text(STATES["stalled"])
    assert "in all, last from" in text(STATES["asleep"]) or "once" in text(STATES["asleep"])


def test_a_percentage_is_never_rounded_up_to_the_end():
    nearly = copy(STATES["half"].history)
    for step, steps in ((1999, 2000), (999_999, 1_000_000)):
        nearly.steps = [*nearly.steps[:-1], replace(nearly.steps[-1], step=step)]
        nearly.started = replace(nearly.started, steps=steps)
        assert "99.9%" in text(replace(STATES["half"], history=nearly))


def test_the_headline_is_one_line():
    assert headline(STATES["half"]).startswith("running  step 1,234 of 2,000  loss 2.6")
    assert "WorkError" in headline(STATES["crashed"]) and "silent for" in headline(STATES["stalled"])
    assert headline(STATES["nothing"]) == "waiting"
    assert all("\n" not in headline(state) for state in STATES.values())


def test_ascii_draws_the_same_picture():
    shown = text(STATES["half"], ascii_only=True)
    assert shown.isascii() and "****" in shown and "####" in shown and "O best" in shown
    assert len(shown) == len(text(STATES["half"]))


def test_only_labels_are_dim():
    """A style at the start of a line must not reach what is appended to it."""
    lines = frame(STATES["half"], 160, 50)
    assert not [line.plain for line in lines[5:-2] if line.style], "two columns, so no style of the whole line"
    speed = next(line for line in lines if "tokens/s now" in line.plain)
    at = speed.plain.index("tokens/s now")
    assert not [span for span in speed.spans if span.start <= at < span.end and span.style == "dim"]
    point = next((line, i) for line in lines for i, c in enumerate(line.plain) if 0x2800 < ord(c) <= 0x28FF and "┤" in line.plain[:i])
    assert [str(span.style) for span in point[0].spans if span.start <= point[1] < span.end] == ["cyan"]
