"""pete data augment through the real command line, and the benchmark that asks what it is worth, on the fake engine."""

import json
from pathlib import Path

from benchmarks.augmentation import main
from pete.data.examples import load_examples
from tests.conftest import small_persona
from tests.pipeline.conftest import FAKE


def test_in_and_out_again(pete, tmp_path: Path):
    persona = small_persona(tmp_path / "ada")
    own = {path.name: path.read_bytes() for path in (persona / "examples").iterdir()}
    none = pete("data", "augment", "--persona", persona)
    assert none.returncode == 2 and "--kind paraphrase" in none.stderr
    made = pete("data", "augment", "--persona", persona, "--kind", "noise", "--kind", "windows", "--category", "marketing", "--most", "4")
    assert made.returncode == 0, made.stderr
    assert "4 rows made: 4 noise" in made.stdout and "windows: " in made.stdout and "too short" in made.stdout and "--remove" in made.stdout
    rows = load_examples([persona / "examples" / "augmented.jsonl"])
    assert len(rows) == 4 and all(row.augmented_from and row.origin.startswith("noise: ") for row in rows)
    assert json.loads(pete("data", "check", "--persona", persona, "--json").stdout)["rows"] == 28
    gone = pete("data", "augment", "--persona", persona, "--remove", "--json")
    assert json.loads(gone.stdout) == {"removed": {"noise": 4}}
    assert {path.name: path.read_bytes() for path in (persona / "examples").iterdir()} == own


def test_its_worth_is_measured_at_equal_steps_on_the_same_held_out_rows(pete, tmp_path: Path, capsys):
    persona, out = small_persona(tmp_path / "ada"), tmp_path / "out"
    asked: list[tuple[str, ...]] = []

    def run(*args: str) -> int:
        asked.append(args)
        return pete(*args).returncode

    sets = [f"--set={value}" for value in (*FAKE[1::2], "train.accumulation=1", "evaluate.samples=1", "generate.max_new_tokens=30")]
    words = ["--persona", str(persona), "--out", str(out), "--steps", "4", "--kind", "noise", "--seeds", "0",
             "--augment=--category=marketing", *sets]  # fmt: skip
    main(words, run)
    found = json.loads(capsys.readouterr().out)
    assert [args[0] for args in asked] == ["data", "data", "data", "train", "evaluate", "train", "evaluate"]
    assert len((out / "with" / "examples" / "augmented.jsonl").read_text().splitlines()) == 5
    change, (without,), (augmented,) = found["bits_per_byte_change"], *found["bits_per_byte"].values()
    assert without != augmented and change["low"] <= change["mean"] <= change["high"]
    assert abs(change["mean"] - (augmented - without)) < 2e-4 and found["seeds"] == [0]
    asked.clear()
    main(words, run)
    assert not asked and json.loads((out / "augmentation.json").read_text()) == found, "what is there is not done again"
