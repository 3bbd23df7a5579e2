"""What the unit tests share: intervals that take no time."""

import pytest

from pete.evaluate import stats


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is drawn here lies clear of every border; how well intervals cover is proven in test_stats.py."""
    monkeypatch.setattr(stats, "RESAMPLES", 1000)
