import pytest

from pete.errors import UserError
from pete.serve.access import checked_origins, host_allowed, is_loopback, own_names

NAMES = frozenset({"studio", "studio.local"})


@pytest.mark.parametrize(
    ("header", "local", "everywhere"),
    [
        ("127.0.0.1:11435", True, True),
        ("127.0.0.1", True, True),
        ("127.9.9.9:80", True, True),
        ("localhost:9000", True, True),
        ("LOCALHOST", True, True),
        ("localhost.", True, True),
        ("[::1]:11435", True, True),
        ("[::1]", True, True),
        ("192.168.1.7:11435", False, True),
        ("[fe80::1]:11435", False, True),
        ("studio.local:11435", False, True),
        ("studio", False, True),
        ("evil.example", False, False),
        ("evil.example:11435", False, False),
        ("127.0.0.1.evil.example", False, False),
        ("localhost.evil.example", False, False),
        ("127.0.0.1@evil.example", False, False),
        ("127.0.0.1:80:80", False, False),
        ("127.0.0.1:port", False, False),
        ("::1", False, False),
        ("[::1", False, False),
        ("[evil.example]", False, False),
        ("2130706433", False, False),
        ("0x7f.1", False, False),
        ("", False, False),
        (" ", False, False),
        ("127.0.0.1/evil", False, False),
    ],
)
def test_a_host_is_this_machine_or_is_refused(header, local, everywhere):
    assert host_allowed(header, "127.0.0.1", NAMES) is local
    assert host_allowed(header, "::1", NAMES) is local
    assert host_allowed(header, "0.0.0.0", NAMES) is everywhere


def test_the_address_one_listens_at_is_allowed():
    assert host_allowed("10.0.0.5:1", "10.0.0.5", ()) and host_allowed("[2001:db8::1]:1", "2001:db8::1", ())
    assert not host_allowed("studio", "10.0.0.5", ()) and host_allowed("studio", "10.0.0.5", NAMES)


def test_loopback_is_told_from_the_rest():
    assert all(map(is_loopback, ("127.0.0.1", "127.1.2.3", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "10.0.0.1", "localhost.example", "", "example")))
    assert all(name == name.lower() and name for name in own_names())


def test_origins_are_named_one_by_one():
    good = ("http://localhost:3000", "https://app.example.org", "http://[::1]:80", "http://127.0.0.1")
    assert checked_origins(good) == good
    for bad in (
        "*",
        "http://*",
        "localhost:3000",
        "http://localhost/",
        "http://a/b",
        "null",
        "",
        "http://u@a",
        "HTTP://a",
        "ftp://a",
        "http://a b",
    ):
        with pytest.raises(UserError, match="--cors"):
            checked_origins([bad])
