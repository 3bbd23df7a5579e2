import numpy as np
import pytest

from pete.evaluate.scorers.cohesion import Cohesion
from pete.evaluate.scorers.degenerate import Degenerate
from pete.evaluate.scorers.echo import Echo
from pete.evaluate.scorers.relevance import Relevance
from tests.unit.evaluate.conftest import sample

THINGS = ("kettle", "van", "cake", "pool", "wine", "sock")


def vectors(texts):
    """A word's own direction for each thing a text names: what an embedder does, without one."""
    found = np.array([[text.lower().count(thing) + 1e-3 for thing in THINGS] for text in texts]).reshape(-1, len(THINGS))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


PROMPTS = {thing: f"Say something about the {thing}, in your own words and at whatever length you like." for thing in THINGS}


def relevance(prompts=PROMPTS):
    return Relevance(prompts, vectors, [Echo(), Degenerate()])  # type: ignore[arg-type]


def answer(thing, text):
    return sample(text, prompt_id=thing, prompt=PROMPTS[thing])


def test_the_own_prompt_ranks_first_and_another_does_not():
    assert relevance().score(answer("van", "The van is late again."))["rr"] == 1
    wrong = relevance().score(answer("van", "The kettle has boiled and the cake is gone. A kettle."))
    assert wrong["rr"] == pytest.approx(1 / 3) and wrong["first"] == 0


def test_an_echo_a_loop_and_silence_rank_nowhere():
    for text in (PROMPTS["van"], "Van van van. " * 20, ""):
        assert relevance().score(answer("van", text)) == {"rr": 0.0, "first": 0.0}


def test_few_prompts_and_strange_prompts_have_no_rank():
    assert relevance({k: PROMPTS[k] for k in THINGS[:4]}).score(answer("van", "The van.")) == {}
    assert relevance().score(sample("The van.", prompt_id="never asked")) == {}


def test_a_rank_is_the_same_in_any_order_of_prompts():
    mixed = dict(reversed(PROMPTS.items()))
    text = answer("wine", "Wine and socks.")
    assert relevance(mixed).score(text) == relevance().score(text)


def test_cohesion_is_about_neighbours_and_silent_about_loops():
    cohesion = Cohesion(vectors, [Degenerate()])  # type: ignore[arg-type]
    near = cohesion.score(sample("The van is here. The van is full."))["adjacent"]
    assert near > 0.99 > 0.1 > cohesion.score(sample("The van is here. The cake is gone."))["adjacent"]
    assert cohesion.score(sample("The van.")) == {} == cohesion.score(sample("The van is here. " * 12))


def test_the_authors_rows_are_ranked_among_as_many_prompts_as_the_suite_has():
    suite = {thing: PROMPTS[thing] for thing in THINGS[:5]}
    near = "Say van, van and wine."  # beats any other prompt for an answer about the van
    his = {f"row:{n}": f"Tell me of the sock, {word}." for n, word in enumerate(("please", "again", "now", "today", "soon", "once"))}
    ranked = Relevance(suite, vectors, [], author=his | {"row:van": near})  # type: ignore[arg-type]
    text = "The cake is gone."
    found = {key: ranked.score(sample(text, prompt_id=key, prompt=prompt)) for key, prompt in {**his, "row:van": near}.items()}
    assert all(1 / 5 <= numbers["rr"] <= 1 for numbers in found.values()), "seven of his own and five of the suite, but among five"
    assert {thing: relevance(suite).score(answer(thing, text)) for thing in suite} == {
        thing: ranked.score(answer(thing, text)) for thing in suite
    }, "his prompts change nothing for the answers"
    few = Relevance(suite, vectors, [], author={"row:0": his["row:0"]})  # type: ignore[arg-type]
    filled = few.score(sample("The kettle, the kettle and the sock.", prompt_id="row:0", prompt=his["row:0"]))
    assert filled["rr"] == pytest.approx(1 / 2), "filled up from the suite, whose prompt about the kettle comes first"
    assert Relevance(dict(list(suite.items())[:4]), vectors, [], author=his).score(  # type: ignore[arg-type]
        sample(text, prompt_id="row:0", prompt=his["row:0"])
    ) == {}  # fmt: skip
