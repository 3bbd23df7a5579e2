"""Which addresses may be asked; what can go wrong on the way is in evaluate/judge/test_judge.py, with a judgement around it."""

import pytest

from pete.errors import UserError
from pete.evaluate.judge.judge import JUDGE, KEY
from pete.generate.endpoint import Endpoint, read_address

SECRET = "sk-canary-3141592653589793"


@pytest.mark.parametrize(("typed", "url"), [
    ("https://api.example.com/v1", "https://api.example.com/v1/chat/completions"),
    ("https://api.example.com", "https://api.example.com/v1/chat/completions"),
    ("https://api.example.com/openai/v1/", "https://api.example.com/openai/v1/chat/completions"),
    ("https://API.example.com:8443/v1/chat/completions", "https://api.example.com:8443/v1/chat/completions"),
    ("http://localhost:11434", "http://localhost:11434/v1/chat/completions"),
    ("http://[::1]:8080/v1", "http://[::1]:8080/v1/chat/completions"),
    ("http://192.168.1.20:8000/v1", "http://192.168.1.20:8000/v1/chat/completions"),
    ("http://studio.local:8000/v1", "http://studio.local:8000/v1/chat/completions"),
])  # fmt: skip
def test_addresses_that_are_asked(typed, url):
    assert read_address(typed, JUDGE).url == url


@pytest.mark.parametrize("typed", [
    "http://api.example.com/v1", "http://8.8.8.8/v1", "http://134744072/v1", "api.example.com/v1", "ftp://example.com", "file:///etc/passwd",
    "https://", "", "https://api.example.com:port/v1", "https://exa mple.com", "http://[::1/v1", "https://a.example.com/v1\nX: y",
    "https://ex..ample.com/v1",
])  # fmt: skip
def test_addresses_that_are_refused(typed):
    with pytest.raises(UserError):
        read_address(typed, JUDGE)


@pytest.mark.parametrize(
    "typed", [f"https://me:{SECRET}@example.com/v1", f"https://example.com/v1?key={SECRET}", f"https://example.com/#{SECRET}"]
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(typed):
    with pytest.raises(UserError, match="carries") as failure:
        read_address(typed, JUDGE)
    assert SECRET not in failure.value.message + failure.value.hint and KEY in failure.value.hint


def test_a_key_does_not_travel_unencrypted():
    with pytest.raises(UserError, match="unencrypted"):
        Endpoint(JUDGE, "http://192.168.1.20:8000/v1", SECRET)
    assert Endpoint(JUDGE, "http://192.168.1.20:8000/v1").address.private
    assert Endpoint(JUDGE, "http://127.0.0.1:8000/v1", SECRET).with_key == f"with the key in {JUDGE.key}"
