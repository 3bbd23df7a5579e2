"""Signals, as the operating system sends them."""

import os
import signal

import pytest

from pete.errors import Interrupted
from pete.events import Finished, Step
from pete.train.signals import StopSignal


@pytest.mark.parametrize("number", StopSignal.SIGNALS)
def test_a_signal_saves_at_the_end_of_its_step_and_the_signals_are_given_back(trial, number):
    before = {each: signal.getsignal(each) for each in StopSignal.SIGNALS}
    trial.stop = StopSignal()

    def stop(event):
        if isinstance(event, Step) and event.step == 5:
            os.kill(os.getpid(), number)

    with pytest.raises(Interrupted) as error:
        trial.train(on_event=stop)
    assert error.value.exit_code == 128 + number and trial.told(Finished)[-1].reason == "interrupted"
    assert {each: signal.getsignal(each) for each in StopSignal.SIGNALS} == before


def test_asked_twice_it_stops_at_once_but_a_window_may_close_twice():
    with StopSignal() as stop:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGHUP)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
