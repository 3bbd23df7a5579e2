import datetime
import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.config import DataConfig
from pete.data.examples import SPLITS, Example, written
from pete.data.split import left_out, read_splits, refuse_changed, split_new, split_rows, write_splits
from pete.errors import DataError
from pete.run import RunDir

NOON = datetime.datetime(2026, 11, 26, 12)


def rows(count: int, per_topic: int = 2) -> list[Example]:
    return [
        Example(prompt=f"p{i}", completion=f"c{i}", category=("a", "b")[i % 2], topic=f"{i % 2}-{i // (2 * per_topic)}", source=f"f:{i}")
        for i in range(count)
    ]


@given(st.integers(10, 80), st.integers(1, 4), st.integers(0, 50))
def test_every_row_once_and_no_topic_twice(count, per_topic, seed):
    splits = split_rows(rows(count, per_topic), DataConfig(split_seed=seed))
    assert sorted(r.source for part in splits.values() for r in part) == sorted(f"f:{i}" for i in range(count))
    topics = [{r.topic for r in splits[name]} for name in SPLITS]
    assert not (topics[0] & topics[1] or topics[0] & topics[2] or topics[1] & topics[2])


def test_shares_hold_in_every_category_and_the_seed_decides():
    splits = split_rows(rows(200, 1), DataConfig())
    for category in "ab":
        assert sum(r.category == category for r in splits["test"]) == 10
        assert sum(r.category == category for r in splits["valid"]) == 10
    assert split_rows(rows(200, 1), DataConfig()) == splits
    assert split_rows(rows(200, 1), DataConfig(split_seed=1)) != splits


def test_the_same_answer_never_sits_on_both_sides():
    many = [Example(prompt=f"p{i}", completion="The  same answer." if i % 3 else "the same ANSWER.", source=f"f:{i}") for i in range(30)]
    splits = split_rows([*many, *rows(60)], DataConfig())
    where = {name for name in SPLITS if any(r.completion.lower().startswith("the") for r in splits[name])}
    assert len(where) == 1


TOPICS = st.sampled_from(["", "Kettles", "kettles ", "vans", "tea", "rain", "post", "cheese", "maps", "aunts"])
ANSWERS = st.sampled_from([f"Answer {n}." for n in range(12)])


def sides(splits, key) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, part in splits.items():
        for row in part:
            found.setdefault(key(row), set()).add(name)
    return found


@given(st.lists(st.tuples(TOPICS, ANSWERS), min_size=5, max_size=60), st.integers(0, 1000), st.integers(0, 3))
def test_what_shares_a_topic_or_an_answer_is_on_one_side(pairs, seed, explicit):
    """Also by way of a third row, and also where the author chose a split for some of them."""
    rows_ = [
        Example(prompt="p", topic=topic, completion=answer, source=f"f:{n}", split="test" if explicit and n % 7 == explicit else None)
        for n, (topic, answer) in enumerate(pairs)
    ]
    try:
        splits = split_rows(rows_, DataConfig(split_seed=seed, valid_share=0.2, test_share=0.2))
    except DataError as error:
        assert "Nothing is left" in error.message
        return
    assert sorted(r.source for part in splits.values() for r in part) == sorted(r.source for r in rows_)
    assert all(r in splits["test"] for r in rows_ if r.split == "test")
    for key in (lambda r: " ".join(r.completion.lower().split()), lambda r: r.topic.lower().strip() or r.source):
        assert {name: where for name, where in sides(splits, key).items() if len(where) > 1} == {}


def test_a_row_that_joins_two_topics_keeps_both_on_one_side():
    seen = set()
    for seed in range(60):
        joined = [Example(prompt="p", category="a", topic=t, completion=c) for t, c in (("a", "1"), ("b", "1"), ("b", "2"), ("a", "3"))]
        splits = split_rows([*joined, *rows(40)], DataConfig(split_seed=seed, valid_share=0.2, test_share=0.2))
        where = [name for name, part in splits.items() for row in part if row in joined]
        assert len(where) == 4 and len(set(where)) == 1
        seen.add(where[0])
    assert len(seen) > 1, "not always the same side"


def test_rows_follow_the_one_whose_split_was_chosen():
    chosen = Example(prompt="p", topic="kettles", completion="c", split="test")
    followers = [Example(prompt="q", topic="Kettles", completion="d"), Example(prompt="r", topic="else", completion="D ")]
    assert all(row in split_rows([*rows(20), chosen, *followers], DataConfig())["test"] for row in (chosen, *followers))


def test_contradicting_splits_are_refused_by_line():
    rows_ = [
        Example(prompt="p", topic="kettles", completion="one", split="train", source="a.jsonl:3"),
        Example(prompt="p", topic="vans", completion="One ", split="test", source="b.jsonl:8"),
    ]
    with pytest.raises(DataError, match="different splits") as caught:
        split_rows([*rows(20), *rows_], DataConfig())
    assert "b.jsonl:8: test, but a.jsonl:3 is train" in str(caught.value)


def test_the_order_of_rows_moves_no_row_to_another_side():
    many = [*rows(80), Example(prompt="p", topic="0-1", completion="c3", source="f:x")]
    names = [{r.source: name for name, part in split_rows(order, DataConfig()).items() for r in part} for order in (many, many[::-1])]
    assert names[0] == names[1]


def test_a_split_chosen_by_the_author_is_kept():
    given_ = [Example(prompt="p", completion=f"c{i}", split=SPLITS[i % 3]) for i in range(9)]
    assert all(all(r.split == name for r in part) for name, part in split_rows(given_, DataConfig()).items())


def test_nothing_to_train_on():
    with pytest.raises(DataError, match="Nothing is left"):
        split_rows([Example(prompt="p", completion="c", split="test")], DataConfig())


def test_written_splits_come_back_and_a_changed_byte_shows(tmp_path):
    source = tmp_path / "s.jsonl"
    source.write_text("x")
    run = RunDir.create(tmp_path / "run", "x")
    fingerprint = write_splits(run, split_rows(rows(40), DataConfig()), [source], NOON)
    back, again = read_splits(run)
    assert again == fingerprint == json.loads(run.manifest_file.read_text())["fingerprint"]
    assert sum(map(len, back.values())) == 40
    with run.split_file("train").open("a") as file:
        file.write(json.dumps({"prompt": "x", "completion": "y"}) + "\n")
    assert read_splits(run)[1] != fingerprint


def test_rows_that_were_changed_since_are_refused_by_name(tmp_path):
    run = RunDir.create(tmp_path / "run", "x")
    write_splits(run, split_rows(rows(40), DataConfig()), [], NOON)
    refuse_changed(run)
    path = run.split_file("test")
    count = len(path.read_text().splitlines())
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    for lost in (False, True):
        with pytest.raises(DataError, match="changed after its training") as caught:
            refuse_changed(run, lost)
        assert f"test.jsonl: {count - 1} rows, not the {count} of the training" in caught.value.message and "train.jsonl" not in str(
            caught.value
        )
    path.unlink()
    refuse_changed(run, lost=True)
    with pytest.raises(DataError, match=r"test\.jsonl: 0 rows"):
        refuse_changed(run)
    run.manifest_file.unlink()
    refuse_changed(run, lost=True)
    with pytest.raises(DataError, match="cannot say"):
        refuse_changed(run)


LONG = "The parcel was on the doorstep of number 12 all along, under the mat, where the driver says he put it on {day}, in the rain."


def test_nearly_the_same_answers_stay_together_unless_their_rows_say_otherwise():
    days = [
        Example(prompt=f"p{n}", completion=LONG.format(day=day), topic=f"d{n}", source=f"d{n}")
        for n, day in enumerate(("Monday", "Friday"))
    ]
    for seed in range(12):
        splits = split_rows([*rows(40), *days], DataConfig(split_seed=seed, valid_share=0.3, test_share=0.3))
        assert sum(any(row in part for row in days) for part in splits.values()) == 1
    follower = [days[0].model_copy(update={"split": "test"}), days[1]]
    assert all(row in split_rows([*rows(40), *follower], DataConfig())["test"] for row in follower)
    apart = [days[0].model_copy(update={"split": "test"}), days[1].model_copy(update={"split": "train"})]
    splits = split_rows([*rows(40), *apart], DataConfig())
    assert apart[0] in splits["test"] and apart[1] in splits["train"]


WORDS = st.sampled_from(["One. Two. Three.", "Two.", "Four. Five.", "five.", "Six."])


@given(
    st.lists(st.tuples(TOPICS, WORDS | ANSWERS), min_size=6, max_size=40),
    st.lists(st.tuples(st.integers(0, 39), TOPICS, st.sampled_from(["whole", "part", "other"])), max_size=20),
    st.integers(0, 50),
)
def test_rows_made_from_others_move_nobody_and_are_trained_on_only_beside_their_own(pairs, made, seed):
    own = [Example(id=f"r{n}", prompt="p", completion=c, topic=t, source=f"f:{n}") for n, (t, c) in enumerate(pairs)]
    copies = []
    for number, (of, topic, what) in enumerate(made):
        row = own[of % len(own)]
        text = {"whole": row.completion, "part": row.completion.split()[0], "other": "Never said."}[what]
        changed = row.topic if what != "part" else topic
        copies.append(Example(prompt="q", completion=text, topic=changed, augmented_from=row.key, source=f"a:{number}"))
    data = DataConfig(split_seed=seed, valid_share=0.3, test_share=0.3)
    try:
        alone = split_rows(own, data)
    except DataError:
        return
    splits = split_rows([*copies, *own], data)
    assert {name: {r.source for r in part if not r.augmented_from} for name, part in splits.items()} == {
        name: {r.source for r in part} for name, part in alone.items()
    }
    held = [*splits["valid"], *splits["test"]]
    assert not any(row.augmented_from for row in held)
    texts = {row.key: row.completion for row in splits["train"] if not row.augmented_from}
    answers = {" ".join(row.completion.lower().split()) for row in held}
    for row in splits["train"]:
        if row.augmented_from:
            assert row.completion in texts[row.augmented_from] and " ".join(row.completion.lower().split()) not in answers


def test_a_copy_is_trained_on_if_its_row_is_and_says_the_same():
    own = [Example(id=f"r{n}", prompt="p", completion=f"Text {n}.", topic=f"t{n}", source=f"f:{n}") for n in range(40)]
    held = {row.key for name in ("valid", "test") for row in split_rows(own, DataConfig())[name]}
    copies = [Example(prompt="q", completion=row.completion, topic=row.topic, augmented_from=row.key, source="a:1") for row in own]
    splits = split_rows([*own, *copies], DataConfig())
    assert len(held) == 8 and {row.augmented_from for row in splits["train"] if row.augmented_from} == {row.key for row in own} - held
    stale = own[0].model_copy(update={"completion": "Mended."}), *own[1:]
    after = split_rows([*stale, *copies], DataConfig())
    assert copies[0] not in after["train"]
    (finding,) = left_out([*stale, *copies], after)
    assert finding.count == 9 and "9 augmented rows not trained on" in finding.message and left_out(own, splits) == []


def test_a_copy_may_not_be_held_out():
    with pytest.raises(ValueError, match="trained on and nothing else, found test"):
        Example(prompt="p", completion="c", augmented_from="r1", split="test")


def _row(number, category="a", split=None, text=""):
    return Example(
        prompt="p", completion=text or f"Answer {number} of {category}.", category=category, topic=f"{category}{number}", split=split
    )


def test_new_rows_fill_up_the_shares_beside_old_ones_that_keep_theirs():
    first = [_row(i) for i in range(40)]
    old = [row.model_copy(update={"split": split}) for row, split in zip(first, split_new(first, [], DataConfig()), strict=True)]
    assert Counter(row.split for row in old) == {"train": 32, "valid": 4, "test": 4}
    new = [_row(i) for i in range(40, 60)] + [_row(i, "b") for i in range(20)]
    added = split_new(new, old, DataConfig())
    assert Counter(added[:20]) == {"train": 16, "valid": 2, "test": 2} == Counter(added[20:]), "of each category"


def test_new_rows_go_where_their_topic_or_their_answer_is():
    old = [_row(1, split="valid"), _row(2, split="test")]
    new = [_row(1, text="Another answer of that thread."), _row(9, text=old[1].completion)]
    assert split_new(new, old, DataConfig()) == ["valid", "test"]


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from("ab")), max_size=60), st.integers(0, 60))
def test_whatever_comes_later_no_topic_is_on_two_sides(made, cut):
    rows = [_row(topic, category, text=f"Text {number}.") for number, (topic, category) in enumerate(made)]
    old: list[Example] = []
    for part in (rows[:cut], rows[cut:]):
        old += [row.model_copy(update={"split": split}) for row, split in zip(part, split_new(part, old, DataConfig()), strict=True)]
    sides: dict[str, set[str]] = {}
    for row in old:
        sides.setdefault(row.topic, set()).add(row.split)
    assert all(len(found) == 1 for found in sides.values())


def draft(of: Example, number: int = 0, **fields) -> Example:
    values = {"topic": of.topic, "augmented_from": of.key, "source": f"d{number}:{of.source}", **fields}
    return Example(task="rewrite", prompt=f"draft {number}", completion=of.completion, draft_kind="plain", category=of.category, **values)


@given(st.integers(10, 60), st.integers(0, 50), st.sampled_from([0, 1, 2]))
def test_a_draft_is_wherever_its_row_is_and_moves_nobody(count, seed, each):
    own = rows(count)
    drafts = [draft(row, number) for row in own for number in range(each)]
    alone, splits = (split_rows(some, DataConfig(split_seed=seed)) for some in (own, [*drafts, *own]))
    for name in SPLITS:
        assert [row for row in splits[name] if row.task == "write"] == alone[name]
        assert {row.completion for row in splits[name]} == {row.completion for row in alone[name]}
        assert len(splits[name]) == (1 + each) * len(alone[name])
        assert written(splits[name]) == alone[name]


def test_an_edit_pair_of_a_rows_text_is_where_that_row_is_and_another_one_is_a_text_of_its_own():
    own = rows(40)
    edits = [draft(row, augmented_from="", topic="") for row in own]
    splits = split_rows([*edits, *own], DataConfig())
    for part in splits.values():
        assert sum(row.task == "rewrite" for row in part) == sum(row.task == "write" for row in part)
    other = Example(task="rewrite", prompt="a", completion="Its own.", source="e:1")
    splits = split_rows([other, *own], DataConfig())
    assert [other in written(part) for part in splits.values()].count(True) == 1


def test_a_draft_whose_row_is_gone_or_says_something_else_is_in_no_split_and_said():
    own = rows(20)
    lost = [draft(own[0], augmented_from="nobody"), draft(own[1]).model_copy(update={"completion": "Something else."})]
    splits = split_rows([*own, *lost], DataConfig())
    assert sum(map(len, splits.values())) == 20
    (finding,) = left_out([*own, *lost], splits)
    assert finding.kind == "drafts, left out" and finding.count == 2 and "2 drafts not trained on" in finding.message


def test_an_edit_pair_with_another_split_than_its_text_is_refused():
    own = [*rows(20), Example(prompt="p", completion="Said.", split="test", source="f:99")]
    with pytest.raises(DataError, match="e:1: train, but a row with the same text is test"):
        split_rows([*own, Example(task="rewrite", prompt="d", completion="Said.", split="train", source="e:1")], DataConfig())
