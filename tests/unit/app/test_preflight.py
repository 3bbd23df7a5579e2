from dataclasses import replace

import pytest

from pete.app import preflight as module
from pete.app.preflight import describe, preflight
from pete.app.train import new_training
from pete.data.examples import DataFinding as Questionable
from pete.errors import UserError
from pete.events import Checked, Planned
from pete.machine.doctor import MachineFinding
from tests.unit.app.conftest import Heard


@pytest.fixture
def training(sets):
    return new_training(None, None, sets)


def test_a_run_that_fits_is_described_and_its_examination_is_for_the_record(training, tmp_path):
    heard = Heard()
    checked = preflight(training.resolved, training.prepared, tmp_path, heard)
    assert [type(event) for event in checked.events] == [Checked, Planned] and checked.device == "cpu"
    text = "\n".join(line for _, line in heard.lines)
    assert [line for level, line in heard.lines if level == "working"] == [
        "examining the machine ...",
        "planning: a step of the base is timed ...",
    ]
    assert "rows to learn from" in text and "12 steps of 2 rows" in text and "download" not in text


def test_a_machine_that_forbids_it_refuses_before_anything_is_planned(training, tmp_path, monkeypatch):
    real = module.check_machine
    stop = MachineFinding("disk", "stop", "the drive is full", "make room")
    monkeypatch.setattr(module, "check_machine", lambda *args: real(*args).plus((stop,)))
    monkeypatch.setattr(module, "settle", lambda *_: pytest.fail("planned"))
    with pytest.raises(UserError, match="the drive is full"):
        preflight(training.resolved, training.prepared, tmp_path, Heard())


def test_what_does_not_fit_is_described_and_then_refused(training, tmp_path, monkeypatch):
    real = module.settle

    def full(*args):
        settled = real(*args)
        return replace(settled, plan=replace(settled.plan, available=1))

    monkeypatch.setattr(module, "settle", full)
    heard = Heard()
    with pytest.raises(UserError, match="This does not fit"):
        preflight(training.resolved, training.prepared, tmp_path, heard)
    assert any(line.lstrip().startswith("memory") for _, line in heard.lines)


def test_steps_that_are_left_weights_to_fetch_and_findings_are_said(training, tmp_path):
    plan = preflight(training.resolved, training.prepared, tmp_path, Heard()).plan
    prepared = replace(
        training.prepared,
        done=4,
        base=replace(training.prepared.base, missing=300_000_000),
        findings=[Questionable("odd", "a row is odd", 1)],
    )
    heard = Heard()
    describe(prepared, plan, "cpu", heard)
    text = "\n".join(line for _, line in heard.lines)
    assert "8 steps left of 12" in text and "of weights to fetch first, once" in text and "a row is odd" in text
    assert [line for level, line in heard.lines if level == "note"] == ["the data deserves a look (pete data check says where):"]


def test_rows_together_are_settled_in_the_configuration_that_the_run_keeps(sets, tmp_path):
    training = new_training(None, None, [*sets, "train.micro_batch=auto", "train.accumulation=1"])
    checked = preflight(training.resolved, training.prepared, tmp_path, Heard())
    assert checked.resolved.config.train.micro_batch == checked.prepared.sequencer.micro_batch == 8
    assert "fit here" in checked.resolved.sources["train.micro_batch"]
