import math

import pytest

from pete.engines.protocol import StepResult
from pete.errors import WorkError
from pete.train.guard import SwapGuard, check_finite

GIB = 1 << 30


@pytest.mark.parametrize(("nats", "norm"), [(math.nan, 1.0), (1.0, math.inf), (math.inf, math.nan)])
def test_what_is_no_number_stops_the_run_with_what_to_change(nats, norm):
    with pytest.raises(WorkError, match="Step 7") as error:
        check_finite(StepResult(nats, 10, norm), 7, 2e-4)
    assert "0.0001" in error.value.hint
    check_finite(StepResult(1.0, 10, 1.0), 7, 2e-4)


def test_swap_is_told_once_for_each_gigabyte_of_growth():
    guard = SwapGuard()
    readings = [3 * GIB, 2 * GIB, 2 * GIB + GIB // 2, 3 * GIB + 5, 3 * GIB + 6, 2 * GIB, 5 * GIB]
    told = [guard.look(swap) for swap in readings]
    assert [bool(words) for words in told] == [False, False, False, True, False, False, True]
    assert "by 1 GB" in told[3] and "by 3 GB" in told[6] and "train.micro_batch" in told[3]
