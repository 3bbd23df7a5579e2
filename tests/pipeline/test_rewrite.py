"""pete rewrite, through the real command line: what a model of noise says is refused, and what was drawn before is taken where it holds."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from pete.cli.rewrite import _bytes
from pete.errors import UserError
from pete.resources import PROJECT
from tests.pipeline.conftest import FAKE

TEXT = """---
title: "Hours"
---

# Hours

Our establishment opens on Tuesdays at 9. Kindly consult [the price list](https://example.org/prices) beforehand.

```sh
echo "Our establishment opens on Tuesdays at 9."
```

- tea
"""
SAID = ["We open on Tuesdays at 9.", "See the price list beforehand."]


@pytest.fixture(scope="module")
def trained(once):
    pete, place = once
    done = pete("train", "--persona", place / "persona", "--out", place / "run", *FAKE, "--set", "train.epochs=3")
    assert done.returncode == 0, done.stderr
    return pete, place / "run"


@pytest.fixture(scope="module")
def told(trained, tmp_path_factory):
    """`rewrite(...)` of a run whose model has said something good of this draft before; and what it said at first."""
    pete, run = trained
    place = tmp_path_factory.mktemp("told")
    (place / "hours.md").write_text(TEXT)

    def rewrite(*args, text=""):
        return pete("rewrite", *args, "--run", run, "--set", "generate.max_new_tokens=20", text=text, PETE_CACHE=str(place / "cache"))

    first = rewrite(place / "hours.md", "--json")
    (drawn,) = (place / "cache" / "rewrites").iterdir()
    rows = [json.loads(line) for line in drawn.read_text().splitlines()]
    good = [{**row, "draws": [[said, "end"], ["We open on Wednesdays.", "end"]]} for row, said in zip(rows, SAID, strict=True)]
    drawn.write_text("".join(json.dumps(row) + "\n" for row in good))
    return rewrite, place / "hours.md", first, drawn


def test_a_model_of_noise_changes_nothing(told):
    _, file, done, _ = told
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    assert document["text"] == TEXT == file.read_text()
    assert document["had_to_stay"] and len(document["stayed"]) == 2 and not document["lost"]
    assert {fact["text"] for fact in document["kept"]} >= {"Tuesdays", "9", "https://example.org/prices"}
    assert "was trained to write, not to rewrite" in done.stderr and "pete data pairs --task rewrite" in done.stderr


def test_bytes_come_back_as_they_were(trained, tmp_path):
    _, run = trained
    data = b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode() + b"  \t"
    (tmp_path / "hours.md").write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-m", "pete", "rewrite", tmp_path / "hours.md", "--run", run, "--set", "generate.max_new_tokens=8"],
        env=os.environ | {"PYTHONPATH": str(PROJECT / "src"), "LC_ALL": "C"}, capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, data), done.stderr


def test_what_holds_is_taken_and_only_the_prose_changes(told):
    rewrite, file, _, drawn = told
    done = rewrite(file)
    expected = TEXT.replace(
        "Our establishment opens on Tuesdays at 9. Kindly consult [the price list](https://example.org/prices)",
        "We open on Tuesdays at 9. See [the price list](https://example.org/prices)", 1,
    )  # fmt: skip
    assert (done.stdout, done.returncode) == (expected, 0), done.stderr
    assert "2 of 2 sentences rewritten" in done.stderr and "kept" in done.stderr
    assert file.read_text() == TEXT and oct(os.stat(drawn).st_mode)[-3:] == "600"


def test_diff_page_and_json_say_the_same(told, tmp_path):
    rewrite, file, _, _ = told
    done = rewrite(file, "--diff", "--html", tmp_path / "diff.html")
    assert done.returncode == 0 and "[-Our establishment opens-]{+We open+} on Tuesdays" in done.stdout and "\x1b" not in done.stdout
    page = (tmp_path / "diff.html").read_text()
    assert '["Our establishment opens", "We open"]' in page and "default-src 'none'" in page
    again = rewrite(file, "--html", tmp_path / "diff.html")
    assert again.returncode == 2 and "exists already" in again.stderr
    document = json.loads(rewrite("-", "--json", text=TEXT).stdout)
    assert not document["had_to_stay"] and document["strength"] == "normal" and document["sentences"] == 2


@pytest.mark.parametrize(
    ("args", "text", "said"),
    [
        (["nosuch.md"], "", "There is no file nosuch.md"),
        (["We open on Tuesdays"], "", "| pete rewrite"),
        (["."], "", "is a folder"),
        (["-"], "", "The text is empty"),
        (["-"], "```\ncode\n```", "no prose"),
        (["-", "--strength", "strong"], "We open.", "one of: light, normal, full"),
        (["-", "--run", "nosuch"], "We open on Tuesdays.", "no run"),
    ],
)
def test_bad_input_is_refused_with_what_to_do(trained, args, text, said):
    pete, run = trained
    done = pete("rewrite", *args, *([] if "--run" in args else ["--run", run]), text=text)
    assert done.returncode == 2 and said in done.stderr and not done.stdout, done.stderr


def test_test_shows_what_becomes_of_a_draft_that_was_kept_back(trained, tmp_path):
    pete, run = trained
    copy = shutil.copytree(run, tmp_path / "run")
    first, *others = (copy / "data" / "prompts.jsonl").read_text().splitlines()
    row = {**json.loads(first), "drafts": [{"kind": "plain", "text": "Our establishment opens on Tuesdays at 9."}]}
    (copy / "data" / "prompts.jsonl").write_text("\n".join([json.dumps(row), *others]) + "\n")
    done = pete("test", copy, "--set", "generate.max_new_tokens=8")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Our establishment opens on") >= 2 and "Keep every fact" in done.stdout
    asked = json.loads(pete("test", copy, "A prompt.", "--json", "--set", "generate.max_new_tokens=8").stdout)
    assert "rewriting" not in asked


def test_what_is_said_of_a_folder_works_in_a_shell(tmp_path):
    folder = tmp_path / "my posts"
    folder.mkdir()
    (folder / "a.md").write_text("One.")
    with pytest.raises(UserError) as raised:
        _bytes(str(folder))
    loop = raised.value.hint.partition(": ")[2]
    subprocess.run(["sh", "-c", f'pete() {{ cat "$2"; }}; {loop}'], check=True, cwd=tmp_path)
    assert (folder / "a.md.new").read_text() == "One." and (folder / "a.md").read_text() == "One."
