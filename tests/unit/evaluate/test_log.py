import json

import pytest

from pete.errors import DataError
from pete.evaluate.log import VERSION, read_log
from tests.unit.evaluate.conftest import held_out, log_of, sample


def test_what_is_written_is_read(tmp_path):
    log = log_of(held_out=[held_out(1, 50.0, 40.0)], samples=[sample("Fine.", number=2, fluency_nats=3.5)], notes=("so", "it goes"))
    log.write(tmp_path / "a.json")
    assert read_log(tmp_path / "a.json") == log and log.version == VERSION == 2


def test_version_1_is_read_and_its_answers_are_numbered(tmp_path):
    document = json.loads(log_of(samples=[sample("One."), sample("Two."), sample("Base.", model="base")]).model_dump_json())
    document["version"] = 1
    for name in ("prompts", "neutral", "avoid", "fluency_model", "fluency_is_third", "measures", "notes"):
        del document[name]
    for row in document["samples"]:
        for name in ("number", "fluency_nats", "marks"):
            del row[name]
    (tmp_path / "old.json").write_text(json.dumps(document))
    log = read_log(tmp_path / "old.json")
    assert [s.number for s in log.samples] == [0, 1, 0] and log.neutral == [] and log.prompts == []


def test_a_newer_version_and_something_else_are_refused(tmp_path):
    log_of(version=99).write(tmp_path / "new.json")
    with pytest.raises(DataError, match="version 99"):
        read_log(tmp_path / "new.json")
    (tmp_path / "odd.json").write_text("[]")
    with pytest.raises(DataError, match="not an evaluation log"):
        read_log(tmp_path / "odd.json")
