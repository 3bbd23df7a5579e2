from pete.evaluate.scorers.collapse import Collapse
from tests.unit.evaluate.conftest import sample


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
