import io

import pytest
from rich.console import Console

from pete.cli.training_view import TrainingView
from pete.events import Event, Finished, Saved, Started, Step, Validated, Warned
from pete.train.session import in_words

EVENTS: list[Event] = [
    Started(
        base="b",
        engine="torch",
        device="cpu",
        dtype="bfloat16",
        dtype_reason="3.0x",
        trainable=1,
        parameters=99,
        steps=2,
        train_rows=4,
        valid_rows=1,
    ),
    Warned(message="rows [bold] look odd"),
    Validated(step=0, loss=3.0, best=False),
    Step(step=1, loss=2.5, lr=1e-4, grad_norm=1.0, tokens=100, trained_tokens=50, seconds=0.5, memory=2**30),
    Step(step=2, loss=2.0, lr=1e-4, grad_norm=1.0, tokens=100, trained_tokens=50, seconds=0.5, memory=2**30),
    Validated(step=2, loss=2.1, best=True),
    Saved(step=2, checkpoint="step-000002"),
    Finished(step=2, reason="done", best_step=2, best_loss=2.1, seconds=61),
]


@pytest.mark.parametrize("terminal", [True, False])
def test_a_run_on_the_screen(terminal):
    screen = io.StringIO()
    with TrainingView(Console(file=screen, force_terminal=terminal, width=120, highlight=False)) as view:
        for event in EVENTS:
            view.show(event)
    text = screen.getvalue()
    for part in ("1.00%", "rows [bold] look odd", "before training: validation loss 3.0000", "(best so far)", "200 tok/s", "1 min 01 s"):
        assert part in text
    if not terminal:
        assert "\x1b" not in text and "step 2/2" in text


def test_every_event_has_words_for_the_log():
    words = [in_words(event) for event in EVENTS]
    assert all("\n" not in line and line and "(" not in line[:8] for line in words)
    assert "1 GB" in words[3] and "step-000002" in words[6]
