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
    cohesion = Cohesion(vectors, Degenerate())  # type: ignore[arg-type]
    near = cohesion.score(sample("The van is here. The van is full."))["adjacent"]
    assert near > 0.99 > 0.1 > cohesion.score(sample("The van is here. The cake is gone."))["adjacent"]
    assert cohesion.score(sample("The van.")) == {} == cohesion.score(sample("The van is here. " * 12))
