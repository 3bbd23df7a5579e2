import json

import pytest

from pete.errors import DataError
from pete.evaluate.suite import load_suite
from pete.run import RunDir


def suite(tmp_path, *rows):
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_prompts_bring_their_facts_and_checks(tmp_path):
    path = suite(tmp_path, {"prompt": "Two lines about Imke.", "facts": ["Imke"], "checks": {"lines": 2}}, {"prompt": "Anything."})
    first, second = load_suite(RunDir(tmp_path), path, None)
    assert (first.id, first.facts, first.checks) == ("general-1", ("Imke",), {"lines": 2}) and (second.facts, second.checks) == ((), {})


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"prompt": "?", "facts": "Imke"}, "facts: expected a list of texts, found 'Imke'"),
        ({"prompt": "?", "checks": ["lines"]}, 'checks: expected an object such as {"max_words": 80}'),
        ({"prompt": "?", "checks": {"line": 2}}, "there is no check 'line'; did you mean lines?"),
    ],
)
def test_what_cannot_be_checked_is_an_error_by_line(tmp_path, row, said):
    with pytest.raises(DataError) as caught:
        load_suite(RunDir(tmp_path), suite(tmp_path, {"prompt": "Fine."}, row), None)
    assert "mine.jsonl:2" in caught.value.message and said in caught.value.message


def test_two_prompts_with_one_id_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"the id 'a' is also that of .*mine\.jsonl:1"):
        load_suite(RunDir(tmp_path), suite(tmp_path, {"id": "a", "prompt": "One?"}, {"id": "a", "prompt": "Two?"}), None)


def test_the_first_of_each_category(tmp_path):
    rows = [{"prompt": f"{c}{n}?", "category": c} for n in range(3) for c in "ab"]
    assert [p.prompt for p in load_suite(RunDir(tmp_path), suite(tmp_path, *rows), 1)] == ["a0?", "b0?"]
    with pytest.raises(DataError, match="kept no evaluation prompts"):
        load_suite(RunDir(tmp_path / "nowhere"), None, None)
