import pytest

from pete.engines.policy import choose_device, choose_dtype
from pete.errors import ConfigError


@pytest.mark.parametrize(
    ("requested", "available", "expected"),
    [
        ("auto", {"mps": True, "cuda": False}, "mps"),
        ("auto", {"mps": False, "cuda": True}, "cuda"),
        ("auto", {"mps": False, "cuda": False}, "cpu"),
        ("cpu", {"mps": True, "cuda": True}, "cpu"),
        ("mps", {"mps": True, "cuda": False}, "mps"),
    ],
)
def test_device(requested, available, expected):
    assert choose_device(requested, available).value == expected


def test_a_device_that_is_not_there():
    with pytest.raises(ConfigError, match="there is none here") as error:
        choose_device("cuda", {"mps": True, "cuda": False})
    assert "cpu, mps" in error.value.hint


@pytest.mark.parametrize(
    ("seconds", "expected", "reason"),
    [
        ({"float32": 4.0, "bfloat16": 1.0}, "bfloat16", "4.0x"),  # a CPU with AVX-512 BF16, an M3
        ({"float32": 1.0, "bfloat16": 2.0}, "float32", "0.5x"),  # bfloat16 emulated: M1
        ({"float32": 1.1, "bfloat16": 1.0}, "float32", "1.1x"),  # not worth its rounding
        ({"float32": 1.0, "bfloat16": None}, "float32", "does not compute"),  # macOS 13
    ],
)
def test_dtype_is_measured_and_says_why(seconds, expected, reason):
    choice = choose_dtype("auto", "mps", lambda device, dtype: seconds[dtype])
    assert choice.value == expected and reason in choice.reason


def test_a_configured_dtype_is_not_measured():
    assert choose_dtype("float32", "cpu", lambda *_: pytest.fail("measured")).value == "float32"
