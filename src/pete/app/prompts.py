"""Prompt formats: try several on a trained model, and keep the one that is surely better."""

from collections.abc import Sequence
from pathlib import Path

from pete.app.notify import Notify
from pete.config import ANSWERING, override
from pete.evaluate.prompt_formats.trial import Trial, adopt, open_persona, run_trial
from pete.evaluate.suite import load_suite
from pete.generate.stream import open_tuned
from pete.run import RunDir


def try_prompt_formats(
    run: RunDir, notify: Notify, *, suite: Path | None = None, samples: int = 2, write: bool = True, overrides: Sequence[str] = ()
) -> Trial:
    """Compare prompt formats; the chosen one goes into the persona and the run's adapter, if `write` says so.

    Raises:
        UserError: the run, the persona or the prompts cannot be used for it.
    """
    run.require_writable()
    resolved = override(run.read_config(), overrides, ("evaluate", *ANSWERING))
    prompts = load_suite(run, suite, resolved.config.evaluate.prompts_per_category)
    notify.message(f"loading {run.name} ...", "working")
    tuned = open_tuned(run, resolved.config)
    persona = open_persona(resolved.config.data.persona, tuned.lineage.persona) if write else None
    trial = run_trial(tuned, run, prompts, samples, notify.progress)
    trial.write(run.prompts_trial)
    if persona is not None:
        trial = trial.model_copy(update={"written": [str(path) for path in adopt(trial, run, persona)]})
        trial.write(run.prompts_trial)
    return trial
