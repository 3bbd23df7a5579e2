import gc

import pytest

from pete.data.bulk import MADE, many_rows


def test_the_collector_looks_rarely_and_is_itself_again_whatever_happens():
    before = gc.get_threshold()

    @many_rows()
    def stage() -> None:
        assert gc.get_threshold() == (MADE, *before[1:])
        with many_rows():
            pass
        assert gc.isenabled() and gc.get_threshold() == (MADE, *before[1:])
        raise ValueError

    for _ in range(2):
        with pytest.raises(ValueError):
            stage()
        assert gc.get_threshold() == before
