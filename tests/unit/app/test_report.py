import pytest

from pete.app import report as module
from pete.app.report import report
from pete.app.train import new_training, train
from pete.errors import RunError, UserError
from pete.run import RunDir
from tests.unit.app.conftest import Heard


def test_a_run_gets_its_two_files_in_its_own_folder_if_it_can_be_written(sets, tmp_path, monkeypatch):
    run = train(new_training(None, None, sets), Heard(), out=tmp_path / "run").run
    files = report([str(run.folder)])
    assert files == (run.report_html, run.report_md) and all(path.stat().st_size > 1000 for path in files)
    monkeypatch.setattr(RunDir, "require_writable", lambda self: (_ for _ in ()).throw(RunError("read-only")))
    with pytest.raises(RunError, match="read-only"):
        report([str(run.folder)])


def test_a_comparison_goes_where_it_is_told_or_into_the_first_runs_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(RunDir, "find", lambda name: RunDir(tmp_path / name))
    monkeypatch.setattr(module, "write_comparison", lambda runs, folder: [folder / run.name for run in runs])
    assert report(["one", "two"], compare=True) == (tmp_path / "one" / "one", tmp_path / "one" / "two")
    assert report(["one", "two"], compare=True, out=tmp_path) == (tmp_path / "one", tmp_path / "two")


@pytest.mark.parametrize(("names", "out"), [(["one", "two"], False), ([], True)])
def test_what_does_not_go_together_is_refused(names, out, tmp_path):
    with pytest.raises(UserError):
        report(names, out=tmp_path if out else None)
