from pete.report.blocks import Table
from pete.report.chapters.tools import tools
from pete.report.model import read_report
from tests.unit.report.conftest import MakeRun


def test_every_verb_names_this_run_but_a_new_training(make_run: MakeRun):
    run = make_run()
    (table,) = tools(read_report(run)).blocks
    assert isinstance(table, Table)
    commands = [row[1] for row in table.rows]
    assert commands[0] == "pete train" and len(commands) == 5
    assert all(command.endswith(run.cli_argument) for command in commands[1:])
