from pete.engines.torch.device import gpus_here


def test_every_gpu_is_named_whether_it_is_here_or_not():
    assert gpus_here().keys() == {"mps", "cuda"}
