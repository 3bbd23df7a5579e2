"""degenerate, ending, leak, fluency, echo, collapse, cliche, profile: what needs no training rows."""

import numpy as np
import pytest

from pete.evaluate.scorers import apply
from pete.evaluate.scorers.cliche import Cliche
from pete.evaluate.scorers.collapse import Collapse, distinct
from pete.evaluate.scorers.degenerate import Degenerate, tail_loop
from pete.evaluate.scorers.echo import Echo
from pete.evaluate.scorers.ending import Ending
from pete.evaluate.scorers.fluency import Fluency
from pete.evaluate.scorers.leak import Leak
from pete.evaluate.scorers.profile import Profile, nearness
from tests.unit.evaluate.conftest import PROSE, sample


def persona_rows():
    from pete.data.examples import load_examples
    from pete.persona import load_persona

    return load_examples(load_persona("pete-connor").examples)


@pytest.mark.parametrize(
    ("text", "empty", "loop"),
    [
        ("", 1, 0),
        ("  \n", 1, 0),
        ("Delightful " * 40, 0, 1),
        ("Buy one get one. " * 12, 0, 1),
        (PROSE, 0, 0),
        (PROSE + " And so on and so on and so on and so on and so on.", 0, 1),
        ("Ten minutes in your socks.", 0, 0),
        ("No. No. No.", 0, 0),
    ],
)
def test_loops_and_silence(text, empty, loop):
    assert Degenerate().score(sample(text)) == {"any": float(max(empty, loop)), "empty": float(empty), "loop": float(loop)}


def test_a_tail_that_goes_round():
    assert tail_loop(list("abcdefefef")) == pytest.approx(0.4)
    assert tail_loop(list("abcde")) == 0 and tail_loop([]) == 0
    assert tail_loop(["we", "sell", "tea", "and"] * 2) == 0.5


def test_nothing_the_author_wrote_is_degenerate_an_echo_or_a_leak():
    rows = persona_rows()
    assert len(rows) > 300
    for scorer in (Degenerate(), Echo(), Leak()):
        bad = [row.id for row in rows if scorer.score(sample(row.completion, prompt=row.prompt))["any"]]
        assert bad == [], scorer.name
    assert sum(Ending().score(sample(row.completion))["any"] for row in rows) < 0.01 * len(rows)


def test_an_echo_is_more_than_a_few_of_the_prompts_words():
    prompt = "Write a short notice that the pool is closed on Monday because the heating has failed again."
    assert Echo().score(sample(prompt, prompt=prompt)) == {"any": 1.0, "share": 1.0}
    answer = "Closed on Monday: the heating has failed, again, and the water is eleven degrees. We open on Tuesday."
    assert Echo().score(sample(answer, prompt=prompt))["any"] == 0


@pytest.mark.parametrize(
    ("text", "stop", "bad"),
    [
        ("We open at nine.", "end", 0),
        ("We open at nine and", "end", 1),
        ("We open at nine and close at", "end", 1),
        ("We open at nine.", "length", 1),
        ("Dear Ms Brandl,\n\nThe tapirs are well.\n\nTove Lindqvist", "end", 0),
        ("The last dry bench in town", "end", 0),
        ("It was clear to everyone in the room that the next thing we would have to decide is whether", "end", 1),
        ("- nails\n- screws\n- patience", "end", 0),
        ("", "end", 0),
    ],
)
def test_ending(text, stop, bad):
    assert Ending().score(sample(text, stop=stop))["any"] == bad


def test_leaks_raw_clean_and_the_next_turn():
    clean = Leak().score(sample("Fine.", raw="Fine.<|im_end|>"))
    assert clean == {"raw": 0, "clean": 0, "turn": 0, "turn_raw": 0, "emptied": 0, "any": 0}
    inside = Leak().score(sample("Fine.", raw="Fine.<|im_start|>user\nMore<|im_end|>"))
    assert inside["raw"] == 1 and inside["any"] == 0, "the extractor took it away, and we still count it"
    assert Leak().score(sample("Fine.\n### Instruction:\nWrite more"))["turn"] == 1
    assert Leak().score(sample("Fine.\nUser: and now?"))["any"] == 1
    assert Leak().score(sample("", raw="### Response:\n<|im_end|>"))["emptied"] == 1
    assert Leak().score(sample("Fine <|endoftext|> and more"))["clean"] == 1
    assert Leak().score(sample("Dear user: the system is down."))["any"] == 0
    (mark,) = Leak().marks(sample("Fine.\nUser: and now?"))
    assert (mark.start, mark.note) == (6, "second turn")


def test_cliches_are_counted_by_kind_and_pointed_at():
    text = "Unlock the game changer! #growth #hustle 🚀 Dear [Customer Name],"
    scorer = Cliche(["unlock*", "game changer"])
    assert scorer.score(sample(text)) == {"avoided": 2, "hashtags": 2, "emoji": 1, "placeholders": 1, "any": 1}
    assert "Unlock" in {text[m.start : m.end] for m in scorer.marks(sample(text))} and len(scorer.marks(sample(text))) == 6
    assert Cliche([]).score(sample(PROSE))["any"] == 0
    assert Cliche([]).score(sample("Stall #4 is ours, see [1]."))["any"] == 0, "a number is no hashtag and no placeholder"


def test_fluency_is_judged_at_the_length_of_the_text():
    rng = np.random.default_rng(0)
    author = [(20 + 1.0 * n + rng.normal(0, 1.5) * n**0.5, n) for n in range(40, 700, 15)]
    fluency = Fluency(author, third=True)

    def scored(size: int, nats: float) -> dict[str, float]:
        return fluency.score(sample("x" * size, fluency_nats=nats))

    assert scored(40, 60)["any"] == 0 and scored(600, 620)["any"] == 0
    assert scored(600, 900)["high"] == 1 and scored(600, 300)["low"] == 1 == scored(600, 300)["any"]
    assert Fluency(author, third=False).score(sample("x" * 600, fluency_nats=300.0))["any"] == 0, "the base likes its own answers"
    assert fluency.score(sample("x")) == {} and fluency.score(sample("", fluency_nats=1.0)) == {}
    assert "any" not in Fluency(author[:5], third=True).score(sample("xx", fluency_nats=9.0))


def test_answers_to_different_prompts_that_begin_alike():
    answers = [
        sample("We are so sorry that this happened.", prompt_id="a"),
        sample("We are so sorry about the cake.", prompt_id="b"),
        sample("We are so sorry about the van.", prompt_id="c", model="base"),
        sample("Ten past nine.", prompt_id="d"),
        sample("The cake is late again today.", prompt_id="e"),
        sample("The cake is late as always.", prompt_id="e"),
    ]
    assert [Collapse(answers).score(s)["any"] for s in answers] == [1, 1, 0, 0, 0, 0]


def test_distinct_n_does_not_depend_on_how_much_there_is():
    assert distinct(["a b c d"], 1) == 1 and distinct(["a a a a"], 1) == 0.25 and distinct([], 1) == 0
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(list("abcdefghij"), 400)) for _ in range(10)]
    assert distinct(texts, 2) == pytest.approx(distinct([t[:200] for t in texts], 2), abs=0.02)


def test_devices_are_rates_and_nearness_falls_on_both_sides():
    found = Profile().score(sample("Is it you? (It is not.) 9 vans! #vans 🚀"))
    assert {k: v > 0 for k, v in found.items()} == dict.fromkeys(found, True)
    assert Profile().score(sample("...")) == {}
    author = {"questions": [2.0], "asides": [1.0]}
    same = nearness(author, author)
    assert (
        same == 1 and nearness({"questions": [4.0], "asides": [1.0]}, author) == nearness({"questions": [1.0], "asides": [1.0]}, author) < 1
    )


def test_scores_do_not_depend_on_order():
    samples = [sample("a b c"), sample(PROSE), sample("")]
    scorers = [Degenerate(), Cliche(["kettle"]), Leak(), Ending(), Profile()]
    assert apply(samples[::-1], scorers) == apply(samples, scorers)[::-1]
    assert apply(samples, scorers)[1].scores["cliche.avoided"] == 3 and len(apply(samples, scorers)[1].marks) == 3


def test_a_prompt_of_two_words_given_back_is_an_echo_and_a_sentence_that_names_it_is_none():
    for text, share in (("Define: meeting", 1.0), ("Define meeting. Define meeting? A ceremony.", 4 / 6)):
        assert Echo().score(sample(text, prompt="Define: meeting")) == {"any": 1.0, "share": share}
    assert Echo().score(sample("A meeting is where we define what a meeting was.", prompt="Define: meeting"))["share"] == 0
    assert [Echo().score(sample(text, prompt="Tea"))["any"] for text in ("Tea is what is drunk.", "Tea.")] == [0, 1]
    assert Echo().score(sample("...", prompt="?"))["any"] == 0
