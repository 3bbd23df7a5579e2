import sys

import pytest

from pete.app.serve import example, key_file, open_server
from pete.app.train import new_training, train
from pete.errors import ConfigError, RunError, UserError
from pete.run import RunDir
from pete.serve.server import listen
from tests.unit.app.conftest import Heard


@pytest.fixture
def run(sets, tmp_path, monkeypatch) -> RunDir:
    monkeypatch.setenv("PETE_CONFIG", str(tmp_path / "settings"))
    return train(new_training(None, None, sets), Heard(), out=tmp_path / "run").run


def closed(serving) -> None:
    serving.server._taken.close()


def test_the_key_is_told_once_and_the_address_kept(run, tmp_path):
    first = open_server(run, Heard(), port=0)
    closed(first)
    again = open_server(run, heard := Heard(), port=0, overrides=["generate.temperature=0"])
    closed(again)
    assert (first.new_key, again.new_key) == (True, False) and first.key == again.key == key_file().read_text().strip()
    assert (tmp_path / "settings/serve/address").read_text() == f"{again.url}\nrun\n" and again.name == "run"
    assert heard.lines == [("working", "loading run ...")], "nothing to warn of"
    assert str(key_file()) in example(again) and again.key not in example(again) and again.url in example(again)


def test_an_address_that_others_reach_is_warned_of(run):
    closed(open_server(run, heard := Heard(), host="0.0.0.0", port=0))
    assert [level for level, _ in heard.lines] == ["note", "working"] and "unencrypted" in heard.lines[0][1]


def test_what_cannot_be_served_leaves_no_port_taken(run, monkeypatch):
    with listen("127.0.0.1", 0) as taken, pytest.raises(UserError, match="is taken"):
        open_server(run, Heard(), port=taken.getsockname()[1])
    with listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    with pytest.raises(ConfigError):
        open_server(run, Heard(), port=port, overrides=["train.seed=1"])
    with pytest.raises(UserError, match="--cors"):
        open_server(run, Heard(), port=port, origins=["*"])
    run.adapter.rename(run.folder / "elsewhere")
    with pytest.raises(RunError, match="has no adapter yet"):
        open_server(run, Heard(), port=port)
    listen("127.0.0.1", port).close()


def test_a_missing_package_says_how_to_get_it(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "fastapi", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "fastapi" else object())
    with pytest.raises(UserError, match="needs fastapi") as error:
        open_server(run, Heard(), port=0)
    assert error.value.hint == "pete install serve"
