import json

import pytest

from pete.report.bench import BUSY, Load, Spread
from tests.bench import a_bench


def test_a_spread_is_the_middle_and_the_ends():
    assert Spread.of([3.0, 1.0, 10.0]) == Spread(3.0, 1.0, 10.0) and Spread.of([2.0]) == Spread(2.0, 2.0, 2.0)


@pytest.mark.parametrize(("before", "during", "busy"), [(0.0, 0.0, False), (4 * BUSY, 0.0, False), (0.5, 0.0, True), (0.0, 0.5, True)])
def test_a_machine_is_busy_before_or_during(before: float, during: float, busy: bool):
    assert Load(4, before, during).busy is busy


def test_the_record_is_json_with_every_number():
    record = json.loads(json.dumps(a_bench().record()))
    assert record["load"] == {"cores": 2, "before": 0.1, "during": 0.0, "busy": False}
    (device,) = record["devices"]
    assert [way["way"] for way in device["trained"]] == ["report", "trainer", "ours"]
    assert device["trained"][1]["ours_over"] == 4.0 and device["decoded"][0]["over_peer"] == 1.0
    assert record["left_out"] == {"TRL SFTTrainer": "datasets not installed: pete install bench"}
