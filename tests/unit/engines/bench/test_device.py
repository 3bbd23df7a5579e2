import pytest

from pete.engines.bench.device import padded_attention


@pytest.mark.parametrize(
    ("device", "dtype", "attention"),
    [("cpu", "bfloat16", "eager"), ("cpu", "float32", "sdpa"), ("cuda", "bfloat16", "sdpa"), ("mps", "float32", "sdpa")],
)
def test_peers_have_the_attention_that_is_fastest_for_them(device: str, dtype: str, attention: str):
    assert padded_attention(device, dtype) == attention
