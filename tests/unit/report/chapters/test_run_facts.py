from pete.report.blocks import Fold, Table
from pete.report.chapters.run_facts import run_facts
from pete.report.model import read_report
from tests.unit.report.conftest import MakeRun


def test_every_setting_once_with_its_value_and_its_source(make_run: MakeRun):
    data = read_report(make_run(overrides=["lora.targets=query_key_value", "train.steps=10"]))
    (table,) = next(block for block in run_facts(data).blocks if isinstance(block, Fold)).blocks
    assert isinstance(table, Table)
    rows = {row[0]: row[1:] for row in table.rows}
    assert len(rows) == len(table.rows) == len(data.settings) > 40
    assert rows["train.steps"] == ("10", "--set") and rows["train.epochs"][0] == "not set"
    assert not [value for value, _ in rows.values() if value.startswith(("{", "["))], "nested settings stand for themselves"
