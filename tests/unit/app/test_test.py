import pytest

from pete.app.test import may_be_a_run
from pete.run import RunDir

RUNS = ["20261126-011200-ada", "m\u00fcll"]


@pytest.mark.parametrize("word", ["no-such-run", "runs/x", "ada", "~/runs/x", "m\u00fcl", "Hello", "/tmp/\u00f6de", "v1.2"])
def test_a_word_that_may_be_a_mistyped_run(word):
    assert may_be_a_run(word, RUNS)


PROMPTS = [
    "\u8fd4\u54c1\u3057\u305f\u3044\u3067\u3059\u3002",
    "\u8fd4\u54c1",
    "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
    "Why?",
    "Hello.",
    "No!",
    "~50",
    "~50\u8a9e",
    "gr\u00f6\u00dfer",
    "two words",
    "\U0001f382",
    "",
    " ",
]


@pytest.mark.parametrize("word", PROMPTS)
def test_a_word_that_can_only_be_a_prompt(word):
    assert not may_be_a_run(word, RUNS)


def test_a_prompt_that_begins_with_a_tilde_is_the_name_of_no_run():
    assert not RunDir.exists("~50 words about a bakery") and not RunDir.exists("~nobody-here/run") and not RunDir.exists("a\0b")
