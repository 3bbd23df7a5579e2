"""pete resume: go on where a run stopped."""

from pete.cli.console import RunArgument, console


def resume(run: RunArgument = None) -> None:
    """Continue an interrupted run exactly where it stopped: same data, same order, same random numbers."""
    from pete.cli.train import run_training, say_where
    from pete.run import RunDir
    from pete.train.session import resumable

    folder = RunDir.find(run)
    resolved, prepared = resumable(folder)
    screen = console()
    run_training(screen, resolved, prepared, folder, resume=True)
    say_where(screen, folder)
