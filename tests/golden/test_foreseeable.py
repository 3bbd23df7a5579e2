"""How foreseeable texts are is said by the embedded model, where another base is evaluated: its numbers, in nats."""

from types import SimpleNamespace
from typing import Any

import pytest

from pete.config import EMBEDDED_BASE, resolve
from pete.evaluate.suite import open_fluency_model

GOLDEN = {"We open at nine, and the kettle is on by ten.": 69.07, "Kettle the by ten, nine is open on at we and.": 102.31}


def test_the_embedded_model_foresees_sentences_and_not_their_words_in_another_order():
    another: Any = SimpleNamespace(name="llama", base=SimpleNamespace(name="another", made_here=False))
    model = open_fluency_model(SimpleNamespace(engine=another, renderer=None, config=resolve().config))  # type: ignore[arg-type]
    assert (model.name, model.third) == (EMBEDDED_BASE, True)
    assert model.nats(list(GOLDEN)) == pytest.approx(list(GOLDEN.values()), rel=0.02)
