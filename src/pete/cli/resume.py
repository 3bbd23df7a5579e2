"""pete resume: go on where a run stopped."""

from pete.cli.console import RunArgument, console


def resume(run: RunArgument = None) -> None:
    """Continue an interrupted run exactly where it stopped: same data, same order, same random numbers."""
    from pete.cli.train import run_training
    from pete.run import RunDir
    from pete.train.session import resumable

    folder = RunDir.find(run)
    resolved, prepared = resumable(folder)
    screen = console()
    run_training(screen, resolved, prepared, folder, resume=True)
    screen.print(f"run folder: {folder.folder}\ntry it:     pete test {folder.folder}", soft_wrap=True, markup=False)
