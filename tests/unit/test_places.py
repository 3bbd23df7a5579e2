from pathlib import Path

import pytest

from pete.errors import UserError
from pete.places import cache_root, config_root, expand, hub_cache, hub_folder, hub_id_of, is_hub_id, known_home


@pytest.fixture
def nobody(monkeypatch):
    """A user without a name and without HOME, as `docker run --user 12345` makes one."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda _: (_ for _ in ()).throw(KeyError("no such user")))


def test_a_home_is_needed_only_where_nothing_else_says_the_place(nobody):
    assert known_home() is None
    assert cache_root({"PETE_CACHE": "/c"}) == Path("/c")
    assert cache_root({"XDG_CACHE_HOME": "/x"}, "linux") == Path("/x/pete")
    assert hub_cache({"HF_HOME": "/h"}) == Path("/h/hub") and hub_cache({"HF_HUB_CACHE": "/hc"}) == Path("/hc")
    for ask in (
        lambda: cache_root({}),
        lambda: cache_root({"PETE_CACHE": ""}),
        lambda: hub_cache({}),
        lambda: expand("~/x"),
        lambda: expand("~"),
    ):
        with pytest.raises(UserError) as caught:
            ask()
        said = f"{caught.value.message} {caught.value.hint}"
        assert all(name in said for name in ("HOME", "PETE_CACHE", "HF_HOME")) and "\n" not in said


def test_an_empty_home_is_none(monkeypatch):
    monkeypatch.setenv("HOME", "")
    assert known_home() is None


def test_a_tilde_is_the_home_folder_wherever_a_place_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expand("~") == tmp_path and expand("~/a b") == tmp_path / "a b"
    assert expand("a/~") == Path("a/~") and expand("./~x") == Path("~x") and expand("") == Path()
    assert cache_root({"PETE_CACHE": "~/c"}) == tmp_path / "c" and cache_root({"XDG_CACHE_HOME": "~/c"}, "linux") == tmp_path / "c" / "pete"
    assert cache_root({"PETE_CACHE": ""}, "darwin") == tmp_path / "Library" / "Caches" / "pete", "an empty name is none"
    assert hub_cache({"HF_HOME": "~/h"}) == tmp_path / "h" / "hub" and hub_cache({}) == tmp_path / ".cache" / "huggingface" / "hub"
    assert cache_root({}, "linux", tmp_path / "other") == tmp_path / "other" / ".cache" / "pete"


def test_a_user_who_is_not_there_is_named():
    with pytest.raises(UserError, match="~nobody-of-that-name/x: there is no home folder of a user 'nobody-of-that-name'"):
        expand("~nobody-of-that-name/x")


@pytest.mark.parametrize(
    ("base", "is_one"),
    [("owner/name", True), ("name", False), ("./a/b", False), ("./name", False), ("/abs", False), ("~/name", False), ("a/b/c", False)],
)
def test_a_hub_id_is_owner_and_name(base, is_one):
    assert is_hub_id(base) is is_one


def test_the_hubs_cache_is_laid_out_one_way():
    commit = "0123456789abcdef" * 2 + "01234567"
    snapshot = f"/home/ada/.cache/huggingface/hub/{hub_folder('EleutherAI/pythia-1.4b')}/snapshots/{commit}"
    assert hub_id_of(snapshot) == hub_id_of(snapshot + "/") == ("EleutherAI/pythia-1.4b", commit)
    assert hub_id_of("/home/ada/models/pythia") is None and hub_id_of(snapshot + "/model.safetensors") is None


def test_settings_have_a_place_that_outlives_the_cache(tmp_path, nobody):
    assert (
        config_root({"PETE_CONFIG": "/c"}, "darwin") == config_root({"PETE_CONFIG": "/c", "XDG_CONFIG_HOME": "/x"}, "linux") == Path("/c")
    )
    assert config_root({"XDG_CONFIG_HOME": "/x"}, "linux") == Path("/x/pete")
    assert config_root({"XDG_CONFIG_HOME": "/x"}, "darwin", tmp_path) == tmp_path / "Library" / "Application Support" / "pete"
    assert config_root({}, "linux", tmp_path) == tmp_path / ".config" / "pete"
    with pytest.raises(UserError, match="no home folder"):
        config_root({}, "linux")
