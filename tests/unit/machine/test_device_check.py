"""When a self-test has failed; how it is worded: tests/unit/engines/torch/test_selftest.py."""

from dataclasses import replace

from pete.machine.device_check import DEAD, DeviceCheck


def test_one_wrong_answer_one_unfinished_check_or_a_refusal_is_a_failure():
    good = DeviceCheck("mps", "found", {"AdamW": "", "output head": ""})
    assert not good.failed and good == replace(good, remembered=True), "where it was remembered from is no difference"
    assert replace(good, wrong={"AdamW": "off by half"}).failed
    assert replace(good, unfinished="output head").failed and DeviceCheck("", "", {}, refused=DEAD).failed
