import pytest

from pete.evaluate.log import Sample
from pete.evaluate.scorers import apply
from pete.evaluate.scorers.cliche import Cliche
from pete.evaluate.scorers.degenerate import Degenerate


def sample(text: str, **values) -> Sample:
    facts = {"model": "tuned", "prompt_id": "p", "category": "c", "prompt": "?", "raw": text, "tokens": 5, "stop": "end", "seed": 0,
             "first_token_seconds": 0.1, "seconds": 1.0, "batch": 1, "leaks_raw": 0, "leaks_clean": 0}  # fmt: skip
    return Sample.model_validate(facts | values | {"text": text})


PROSE = (
    "We spent the morning on the colour of a button. By noon it was green, by two it was a different green, and the customers, "
    "who had come for a kettle, bought the kettle. Next time we start with the kettle and see who is left to discuss the rest."
)


@pytest.mark.parametrize(
    ("text", "empty", "loop"),
    [
        ("", 1, 0),
        ("  \n", 1, 0),
        ("Delightful " * 40, 0, 1),
        ("Buy one get one. " * 12, 0, 1),
        (PROSE, 0, 0),
        ("Ten minutes in your socks.", 0, 0),
    ],
)
def test_loops_and_silence(text, empty, loop):
    assert Degenerate().score(sample(text)) == {"any": float(max(empty, loop)), "empty": float(empty), "loop": float(loop)}


def test_human_text_of_the_persona_is_never_degenerate():
    from pete.data.examples import load_examples
    from pete.persona import load_persona

    rows = load_examples(load_persona("pete-connor").examples)
    assert rows and not [row.id for row in rows if Degenerate().score(sample(row.completion))["any"]]


def test_cliches_are_counted_by_kind():
    scores = Cliche(["unlock*", "game changer"]).score(sample("Unlock the game changer! #growth #hustle 🚀 Dear [Customer Name],"))
    assert scores == {"avoided": 2, "hashtags": 2, "emoji": 1, "placeholders": 1, "any": 1}
    assert Cliche([]).score(sample(PROSE))["any"] == 0


def test_scores_do_not_depend_on_order():
    samples = [sample("a b c"), sample(PROSE), sample("")]
    scorers = [Degenerate(), Cliche(["kettle"])]
    assert apply(samples[::-1], scorers) == apply(samples, scorers)[::-1]
    assert apply(samples, scorers)[1].scores["cliche.avoided"] == 3
