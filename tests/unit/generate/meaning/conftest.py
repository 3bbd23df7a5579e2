"""One sentence model for all tests of meaning: a text is computed once."""

import pytest

from pete.engines.sentence import Embedder


@pytest.fixture(scope="session")
def embed() -> Embedder:
    return Embedder()
