"""The PyTorch engine. This file does not import torch: what it says has to be known before."""

from collections.abc import Mapping
from contextlib import AbstractContextManager

from pete.config import Config, EngineConfig
from pete.engines.protocol import Trainer
from pete.machine.device_check import DeviceCheck

LOW_SHARE = 0.8
"""PyTorch begins to give memory back at this share of its limit; left alone it would at 1.4, above a limit of 1.0."""


def environment(engine: EngineConfig) -> dict[str, str]:
    """What has to be in the environment before torch is imported, which reads it once; empty for what must not be there.

    The fallback is parsed as a number, so it is exactly "1". A low watermark above the high one makes torch abort: one from
    outside goes, and with no limit (0, the report's setting) torch keeps its own.
    """
    limit = engine.torch.mps_high_watermark
    return {
        "TOKENIZERS_PARALLELISM": "false",
        "PYTORCH_ENABLE_MPS_FALLBACK": "1",
        "PYTORCH_MPS_HIGH_WATERMARK_RATIO": f"{limit:.1f}",
        "PYTORCH_MPS_LOW_WATERMARK_RATIO": f"{limit * LOW_SHARE:.2f}" if limit > 0 else "",
    }


def check_device(config: Config, facts: Mapping[str, str | int | float], *, again: bool, before_run: bool) -> DeviceCheck | None:
    """The self-test; before a run only where it would use a Mac's GPU, whose arithmetic is not taken on trust."""
    from pete.engines.torch.selftest import needs_selftest, selftest

    return selftest(config, facts, again=again) if not before_run or needs_selftest(config, facts) else None


def check_devices(config: Config) -> None:
    """See that this machine has the devices of `train.devices`; raises ConfigError."""
    from pete.engines.torch.parallel import check

    check(config)


def on_devices(config: Config) -> AbstractContextManager[Trainer]:
    """The engine that computes on all of them."""
    from pete.engines.torch.parallel import on_all_devices

    return on_all_devices(config)
