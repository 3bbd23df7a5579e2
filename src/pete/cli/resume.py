"""pete resume: go on where a run stopped."""

from pete.cli.console import RunArgument, console
from pete.cli.train import DevicesOption


def resume(run: RunArgument = None, devices: DevicesOption = None) -> None:
    """Continue an interrupted run exactly where it stopped: same data, same order, same random numbers."""
    from pete.app.devices import led

    if led():
        return
    from pete.app.resume import resumed_training
    from pete.app.train import train
    from pete.cli.notify import ScreenNotify
    from pete.cli.train import show_trained
    from pete.run import RunDir
    from pete.train.signals import StopSignal

    training = resumed_training(RunDir.find(run), devices)
    screen = console(work=True)
    with ScreenNotify(screen) as notify:
        trained = train(training, notify, StopSignal())
    show_trained(screen, trained)
