"""The one module that imports wandb, and the settings that keep names, paths and code of this machine out of what it records.

Read in wandb 0.31; tests/pipeline/test_tracking.py searches every byte that the real package writes and sends.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pete.run import RunDir

if TYPE_CHECKING:
    from wandb import Run

INIT_SECONDS = 30.0
UPLOAD_SECONDS = 50.0  # at the end; training waits a little longer
SCRATCH = Path("wandb", "scratch")  # relative: a socket's whole path must fit into 104 bytes on a Mac
# What may say where W&B is and who is asking. Everything else with that prefix could carry names, notes or paths into the run.
KEPT = {"WANDB_API_KEY", "WANDB_BASE_URL", "WANDB_ENTITY", "WANDB_CONFIG_DIR", "WANDB_IDENTITY_TOKEN_FILE", "WANDB_CREDENTIALS_FILE",
        "WANDB_INSECURE_DISABLE_SSL"}  # fmt: skip


def settle(run: RunDir) -> None:
    """Make this process W&B's: in the run folder, with its files in wandb/ and nowhere else, and without this machine's names."""
    os.chdir(run.folder)  # with relative paths from here on, no log can hold the absolute ones
    clean_up(SCRATCH.parent)
    SCRATCH.mkdir(parents=True)
    for name in [name for name in os.environ if name.startswith(("WANDB_", "_WANDB_")) and name not in KEPT]:
        del os.environ[name]
    os.environ |= {
        "WANDB_SILENT": "true",
        "WANDB_ERROR_REPORTING": "false",  # W&B's own telemetry
        "WANDB_HOST": "-",  # or it asks the system, before any setting is read
        "WANDB_DOCKER": "-",  # or it asks Kubernetes
        "WANDB_PROGRAM": "pete",
        "WANDB_X_EXECUTABLE": "python",
    } | dict.fromkeys(("WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_ARTIFACT_DIR", "TMPDIR"), str(SCRATCH))


def clean_up(wandb_folder: Path) -> None:
    """Remove what only a running W&B needs: its service's log and socket, which hold absolute paths."""
    shutil.rmtree(wandb_folder / SCRATCH.name, ignore_errors=True)
    for folder in wandb_folder.glob("*run-*"):
        (folder / "logs" / "debug-core.log").unlink(missing_ok=True)  # a link into the scratch folder
        shutil.rmtree(folder / "tmp", ignore_errors=True)


def load() -> None:
    """Import wandb, which takes seconds, before it is needed."""
    import wandb  # noqa: F401


def open_run(run_id: str, name: str, project: str, mode: str, config: dict[str, Any], stopped: Callable[[], None]) -> "Run":
    """Begin the W&B run, or go on in it. Whatever W&B raises comes out as it is.

    Args:
        run_id: W&B's id; the same one goes on in the same run.
        name: as W&B shows it.
        project: the W&B project.
        mode: "offline" or "online".
        config: hyperparameters.
        stopped: called when W&B stops taking numbers.
    """
    import wandb

    return wandb.init(
        config=config,
        settings=wandb.Settings(
            mode="online" if mode == "online" else "offline",
            project=project, run_id=run_id, run_name=name, resume="allow",
            root_dir=".", use_dot_wandb=False, symlink=False,
            init_timeout=INIT_SECONDS, finish_timeout=UPLOAD_SECONDS, finish_timeout_raises=True,
            stop_fn=stopped, stop_on_fatal_error=True,  # by default W&B would interrupt this process
            console="off", silent=True, host="-", program="pete",
            disable_git=True, disable_code=True, save_code=False, disable_job_creation=True, label_disable=True,
            x_disable_meta=True, x_disable_machine_info=True, x_disable_stats=True, x_save_requirements=False,
            sagemaker_disable=True,
        ),
    )  # fmt: skip


def forget_run(run_id: str) -> None:
    """After an `open_run` that failed: end W&B's service, which still holds the id, and remove the folder it began."""
    import wandb

    wandb.teardown()
    begun = sorted(Path("wandb").glob(f"run-*-{run_id}"))
    for folder in begun[-1:]:
        shutil.rmtree(folder, ignore_errors=True)


def close_run(run: "Run", exit_code: int) -> None:
    """Wait until W&B has everything, on disk or at its server."""
    import wandb

    run.finish(exit_code=exit_code)
    wandb.teardown(exit_code=0)
