from pete.engines.sentence import Embedder
from pete.evaluate.scorers.degenerate import Degenerate
from pete.evaluate.scorers.reference import Reference
from tests.unit.evaluate.conftest import sample


def test_nearer_in_content_is_nearer_and_a_loop_is_near_to_nothing():
    scorer = Reference({"p": "The boiler man comes on Tuesday afternoon.", "q": " "}, Embedder(), [Degenerate()])
    near = scorer.score(sample("On Tuesday after lunch somebody will repair your boiler."))["cosine"]
    far = scorer.score(sample("Our newsletter has a new shade of green."))["cosine"]
    assert 0.5 < near <= 1 and far < near - 0.3
    assert scorer.score(sample("The boiler man comes. " * 30)) == {"cosine": 0.0} == scorer.score(sample(" "))
    assert scorer.score(sample("x", prompt_id="q")) == {} == scorer.score(sample("x", prompt_id="z"))
