import numpy as np

from pete.evaluate.scorers.fluency import Fluency
from tests.unit.evaluate.conftest import sample


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
    assert Fluency(author[:5], third=True).score(sample("xx", fluency_nats=9.0)) == {}
