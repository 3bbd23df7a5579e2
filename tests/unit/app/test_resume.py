import pytest

from pete.app.resume import resumed_training
from pete.app.train import new_training, train
from pete.errors import Interrupted, RunError
from pete.run import RunDir
from pete.train.loop import Stop
from tests.unit.app.conftest import Heard


def test_it_only_looks_and_a_finished_run_is_refused(sets, tmp_path):
    stop = Stop()
    stop.request()
    with pytest.raises(Interrupted):
        train(new_training(None, None, sets), Heard(), stop, tmp_path / "run")
    run = RunDir(tmp_path / "run")

    def files():
        return {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}

    before = files()
    training = resumed_training(run)
    assert (training.run, training.label, training.prepared.done) == (run, "run", 1) and files() == before
    train(training, Heard())
    with pytest.raises(RunError, match="is finished"):
        resumed_training(run)
