import json

import pytest

from pete.errors import DataError
from pete.evaluate.log import VERSION, read_log
from tests.unit.evaluate.conftest import held_out, log_of, sample


def test_what_is_written_is_read(tmp_path):
    log = log_of(held_out=[held_out(1, 50.0, 40.0)], samples=[sample("Fine.", number=2, fluency_nats=3.5)], notes=("so", "it goes"))
    log.write(tmp_path / "a.json")
    assert read_log(tmp_path / "a.json") == log and log.version == VERSION == 7


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


def test_version_2_is_read_and_its_answers_were_not_held_against_rules(tmp_path):
    document = json.loads(log_of(samples=[sample("One.")]).model_dump_json()) | {"version": 2}
    del document["judge"]
    for name in ("flags", "attempts", "tokens_drawn"):
        del document["samples"][0][name]
    (tmp_path / "old.json").write_text(json.dumps(document))
    log = read_log(tmp_path / "old.json")
    (one,) = log.samples
    assert (one.flags, one.attempts, one.tokens_drawn) == ((), 1, 0)
    assert not log.validated and log_of().validated and log.judge is None


def test_the_first_attempt_in_a_log_of_before_version_5_is_not_read(tmp_path):
    document = json.loads(log_of(samples=[sample("Fine.", attempts=2, tokens_drawn=14)]).model_dump_json()) | {"version": 4}
    first = {"text": "Seven.", "raw": "Seven.</s>", "tokens": 9, "stop": "loop", "leaks_raw": 1, "leaks_clean": 0}
    document["samples"][0] |= {"first": first, "tries": 2, "seconds_at_first": 0.5}
    (tmp_path / "old.json").write_text(json.dumps(document))
    (one,) = read_log(tmp_path / "old.json").samples
    assert (one.text, one.attempts, one.tokens_drawn) == ("Fine.", 2, 14) and "first" not in one.model_dump()


def test_what_version_6_dropped_is_ignored_in_an_older_log(tmp_path):
    speed = {"model": "base", "prompt_id": "p", "tokens": 4, "first_token_seconds": 0.2, "seconds": 2.0, "tokens_per_second": 2.0}
    log = log_of(samples=[sample("Fine.")], speed=[speed])
    document = json.loads(log.model_dump_json()) | {"version": 5}
    document["samples"][0]["first_token_seconds"] = 0.1
    document["speed"][0] |= {"category": "ads", "stop": "end"}
    (tmp_path / "old.json").write_text(json.dumps(document))
    old = read_log(tmp_path / "old.json")
    assert (old.samples, old.speed) == (log.samples, log.speed)


def test_a_log_of_before_version_7_asked_for_texts_and_not_for_rewrites(tmp_path):
    document = json.loads(log_of(samples=[sample("Fine.")]).model_dump_json()) | {"version": 6}
    del document["task"]
    (tmp_path / "old.json").write_text(json.dumps(document))
    assert read_log(tmp_path / "old.json").task == "write"


def test_a_newer_version_and_something_else_are_refused(tmp_path):
    log_of(version=99).write(tmp_path / "new.json")
    with pytest.raises(DataError, match="version 99"):
        read_log(tmp_path / "new.json")
    (tmp_path / "odd.json").write_text("[]")
    with pytest.raises(DataError, match="not an evaluation log"):
        read_log(tmp_path / "odd.json")
