"""From an export to a training, through the real command line, on the engine that needs no model."""

import json
import tomllib

import pytest

from tests.pipeline.conftest import FAKE
from tests.pipeline.exports import linkedin_zip, posts

TOKENS = ["--set", "model.base=fake", "--set", "data.max_length=2000"]


@pytest.fixture(scope="module")
def made(once):
    """A persona from a LinkedIn export, and what was said while it was made."""
    pete, place = once
    linkedin_zip(place / "Basic_LinkedInDataExport.zip", 60)
    done = pete("persona", "new", "ada", "--from", place / "Basic_LinkedInDataExport.zip", *FAKE, PETE_PERSONAS=str(place / "personas"))
    assert done.returncode == 0, done.stderr
    return pete, place, done


def rows_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_an_export_becomes_a_persona(made):
    _, place, done = made
    folder = place / "personas" / "ada"
    assert {path.name for path in folder.iterdir()} == {
        ".gitignore", "README.md", "examples", "imports.json", "persona.toml", "prompts.jsonl",
    }  # fmt: skip
    assert "61 read = 60 kept + 1 dropped" in done.stdout and "1 reshared, without words of one's own" in done.stdout
    assert "plan      Ada Miller on fake" in done.stdout and "memory" in done.stdout and "pete train --persona ada" in done.stdout
    persona = tomllib.loads((folder / "persona.toml").read_text())
    assert persona["name"] == "Ada Miller" and persona["categories"] == {"linkedin_post": "LinkedIn posts"}
    assert "sentences    half have fewer than" in (folder / "persona.toml").read_text()
    card = (folder / "README.md").read_text()
    assert "| `Basic_LinkedInDataExport.zip`" in card and "to be answered by you" in card and "train 48" in card


def test_the_rows_are_the_posts_letter_for_letter_with_prompts_that_do_not_give_them_away(made):
    _, place, _ = made
    rows = rows_of(place / "personas" / "ada" / "examples" / "imported.jsonl")
    assert [row["completion"] for row in rows] == posts(60)
    assert all(row["origin"] == "rule" and row["split"] and row["date"] and "Shares_1234.csv:" in row["found"] for row in rows)
    assert len({row["prompt"] for row in rows}) == 60


def test_held_out_prompts_come_from_rows_that_are_not_trained_on(made):
    _, place, _ = made
    folder = place / "personas" / "ada"
    tested = {row["completion"] for row in rows_of(folder / "examples" / "imported.jsonl") if row["split"] == "test"}
    asked = rows_of(folder / "prompts.jsonl")
    assert 0 < len(asked) == len(tested) and {prompt["reference"] for prompt in asked} == tested


def test_it_trains(made):
    pete, place, _ = made
    out = place / "night"
    done = pete("train", "--persona", "ada", "--out", out, *FAKE, "--set", "train.epochs=1", PETE_PERSONAS=str(place / "personas"))
    assert done.returncode == 0, done.stderr
    assert (out / "adapter" / "adapter_model.safetensors").is_file()


def test_a_name_that_is_taken_is_refused(made):
    pete, place, _ = made
    done = pete("persona", "new", "ada", "--from", place / "Basic_LinkedInDataExport.zip", PETE_PERSONAS=str(place / "personas"))
    assert done.returncode == 2 and "is there already" in done.stderr and "pete data import" in done.stderr


def test_personas_are_listed(made):
    pete, place, _ = made
    done = pete("persona", "list", "--json", PETE_PERSONAS=str(place / "personas"))
    found = {one["name"]: one for one in json.loads(done.stdout)}
    assert found["ada"]["rows"] == 60 and found["ada"]["title"] == "Ada Miller" and "pete-connor" in found


@pytest.fixture
def imported(pete, persona_folder, tmp_path):
    """A persona with the first forty posts."""
    done = pete("data", "import", linkedin_zip(tmp_path / "first.zip", 40), "--persona", persona_folder, *TOKENS, "--category", "marketing")
    assert done.returncode == 0, done.stderr
    return persona_folder


def test_an_overlapping_export_adds_what_is_new_and_moves_no_row(imported, pete, tmp_path):
    file = imported / "examples" / "imported.jsonl"
    before = file.read_bytes()
    done = pete("data", "import", linkedin_zip(tmp_path / "second.zip", 60, 20), "--persona", imported, *TOKENS, "--category", "marketing",
                "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["ledger"]["dropped"] == {"known": 20, "reshare": 1} and said["rows"] == 20
    assert file.read_bytes().startswith(before), "old rows as they were, splits included"
    shares = {name: [row["split"] for row in rows_of(file)].count(name) for name in ("train", "valid", "test")}
    assert shares == {"train": 48, "valid": 6, "test": 6}
    assert len(json.loads((imported / "imports.json").read_text())["imports"]) == 2


def test_the_same_export_twice_adds_nothing(imported, pete, tmp_path):
    before = {path: path.read_bytes() for path in imported.rglob("*") if path.is_file()}
    again = pete("data", "import", tmp_path / "first.zip", "--persona", imported, *TOKENS)
    assert again.returncode == 0 and "40 imported before" in again.stdout and "nothing new" in again.stdout
    assert {path: path.read_bytes() for path in imported.rglob("*") if path.is_file()} == before


def test_a_dry_run_says_everything_and_writes_nothing(pete, persona_folder, tmp_path):
    before = {path: path.read_bytes() for path in persona_folder.rglob("*") if path.is_file()}
    done = pete("data", "import", linkedin_zip(tmp_path / "a.zip", 10), "--persona", persona_folder, *TOKENS, "--category", "marketing",
                "--dry-run", "--explain", 3)  # fmt: skip
    assert done.returncode == 0 and "11 read = 10 kept + 1 dropped" in done.stdout and "nothing was written" in done.stdout
    assert "Shares_1234.csv:" in done.stdout.split("reshared, without words of one's own: 1")[1]
    assert {path: path.read_bytes() for path in persona_folder.rglob("*") if path.is_file()} == before


def test_an_import_that_keeps_nothing_is_an_error(pete, persona_folder, tmp_path):
    before = {path: path.read_bytes() for path in persona_folder.rglob("*") if path.is_file()}
    done = pete("data", "import", linkedin_zip(tmp_path / "a.zip", 10), "--persona", persona_folder, *TOKENS, "--since", "2050-01-01")
    assert done.returncode == 2 and "Nothing was kept of 11 texts" in done.stderr and "10 outside the dates asked for" in done.stderr
    assert {path: path.read_bytes() for path in persona_folder.rglob("*") if path.is_file()} == before


def test_an_export_with_a_header_alone_is_named_and_nothing_dropped_is_offered_to_look_at(pete, persona_folder, tmp_path):
    (export := tmp_path / "Shares.csv").write_text("Date,ShareLink,ShareCommentary,SharedUrl,MediaUrl,Visibility\n")
    done = pete("data", "import", export, "--persona", persona_folder)
    assert done.returncode == 2 and "Shares.csv: no text stands in it" in done.stderr and "--explain" not in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--since", "spring"], "expected a day"),
        (["--language", "xx"], "none that can be told apart"),
        (["--map", "answer=Body"], "expected MEANING=COLUMN"),
        (["--category", "marketting"], "did you mean marketing?"),
        (["--author", "nobody"], "Nothing in these sources is by nobody"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_written(pete, persona_folder, tmp_path, options, said):
    done = pete("data", "import", linkedin_zip(tmp_path / "a.zip", 5), "--persona", persona_folder, *TOKENS, *options)
    assert done.returncode == 2 and said in done.stderr and not (persona_folder / "imports.json").exists()


def test_a_persona_that_cannot_be_trained_on_yet_says_what_to_mend(pete, tmp_path):
    for number, text in enumerate(posts(12)):
        (tmp_path / "notes").mkdir(exist_ok=True)
        (tmp_path / "notes" / f"{number}.txt").write_text(f"Dear {{{{first_name}}}},\n\n{text}")
    done = pete("persona", "new", tmp_path / "bea", "--from", tmp_path / "notes", *FAKE)
    assert done.returncode == 0 and "mend that, then: pete data check" in done.stdout and "train it" not in done.stdout


def test_new_needs_writing_and_a_name(pete):
    assert "There is nothing to make it from" in pete("persona", "new", "ada").stderr
    assert "cannot be the name" in pete("persona", "new", "..", "--from", "x").stderr
