import json
import random

import pytest

from pete.evaluate.scorers.voice import FEWEST, StyleText, Voice, masked
from pete.evaluate.stats import auc
from pete.resources import PROJECT
from tests.unit.evaluate.conftest import sample

VOICES = PROJECT.parent / "shared" / "data" / "voices"
NOUNS = ["kettle", "van", "cake", "pool", "wine", "sock", "ladder", "parrot", "invoice", "window"]


def dry(rng):
    return " ".join(
        f"The {rng.choice(NOUNS)} was there, and so was the {rng.choice(NOUNS)}; neither of them had been asked." for _ in range(3)
    )


def loud(rng):
    return " ".join(
        f"What a {rng.choice(NOUNS)}! Your {rng.choice(NOUNS)} is waiting, so why don't you come and get it now?" for _ in range(3)
    )


def texts(make, count, seed):
    rng = random.Random(seed)
    return [StyleText(make(rng), f"{make.__name__} {i % 20}") for i in range(count)]


def test_two_manners_are_told_apart_whatever_they_are_about():
    voice = Voice(texts(dry, 40, 0), texts(loud, 40, 1), [], {"new": "new topic"})
    assert voice.measures["auc"] == 1 and voice.measures["windows_author"] >= 40
    author, other = (voice.score(sample(make(random.Random(9)), prompt_id="new"))["logit"] for make in (dry, loud))
    assert author > 0 > other


def test_nothing_is_learned_from_nothing():
    few = Voice(texts(dry, 3, 0), texts(loud, 3, 1), [], {})
    assert not few.able and few.score(sample(dry(random.Random(0)))) == {} and "auc" not in few.measures
    assert Voice([], [], [], {}).score(sample("x")) == {}
    assert Voice(texts(dry, FEWEST, 0), texts(loud, FEWEST, 1), [], {}).score(sample("Too short to say.")) == {}


def test_the_same_manner_on_both_sides_is_a_coin_toss():
    voice = Voice(texts(dry, 60, 0), [StyleText(t.text, f"base {t.topic}") for t in texts(dry, 60, 1)], [], {})
    assert voice.measures["auc"] == pytest.approx(0.5, abs=0.2)


def test_an_answer_is_scored_by_a_classifier_that_did_not_learn_from_its_prompt():
    author, base = texts(dry, 40, 0), texts(loud, 40, 1)
    one = StyleText(dry(random.Random(5)), "the prompt")
    asked = {"p": "the prompt"}
    as_base = Voice(author, [*base, one], [], asked).score(sample(one.text, prompt_id="p"))["logit"]
    without = Voice(author, base, [], asked).score(sample(one.text, prompt_id="p"))["logit"]
    assert as_base == pytest.approx(without, abs=1e-6), "or a base answer would know its own label"


def test_the_subject_and_the_markup_are_masked():
    shown, tokens = masked("**The** kettle cost \u00a345, didn\u2019t it?\n- Yes")
    assert shown == "the ****** **** 0, didn't it? yes" and tokens == ["the", "*", "*", "0", ",", "didn't", "it", "?", "yes"]
    assert masked("The parrot was late.")[0] == masked("The ladder was late.")[0]


@pytest.mark.skipif(not VOICES.is_dir(), reason="the prose for development is not here")
def test_real_authors_on_topics_and_books_nobody_learned_from():
    def rows(name):
        return [json.loads(line) for line in (VOICES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]

    jerome, wilde = rows("jerome_idle_thoughts"), rows("wilde_dorian_gray_paras")
    author = [StyleText(r["completion"], r["group"]) for r in jerome if r["split"] == "train"][:150]
    voice = Voice(author, [], [StyleText(r["text"], "w" + r["group"]) for r in wilde[:200]], {})
    assert 0.7 < voice.measures["auc"] < 1

    def logits(found):
        return [s["logit"] for text in found if (s := voice.score(sample(text)))]

    unseen = logits(r["completion"] for r in jerome if r["split"] == "test")
    other_book = logits(r["text"] for r in rows("jerome_three_men_paras")[:300])
    other_author = logits(r["text"] for r in wilde[900:1100])
    assert len(unseen) > 30 and len(other_book) > 30 and len(other_author) > 30
    assert auc(unseen, other_author) > 0.8 and auc(other_book, other_author) > 0.65
