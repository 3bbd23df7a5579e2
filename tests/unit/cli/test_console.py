import io
import json
import tomllib
from typing import get_args, get_type_hints

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from pete.cli import _refuse_what_cannot_be, app
from pete.cli.console import as_path, as_typed, complain, persona_override, print_json, read_line
from pete.config import in_toml, resolve
from pete.errors import RunError, UserError
from tests.unit.test_terminal import ANY, drives

WORDS = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("command", "text", "typed"),
    [
        ("./pete", "try pete resume runs/x", "try ./pete resume runs/x"),
        ("/a b/pete", "pete test x, or pete chat x", "'/a b/pete' test x, or '/a b/pete' chat x"),
        ("./pete", "personas/pete-connor and a man called pete", "personas/pete-connor and a man called pete"),
        ("./pete", "./pete test x", "./pete test x"),
        (None, "pete report x", "pete report x"),
    ],
)
def test_commands_are_printed_as_they_were_typed(monkeypatch, command, text, typed):
    monkeypatch.delenv("PETE_COMMAND", raising=False)
    if command:
        monkeypatch.setenv("PETE_COMMAND", command)
    assert as_typed(text) == typed


def test_a_failure_is_a_sentence_and_the_next_command(monkeypatch, capsys):
    monkeypatch.setenv("PETE_COMMAND", "./pete")
    complain(RunError("No such run.", "pete quickstart makes one"))
    assert capsys.readouterr().err == "pete: No such run.\n  try: ./pete quickstart makes one\n"


def test_every_registered_verb_is_printed_so_that_it_can_be_pasted(monkeypatch):
    monkeypatch.setenv("PETE_COMMAND", "./pete")
    verbs = list(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert len(verbs) >= 14
    assert [as_typed(f"pete {verb} x") for verb in verbs] == [f"./pete {verb} x" for verb in verbs]


@given(ANY, st.sampled_from(["ascii", "latin-1", "utf-8"]))
def test_json_is_whole_in_any_encoding_and_drives_nothing(text, encoding):
    printed = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", printed)
        print_json({"said": text, text: [text]})
    printed.flush()
    arrived = printed.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    assert json.loads(arrived) == {"said": text, text: [text]} and not drives(arrived)


@pytest.mark.parametrize(("encoding", "typed", "read"), [
    ("utf-8", "café\n".encode(), "café"),
    ("ascii", "café\n".encode(), "café"),
    ("latin-1", "café\n".encode("latin-1"), "café"),
    ("utf-8", b"caf\xe9\n", None),
    ("ascii", b"caf\xe9\n", None),
    ("utf-8", b"half a wide character \xe6\x97\n", None),
])  # fmt: skip
def test_a_line_is_read_or_refused_and_the_next_one_is_there(monkeypatch, encoding, typed, read):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(typed + b"next\n"), encoding=encoding, errors="surrogateescape"))
    if read is None:
        with pytest.raises(UserError, match="not UTF-8"):
            read_line()
    else:
        assert read_line() == read
    assert read_line() == "next"
    with pytest.raises(EOFError):
        read_line()


@pytest.mark.parametrize("name", ["🎨 Brand", "voices [draft]", 'it\'s "quoted"', "two\nlines", "del\x7f", "\x1b[31m", "back\\slash", "é"])
def test_a_folder_may_be_called_anything(tmp_path, monkeypatch, name):
    (tmp_path / name / "voice").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    resolved = resolve("quickstart", None, persona_override(f"{name}/voice"))
    assert resolved.config.data.persona == str(tmp_path / name / "voice")
    source = resolved.replace("data.max_length", 9, f"--config {name}  # x.toml")
    assert tomllib.loads(source.to_toml())["data"]["persona"] == str(tmp_path / name / "voice")


@given(WORDS)
def test_any_text_is_the_same_in_toml(text):
    assert tomllib.loads(f"value = {in_toml(text)}") == {"value": text}
    assert tomllib.loads(f"value = {in_toml([text])}") == {"value": [text]}


def test_a_home_folder_is_found_behind_every_option_that_takes_a_path(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    verbs = [*app.registered_commands, *(verb for group in app.registered_groups for verb in group.typer_instance.registered_commands)]  # type: ignore[union-attr]
    places = {
        f"{verb.name} {name}": info.parser
        for verb in verbs for name, hint in get_type_hints(verb.callback, include_extras=True).items() if "Path" in str(hint)
        for info in get_args(hint)[1:]
    }  # fmt: skip
    assert len(places) >= 12 and all(parser is as_path for parser in places.values()), places
    assert as_path("~/x") == tmp_path / "x" and persona_override("pete-connor") == ['data.persona="pete-connor"']


def test_what_is_not_utf8_is_refused_by_name_before_it_costs_anything(monkeypatch, tmp_path):
    _refuse_what_cannot_be(["test", "café", "🎨"])
    with pytest.raises(UserError, match=r"Argument 2 is not UTF-8: b'caf\\xe9'"):
        _refuse_what_cannot_be(["test", "caf\udce9"])
    monkeypatch.setenv("PETE_RUNS", "/r\udce9")
    with pytest.raises(UserError, match="PETE_RUNS is not UTF-8"):
        _refuse_what_cannot_be([])
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(UserError, match="working directory is gone"):
        _refuse_what_cannot_be([])
