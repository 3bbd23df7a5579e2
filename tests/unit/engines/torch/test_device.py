import torch

from pete.engines.torch.device import get_random, gpus_here, set_random


def test_a_random_state_that_is_put_back_draws_the_same_numbers():
    state = get_random("cpu")
    first = torch.rand(5)
    assert not torch.equal(torch.rand(5), first)
    set_random("cpu", state)
    assert torch.equal(torch.rand(5), first)


def test_every_gpu_is_named_whether_it_is_here_or_not():
    assert gpus_here().keys() == {"mps", "cuda"}
