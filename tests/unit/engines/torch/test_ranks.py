"""What is said of a rank that is gone; how ranks work together: tests/engines/test_parallel.py."""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest

from pete.engines.protocol import RankLost
from pete.engines.torch import ranks as module
from pete.engines.torch.ranks import Ranks, leading


@pytest.fixture
def without_groups(monkeypatch):
    monkeypatch.setattr("torch.distributed.new_group", lambda **_: None)


def ended(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code])


def test_a_rank_is_named_with_how_it_ended(without_groups):
    lives, failed = ended("import time; time.sleep(60)"), ended("import os; os._exit(3)")
    killed = ended("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    try:
        ranks = Ranks(0, 4, (lives, failed, killed))
        assert ranks.lost(2).message == f"Rank 2 of 4 is gone: process {failed.pid}, ended with exit code 3."
        assert ranks.lost(3, "closed").message == f"Rank 3 of 4 is gone: process {killed.pid}, killed by SIGKILL."
        assert "Rank 2 of 4" in ranks.lost(None).message, "of all, the first that is dead"
    finally:
        lives.kill()
        lives.wait()


def test_of_torchruns_ranks_what_torch_says_is_told(without_groups):
    ranks = Ranks(0, 4)
    with pytest.raises(RankLost) as lost, ranks._noticing(2):
        raise RuntimeError("Connection closed by peer. Check the logs. Good luck!")
    assert lost.value.message == "Rank 2 of 4 is gone: Connection closed by peer"
    assert ranks.lost(None, "closed").message == "A rank of 4 is gone: closed"


def test_a_rank_that_does_not_start_ends_the_beginning_at_once(monkeypatch):
    monkeypatch.setattr(module, "SERVANT", "pete.engines.torch.nowhere")
    with pytest.raises(RankLost, match=r"Rank 1 of 2 did not start: process \d+ ended with exit code 1"), leading(2):
        pytest.fail("it began")


def test_a_rank_that_hangs_without_dying_is_not_waited_for_all_night(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", timedelta(seconds=1))
    monkeypatch.setattr(module, "LEAVING", 0.5)
    with pytest.raises(RankLost, match=r"Rank 1 of 2 is gone: .*[Tt]imed out"), leading(2) as ranks:
        process = ranks.started[0].pid
        os.kill(process, signal.SIGSTOP)
        ranks.hear(1)
    assert ranks.started[0].wait(5) == -signal.SIGKILL, "it is not left behind"
