"""Which devices are refused; that they train: tests/engines/test_parallel.py."""

import os

import pytest

from pete.config import Config
from pete.engines import check_devices
from pete.errors import ConfigError


@pytest.mark.parametrize(
    ("device", "cards", "devices", "found"),
    [
        ("cuda", 1, 2, "there is 1 CUDA card here"),
        ("cuda", 3, 4, "there are 3 CUDA cards here"),
        ("mps", 0, 2, "there is one GPU in a Mac"),
        ("cpu", 0, 1 + (os.cpu_count() or 1), "processor cores? here"),
    ],
)
def test_more_devices_than_there_are_is_a_sentence(monkeypatch, device, cards, devices, found):
    monkeypatch.setattr("pete.engines.torch.parallel.gpus_here", lambda: {"mps": device == "mps", "cuda": device == "cuda"})
    monkeypatch.setattr("torch.cuda.device_count", lambda: cards)

    def asked(number: int) -> Config:
        return Config.model_validate({"engine": {"device": device}, "train": {"epochs": 1, "devices": number}})

    with pytest.raises(ConfigError, match=f"train.devices = {devices}: .*{found}") as error:
        check_devices(asked(devices))
    assert error.value.hint == f"--devices {devices - 1}"
    check_devices(asked(devices - 1))


def test_torchruns_other_machines_have_their_own(monkeypatch):
    monkeypatch.setattr("pete.engines.torch.parallel.gpus_here", lambda: {"mps": False, "cuda": True})
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    for name, value in {"RANK": "0", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    check_devices(Config.model_validate({"engine": {"device": "cuda"}, "train": {"epochs": 1, "devices": 4}}))
