"""What --help says, on a terminal of 80 columns."""

import pytest
from typer.testing import CliRunner

from pete.cli import GROUPS, app

VERBS = [str(verb.name) for verb in (*app.registered_commands, *app.registered_groups)]


def test_every_verb_stands_in_one_group():
    assert sorted(name for verbs in GROUPS.values() for name in verbs) == sorted(VERBS)
    said = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "80"}).output
    assert [said.index(f"{title}:") for title in GROUPS] == sorted(said.index(f"{title}:") for title in GROUPS)
    assert "Other:" not in said


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_no_line_is_wider_than_80_columns_and_none_is_cut(verb):
    said = CliRunner().invoke(app, [*verb.split(), "--help"], env={"COLUMNS": "80"}).output
    assert max(map(len, said.splitlines())) <= 80 and "..." not in said.partition("\n\n")[2].replace("[ARGS]...", "").replace("]...", "")
