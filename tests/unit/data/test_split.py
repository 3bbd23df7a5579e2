import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.config import DataConfig
from pete.data.examples import SPLITS, Example
from pete.data.split import read_splits, split_rows, write_splits
from pete.errors import DataError
from pete.run import RunDir


def rows(count: int, per_topic: int = 2) -> list[Example]:
    return [
        Example(prompt=f"p{i}", completion=f"c{i}", category=("a", "b")[i % 2], topic=f"{i % 2}-{i // (2 * per_topic)}", source=f"f:{i}")
        for i in range(count)
    ]


@given(st.integers(10, 80), st.integers(1, 4), st.integers(0, 50))
def test_every_row_once_and_no_topic_twice(count, per_topic, seed):
    splits = split_rows(rows(count, per_topic), DataConfig(), seed)
    assert sorted(r.source for part in splits.values() for r in part) == sorted(f"f:{i}" for i in range(count))
    topics = [{r.topic for r in splits[name]} for name in SPLITS]
    assert not (topics[0] & topics[1] or topics[0] & topics[2] or topics[1] & topics[2])


def test_shares_hold_in_every_category_and_the_seed_decides():
    splits = split_rows(rows(200, 1), DataConfig(), 0)
    for category in "ab":
        assert sum(r.category == category for r in splits["test"]) == 10
        assert sum(r.category == category for r in splits["valid"]) == 10
    assert split_rows(rows(200, 1), DataConfig(), 0) == splits
    assert split_rows(rows(200, 1), DataConfig(), 1) != splits


def test_the_same_answer_never_sits_on_both_sides():
    many = [Example(prompt=f"p{i}", completion="The  same answer." if i % 3 else "the same ANSWER.", source=f"f:{i}") for i in range(30)]
    splits = split_rows([*many, *rows(60)], DataConfig(), 0)
    where = {name for name in SPLITS if any(r.completion.lower().startswith("the") for r in splits[name])}
    assert len(where) == 1


def test_a_split_chosen_by_the_author_is_kept():
    given_ = [Example(prompt="p", completion=f"c{i}", split=SPLITS[i % 3]) for i in range(9)]
    assert all(all(r.split == name for r in part) for name, part in split_rows(given_, DataConfig(), 0).items())


def test_nothing_to_train_on():
    with pytest.raises(DataError, match="Nothing is left"):
        split_rows([Example(prompt="p", completion="c", split="test")], DataConfig(), 0)


def test_written_splits_come_back_and_a_changed_byte_shows(tmp_path):
    source = tmp_path / "s.jsonl"
    source.write_text("x")
    run = RunDir.create(tmp_path / "run", "x")
    fingerprint = write_splits(run, split_rows(rows(40), DataConfig(), 0), [source])
    back, again = read_splits(run)
    assert again == fingerprint == json.loads(run.manifest_file.read_text())["fingerprint"]
    assert sum(map(len, back.values())) == 40
    with run.split_file("train").open("a") as file:
        file.write(json.dumps({"prompt": "x", "completion": "y"}) + "\n")
    assert read_splits(run)[1] != fingerprint
