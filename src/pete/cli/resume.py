"""pete resume: go on where a run stopped."""

from pete.cli.console import RunArgument, console


def resume(run: RunArgument = None) -> None:
    """Continue an interrupted run exactly where it stopped: same data, same order, same random numbers."""
    from pete.cli.preflight import preflight
    from pete.cli.train import run_training, say_where, show_night
    from pete.machine.steady import steady
    from pete.run import RunDir
    from pete.train.session import resumable

    folder = RunDir.find(run)
    resolved, prepared = resumable(folder)
    screen = steady(console())
    before = preflight(screen, resolved, prepared, folder.folder)
    run_training(screen, resolved, prepared, folder, before, resume=True)
    show_night(screen, folder)
    say_where(screen, folder)
