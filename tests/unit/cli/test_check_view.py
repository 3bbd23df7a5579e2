import json

import pytest
from typer.testing import CliRunner

from pete.cli import app
from pete.data.examples import Example
from tests.unit.app.conftest import FAKE


@pytest.fixture
def check(persona_folder):
    """`pete data check` with the fake engine; the persona is a small one."""

    def run(*more: object):
        sets = [part for value in FAKE for part in ("--set", value)]
        return CliRunner().invoke(app, ["data", "check", "--persona", str(persona_folder), *map(str, more), *sets])

    return run


def test_fine_is_0_and_says_what_training_means(check):
    done = check()
    assert done.exit_code == 0 and "nothing to question" in done.stdout and "12 steps of 2 rows: 1." in done.stdout


def test_an_error_is_2_on_the_screen_and_in_json(check, persona_folder):
    with (persona_folder / "examples" / "marketing.jsonl").open("a") as file:
        file.write('{"prompt": "Same.", "completion": "same.", "category": "marketing"}\n')
        file.write('{"prompt": "b", "completion": "Ring +49 30 23125 014.", "category": "marketing"}\n')
    done = check()
    assert done.exit_code == 2 and "error   1 row has a prompt that is its answer" in done.stdout
    assert done.stdout.index("error ") < done.stdout.index("look at") and "23125" not in done.stdout
    done = check("--json")
    document = json.loads(done.stdout)
    assert done.exit_code == 2 and document["errors"] == 1 and document["training"] is None and "23125" not in done.stdout
    assert document["findings"][0] == {
        "kind": "prompt is answer", "message": "1 row has a prompt that is its answer: there is nothing to learn", "count": 1,
        "examples": [{"where": document["findings"][0]["examples"][0]["where"], "found": "'Same.'"}], "severity": "error",
    }  # fmt: skip
    redacted = check("--redact", "--json")
    kinds = [finding["kind"] for finding in json.loads(redacted.stdout)["findings"]]
    assert kinds == ["prompt is answer"] and "redacted 1 row: 1 x phone" in redacted.stderr
    assert (persona_folder / "examples" / ".redacted.json").is_file()


def test_drafts_are_counted_beside_the_rows_and_thinned_to_their_share(check, persona_folder):
    file = persona_folder / "examples" / "marketing.jsonl"
    own = [json.loads(line) for line in file.read_text().splitlines()]
    drafts = [
        {"task": "rewrite", "id": f"{number}-{kind}", "prompt": f"{kind}: {row['completion']} In nobody's voice.", "draft_kind": kind,
         "augmented_from": Example.model_validate(row).key, **{key: row[key] for key in ("completion", "category") if key in row}}
        for number, row in enumerate(own) for kind in ("plain", "notes", "polished")
    ]  # fmt: skip
    (persona_folder / "examples" / "rewrite.jsonl").write_text("".join(json.dumps(row) + "\n" for row in drafts))
    done = check("--set", "data.rewrite_share=0.5")
    count = len(drafts) // 3
    assert done.exit_code == 0 and f"24 rows, {3 * count} drafts to rewrite, every one readable" in done.stdout
    assert f"{count} plain, {count} notes, {count} polished" in done.stdout and "drafts to rewrite not trained on" in done.stdout
    document = json.loads(check("--set", "data.rewrite_share=0.5", "--json").stdout)
    assert (document["rows"], document["drafts"]) == (24, dict.fromkeys(("plain", "notes", "polished"), count))
    assert sum(document["categories"].values()) == 24 and {one["kind"] for one in document["findings"]} == {"rewrite share"}


def test_a_night_and_a_page(check, tmp_path):
    done = check("--night", "--html", tmp_path / "page.html")
    assert done.exit_code == 0 and "a night of 8 h" in done.stdout and (tmp_path / "page.html").read_text().startswith("<!doctype html>")


def test_a_learning_curve_is_of_the_personas_rows(check, tmp_path):
    done = check(tmp_path / "x.jsonl", "--learning-curve")
    assert done.exit_code != 0 and not (tmp_path / "runs").exists()
