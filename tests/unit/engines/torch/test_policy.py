import os
import subprocess
import sys

import pytest

from pete.config import EngineConfig, TorchConfig
from pete.engines.torch import environment
from pete.engines.torch.policy import choose_device, choose_dtype
from pete.errors import ConfigError
from pete.resources import PROJECT


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


@pytest.mark.parametrize(
    ("share", "high", "low"),
    [(1.0, "1.0", "0.80"), (0.5, "0.5", "0.40"), (0.0, "0.0", None)],  # 0.0 is the report's: no limit, and torch's own low one
)
def test_the_environment_of_a_mac(share, high, low):
    found = environment(EngineConfig(torch=TorchConfig(mps_high_watermark=share)))  # type: ignore[call-arg]
    assert found["PYTORCH_MPS_HIGH_WATERMARK_RATIO"] == high
    assert (found["PYTORCH_MPS_LOW_WATERMARK_RATIO"] or None) == low
    assert found["PYTORCH_ENABLE_MPS_FALLBACK"] == "1" and found["TOKENIZERS_PARALLELISM"] == "false"


def test_the_environment_is_there_before_torch_is_imported():
    """A finder that notes the variables at the moment somebody asks for torch; whatever stood there before is replaced."""
    program = """
import os, sys
class Note:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            keys = [f"PYTORCH_{k}" for k in ("MPS_HIGH_WATERMARK_RATIO", "MPS_LOW_WATERMARK_RATIO", "ENABLE_MPS_FALLBACK")]
            keys.append("TOKENIZERS_PARALLELISM")
            print("|".join(os.environ.get(k, "-") for k in keys))
            sys.exit(0)
sys.meta_path.insert(0, Note())
from pete.config import Config
from pete.engines import open_trainer
open_trainer(Config.model_validate({"engine": {"torch": {"mps_high_watermark": 0.0}}}))
"""
    found = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": str(PROJECT / "src"), "PYTORCH_MPS_LOW_WATERMARK_RATIO": "1.9"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.stdout == "0.0|-|1|false\n", found.stderr


def test_a_dtype_that_takes_minutes_is_reckoned_from_a_few_rows(monkeypatch):
    import time

    import torch

    from pete.engines.torch import policy

    rows = []

    def slowly(a, b):
        rows.append(len(a))
        time.sleep(1.5 * policy.SLOW)
        return a

    monkeypatch.setattr(torch, "mm", slowly)
    policy.measured_matmul.cache_clear()
    try:
        seconds = policy.measured_matmul("cpu", "bfloat16")
    finally:
        policy.measured_matmul.cache_clear()
    assert rows == [policy.FEW, policy.FEW] and seconds is not None and seconds > 1.5 * policy.SLOW * policy.ROWS / policy.FEW
