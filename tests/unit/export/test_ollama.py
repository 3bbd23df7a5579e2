"""`ollama create`, by a program that stands for it."""

import os

import pytest

from pete.errors import WorkError
from pete.export.ollama import Ollama
from pete.export.workshop import Made
from tests.unit.export.proofs import proof


@pytest.fixture
def made(tmp_path):
    folder = tmp_path / "aside"
    folder.mkdir()
    (folder / "Modelfile").write_text("FROM ./x.gguf\n")
    return Made(folder, proof(form="ollama"))


def program(tmp_path, monkeypatch, script: str) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ollama").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "bin" / "ollama").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")


def test_it_is_run_where_the_modelfile_is(made, tmp_path, monkeypatch):
    program(tmp_path, monkeypatch, f'echo "$@" >"{tmp_path}/said"; cat Modelfile >>"{tmp_path}/said"')
    assert Ollama().place(made, tmp_path / "out") == ("Ollama knows it: ollama run ada-tiny",)
    assert (tmp_path / "said").read_text() == "create ada-tiny -f Modelfile\nFROM ./x.gguf\n"
    assert (tmp_path / "out" / "Modelfile").is_file() and not made.path.exists()


@pytest.mark.parametrize(("script", "words"), [("echo 'Error: \033[1mno server'; exit 1", "no server"), ("exit 3", "did not say why")])
def test_its_failure_is_one_error(made, tmp_path, monkeypatch, script, words):
    program(tmp_path, monkeypatch, script)
    with pytest.raises(WorkError, match=words) as raised:
        Ollama().place(made, tmp_path / "out")
    assert "\033" not in raised.value.message and not (tmp_path / "out").exists()


def test_without_it_the_commands_can_be_pasted(made, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    target = tmp_path / "it's here"
    said = Ollama().place(made, target)
    assert said[2] == "ollama run ada-tiny" and said[1].endswith("&& ollama create ada-tiny -f Modelfile")
    assert os.popen(said[1].partition(" && ")[0] + " && /bin/cat Modelfile").read() == "FROM ./x.gguf\n"
