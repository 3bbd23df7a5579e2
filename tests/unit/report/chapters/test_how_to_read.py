from pete.report.blocks import FactTable
from pete.report.chapters.how_to_read import how_to_read
from pete.report.model import read_report
from tests.unit.report.conftest import MakeRun, evaluation


def words(make_run: MakeRun, folder: str, **facts: object) -> list[str]:
    (block,) = how_to_read(read_report(make_run(folder=folder, **facts))).blocks
    assert isinstance(block, FactTable)
    return [fact.name for fact in block.facts]


def test_words_of_an_evaluation_only_where_there_is_one(make_run: MakeRun):
    before, after = words(make_run, "a"), words(make_run, "b", log=evaluation())
    assert "Loss" in before and "The verdict" not in before
    assert {"Loss", "The verdict", "Voice index", "95% interval"} <= set(after) and after[-1] == before[-1] == "What this cannot say"
