import os

import pytest

from pete.errors import DataError
from pete.report.model import read_report
from tests.unit.report.conftest import HISTORY, MakeRun, evaluation


def test_a_damaged_evaluation_is_named(make_run: MakeRun):
    run = make_run(log=evaluation())
    run.evaluation_file("suite").write_text("{")
    with pytest.raises(DataError, match=r"suite\.json"):
        read_report(run)


def test_files_are_named_as_they_lie_in_the_run(make_run: MakeRun):
    data = read_report(make_run(log=evaluation()))
    assert data.evaluation is not None and data.evaluation.file == os.path.join("evaluations", "suite.json") and data.base == "tiny"


def test_training_rows_have_the_names_an_evaluation_gives_them(make_run: MakeRun):
    run = make_run(HISTORY)
    assert read_report(run).training_rows == {}, "the rows are gone, the report stands"
    run.split_file("train").write_text('{"prompt": "A?", "completion": "One."}\n{"id": "two", "prompt": "B?", "completion": "Two."}\n')
    assert read_report(run).training_rows == {"train.jsonl:1": "One.", "two": "Two."}
