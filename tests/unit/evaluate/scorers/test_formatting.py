import pytest

from pete.errors import DataError
from pete.evaluate.scorers.facts import Facts
from pete.evaluate.scorers.formatting import CHECKS, Formatting, refuse_unknown, variants
from tests.unit.evaluate.conftest import asked, sample

CASES = [
    ("max_words", 3, "one two three", "one two three four"),
    ("min_words", 3, "one two three", "one two"),
    ("lines", 2, "one\n\ntwo", "one"),
    ("max_lines", 1, "one", "one\ntwo"),
    ("min_lines", 2, "one\ntwo", "one"),
    ("bullets", 2, "- one\n- two", "- one"),
    ("max_bullets", 2, "1. one\n2. two", "* one\n* two\n* three"),
    ("subject_line", True, "Subject: Vans\nThey are late.", "Dear Sir"),
    ("subject_line", False, "Dear Sir", "Subject: Vans"),
    ("no_placeholder", True, "Dear Ann, see [1]", "Dear [Customer Name]"),
    ("no_hashtags", True, "Stall #4", "Vans #vans"),
    ("no_emoji", True, "Vans", "Vans 🚐"),
    ("json", True, '{"a": 1}', "{a: 1}"),
    ("starts_with", "dear", "Dear Ann", "Hello Ann"),
    ("ends_with", "tove", "Yours\nTove ", "Yours"),
    ("contains", ["ann", "van"], "Ann's van", "Ann"),
]


@pytest.mark.parametrize(("name", "wanted", "good", "bad"), CASES)
def test_each_check(name, wanted, good, bad):
    scorer = Formatting([asked("p", checks={name: wanted})])
    assert scorer.score(sample(good)) == {"any": 0, "strict": 1, "loose": 1, f"strict_{name}": 1}
    assert scorer.score(sample(bad))["strict"] == 0 == scorer.score(sample(bad))[f"strict_{name}"]


def test_every_check_is_tried_above():
    assert {name for name, *_ in CASES} == set(CHECKS)


def test_loose_forgives_what_a_chatty_model_puts_around_the_answer():
    scorer = Formatting([asked("p", checks={"lines": 2}), asked("q", checks={"json": True}), asked("r", checks={"max_words": 10})])
    chatty = scorer.score(sample("Sure, here you go:\nOne\nTwo"))
    assert (chatty["strict"], chatty["loose"]) == (0, 1)
    assert scorer.score(sample('```json\n{"a": 1}\n```', prompt_id="q"))["loose"] == 1
    eleven, twelve = (scorer.score(sample("word " * n, prompt_id="r")) for n in (11, 12))
    assert (eleven["strict"], eleven["loose"], twelve["loose"]) == (0, 1, 0)
    assert scorer.score(sample("One", prompt_id="no checks")) == {}
    assert variants("") == [""]


def test_an_unknown_check_is_an_error_before_anything_is_asked():
    with pytest.raises(DataError) as caught:
        refuse_unknown({"mine.jsonl:3": {"max_word": 5}, "mine.jsonl:4": {"lines": "three", "no_emoji": 1, "max_words": True}})
    assert "mine.jsonl:3: there is no check 'max_word'; did you mean max_words?" in caught.value.message
    assert caught.value.message.count("mine.jsonl:4") == 3 and "a whole number" in caught.value.message


def test_facts_of_a_prompt():
    scorer = Facts({"p": ["Imke", "October"], "q": []})
    assert scorer.score(sample("Imke says hello.")) == {"any": 1, "kept": 0.5}
    assert scorer.score(sample("Imke, October.")) == {"any": 0, "kept": 1}
    assert scorer.score(sample("x", prompt_id="q")) == {} == scorer.score(sample("x", prompt_id="z"))


def test_what_a_prompt_tells_in_its_own_words():
    told = "The boiler man comes on Tuesday at 14:20, and the refund is 42.50. Write it."
    both = Facts({}).score(sample("He comes at 14.20 and you get 42.50.", prompt=told))
    bent = Facts({}).score(sample("He comes at 15:20 and you get 42.50.", prompt=told))
    assert 0 < bent["told"] < both["told"] <= 1 and "kept" not in both, "a time that was bent is a fact that was lost"
