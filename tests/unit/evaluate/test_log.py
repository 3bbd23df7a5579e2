import json

import pytest

from pete.errors import DataError
from pete.evaluate.log import VERSION, read_log
from tests.unit.evaluate.conftest import held_out, log_of, sample


def test_what_is_written_is_read(tmp_path):
    log = log_of(held_out=[held_out(1, 50.0, 40.0)], samples=[sample("Fine.", number=2, fluency_nats=3.5)], notes=("so", "it goes"))
    log.write(tmp_path / "a.json")
    assert read_log(tmp_path / "a.json") == log and log.version == VERSION == 4


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
    for name in ("flags", "attempts", "tries", "tokens_drawn", "first"):
        del document["samples"][0][name]
    (tmp_path / "old.json").write_text(json.dumps(document))
    log = read_log(tmp_path / "old.json")
    (one,) = log.samples
    assert (one.flags, one.attempts, one.tries, one.tokens_drawn, one.first) == ((), 1, 1, 0, None)
    assert not log.validated and log_of().validated and log.judge is None


def test_an_answer_that_was_drawn_again_is_written_with_its_first_attempt(tmp_path):
    flag = {"rule": "length", "words": "too long (9 words, at most 5)", "start": 0, "end": 5}
    first = {"text": "Seven.", "raw": "Seven.</s>", "tokens": 9, "stop": "loop", "leaks_raw": 1, "leaks_clean": 0, "flags": [flag]}
    given = sample("Fine.", attempts=2, tries=2, tokens_drawn=14, first=first, seconds=3.0, scores={"x.any": 0.0}, marks=[
        {"start": 0, "end": 2, "kind": "cliche"}])  # fmt: skip
    log = log_of(samples=[given])
    log.write(tmp_path / "a.json")
    (back,) = read_log(tmp_path / "a.json").samples
    assert back == given and back.first is not None and back.first.flags[0].rule == "length"
    said = back.at_first
    assert (said.text, said.raw, said.stop, said.tokens, said.leaks_raw) == ("Seven.", "Seven.</s>", "loop", 9, 1)
    assert (said.attempts, said.tokens_drawn, said.first, said.marks, said.scores) == (1, 9, None, (), {})
    assert said.prompt_id == back.prompt_id and said.flags == back.first.flags and said.at_first is said


def test_a_newer_version_and_something_else_are_refused(tmp_path):
    log_of(version=99).write(tmp_path / "new.json")
    with pytest.raises(DataError, match="version 99"):
        read_log(tmp_path / "new.json")
    (tmp_path / "odd.json").write_text("[]")
    with pytest.raises(DataError, match="not an evaluation log"):
        read_log(tmp_path / "odd.json")
