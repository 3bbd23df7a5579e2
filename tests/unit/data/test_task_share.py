from collections import Counter

import pytest

from pete.config import DataConfig
from pete.data.examples import Example
from pete.data.render import Renderer
from pete.data.task_share import learned_from, texts_in
from pete.engines.fake import fake_base
from pete.persona import PLAIN_TEMPLATE

RENDERER = Renderer(fake_base().folder, template=PLAIN_TEMPLATE, system="", context=2000)


def rows(count: int) -> list[Example]:
    return [Example(id=f"r{n}", prompt=f"Ask {n}.", completion=f"Answer {n}.", source=f"a:{n}") for n in range(count)]


def drafts(numbers, kind: str, text: str = "Draft") -> list[Example]:
    return [
        Example(task="rewrite", id=f"r{n}-{kind}", prompt=f"{text} {n}, {kind}.", completion=f"Answer {n}.", draft_kind=kind,
                augmented_from=f"r{n}", source=f"b-{kind}:{n}")
        for n in numbers
    ]  # fmt: skip


def learned(train: list[Example], share: float, max_length: int = 1024):
    data = DataConfig(rewrite_share=share, max_length=max_length)
    splits, findings = learned_from({"train": train, "valid": [], "test": []}, data, RENDERER)
    return splits["train"], findings


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_without_drafts_the_share_says_nothing(share):
    assert learned(rows(20), share) == (rows(20), [])


def test_drafts_that_are_too_many_are_thinned_so_that_texts_and_kinds_keep_their_part():
    train = rows(40) + drafts(range(40), "plain") + drafts(range(20), "notes") + drafts(range(20, 30), "polished")
    kept, (said,) = learned(train, 0.5)
    left = [row for row in kept if row.task == "rewrite"]
    assert len(left) == 40 == sum(row.task == "write" for row in kept)
    assert {row.augmented_from for row in left} == {f"r{n}" for n in range(40)}, "each text has one"
    kinds = Counter(row.draft_kind for row in left)
    assert kinds["polished"] >= 9 and kinds["notes"] >= 14, kinds
    assert said.message == "30 of 70 drafts to rewrite not trained on: data.rewrite_share is 0.5" and said.count == 30
    again, _ = learned(list(reversed(train)), 0.5)
    assert {row.id for row in again} == {row.id for row in kept}, "whatever the order of the files"


def test_a_text_with_drafts_that_follow_it_is_learned_from_those_and_from_corrections():
    train = [*rows(6), *drafts(range(6), "plain"), *drafts(range(3), "light"), *drafts(range(2), "close"), *drafts([0], "edited")]
    kept, (said, _) = learned(train, 1.0)
    kinds = Counter(row.draft_kind for row in kept)
    assert kinds == {"plain": 3, "light": 3, "close": 2, "edited": 1}
    assert said.message == "3 drafts to rewrite not trained on: the texts have others that follow them, light or close"
    splits, _ = learned_from({"train": [], "valid": train, "test": train}, DataConfig(rewrite_share=1.0), RENDERER)
    assert len(splits["valid"]) == len(kept) and splits["test"] == train, "what is only scored stays whole"


def test_rows_of_writing_that_are_too_many_are_thinned_where_their_text_stays():
    train = rows(40) + drafts(range(20), "plain")
    kept, findings = learned(train, 0.5)
    assert sum(row.task == "write" for row in kept) == 20
    assert {row.completion for row in kept} == {f"Answer {n}." for n in range(40)}, "no text is lost for a share"
    assert [finding.message for finding in findings] == ["20 of 40 rows of writing not trained on: data.rewrite_share is 0.5"]


def test_a_handful_of_edits_does_not_cost_the_other_texts():
    train = rows(40) + drafts(range(2), "plain")
    kept, findings = learned(train, 0.5)
    assert {row.completion for row in kept} == {f"Answer {n}." for n in range(40)} and len(kept) == 40
    assert [finding.message for finding in findings] == ["2 of 40 rows of writing not trained on: data.rewrite_share is 0.5"]


@pytest.mark.parametrize(("share", "tasks"), [(0.0, {"write"}), (1.0, {"rewrite"})])
def test_the_ends_are_one_task_alone(share, tasks):
    kept, _ = learned(rows(10) + drafts(range(10), "plain"), share)
    assert {row.task for row in kept} == tasks and len(kept) == 10


def test_a_made_row_goes_before_the_authors():
    made = Example(id="r0-w", prompt="Ask part 0.", completion="Answer 0.", augmented_from="r0", source="c:0")
    kept, _ = learned([*rows(2), made, *drafts(range(2), "plain")], 0.5)
    assert {row.id for row in kept} == {"r0", "r1", "r0-plain", "r1-plain"}


def test_a_draft_too_long_with_its_text_is_left_out_of_every_split_and_said():
    long = drafts([0], "plain", "word " * 300)
    splits, findings = learned_from(
        {"train": [*rows(4), *drafts([1], "notes")], "valid": [], "test": long}, DataConfig(max_length=200), RENDERER
    )
    assert splits["test"] == [] and findings[0].kind == "drafts too long" and findings[0].examples[0][0] == "b-plain:0"
    assert "1 draft left out: longer than 200 tokens" in findings[0].message


def test_a_pass_is_a_pass_over_texts():
    assert texts_in(rows(5)) == 5 and texts_in(rows(5) + drafts(range(5), "plain") + drafts(range(3), "notes")) == 5
    assert texts_in(rows(2) + drafts(range(4), "plain")) == 4, "two texts have drafts alone"
    assert texts_in([*rows(3), *rows(3)]) == 6, "a text that answers two prompts is asked for twice"


def test_where_no_drafts_are_asked_for_nothing_deserves_a_look():
    assert learned(rows(4) + drafts(range(4), "plain"), 0.0) == (rows(4), [])
