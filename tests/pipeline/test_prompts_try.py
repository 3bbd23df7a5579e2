"""pete prompts try through the real command line, on an engine that looks at the last letter only: so a template is all it notices."""

import json
from pathlib import Path
from typing import Any

import pytest

from pete.persona import load_persona
from tests.pipeline.conftest import FAKE

GREEDY = ["--set", "generate.temperature=0", "--set", "generate.max_new_tokens=12", "--set", "generate.repetition_penalty=1"]


def prompts_of(folder: Path, each: int) -> None:
    rows = [{"category": c, "prompt": f"Ask {c} {i}?", "topic": f"{c} {i}"} for c in ("marketing", "copywriting") for i in range(each)]
    (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def texts(trial: dict[str, Any]) -> dict[str, list[str]]:
    return {name: [answer["text"] for answer in given] for name, given in trial["answers"].items()}


@pytest.fixture
def run(pete, persona_folder, tmp_path) -> Path:
    """Behind a line end the model says "Zq.", which its persona avoids; behind a space, as after "A: ", it says "c."."""
    persona = (persona_folder / "persona.toml").read_text().replace("unlock*", "Zq")
    (persona_folder / "persona.toml").write_text(persona + "# the end\n")
    for path in (persona_folder / "examples").iterdir():
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        said = [row | {"completion": "Zq." if number % 3 else "Zq. c."} for number, row in enumerate(rows)]
        path.write_text("".join(json.dumps(row) + "\n" for row in said))
    prompts_of(persona_folder, 6)
    settings = [*FAKE, "--set", "train.epochs=30", "--set", "train.accumulation=1", "--set", "optim.learning_rate=0.05",
                "--set", "data.valid_share=0", "--set", "train.save_every=1000"]  # fmt: skip
    done = pete("train", "--persona", persona_folder, "--out", tmp_path / "run", *settings)
    assert done.returncode == 0, done.stderr
    return tmp_path / "run"


def kept(run: Path, persona_folder: Path) -> list[str]:
    return [(persona_folder / "persona.toml").read_text(), (run / "adapter" / "pete.json").read_text()]


def test_the_better_format_is_chosen_written_and_used_from_then_on(pete, run, persona_folder):
    before = kept(run, persona_folder)
    (first,) = json.loads(pete("test", run, "Hello?", *GREEDY, "--json").stdout)["results"]
    assert first["tuned"]["text"].startswith("Zq.") and first["tuned"]["flags"]

    done = pete("prompts", "try", run, *GREEDY, "--no-write", "--json")
    assert done.returncode == 0, done.stderr
    trial = json.loads(done.stdout)
    assert kept(run, persona_folder) == before and trial["written"] == []
    assert trial["chosen"] == "question" and trial["tried"][0]["name"] == "control"
    assert len(trial["development"]) == len(trial["unseen"]) == 6 and not set(trial["development"]) & set(trial["unseen"])
    assert {a["prompt_id"] for given in trial["answers"].values() for a in given} == set(trial["development"])
    assert set(trial["unseen_answers"]) == {"control", "question"}
    assert all({a["prompt_id"] for a in given} == set(trial["unseen"]) for given in trial["unseen_answers"].values())
    seeds = [[(a["prompt_id"], a["number"], a["seed"]) for a in given] for given in trial["answers"].values()]
    assert len(seeds) == len(trial["tried"]) and all(each == seeds[0] for each in seeds) and len(seeds[0]) == 2 * len(trial["development"])
    assert trial["confirmed"]["rules.kept"]["base"] == 0 and trial["confirmed"]["rules.kept"]["tuned"] == 1

    done = pete("prompts", "try", run, *GREEDY, COLUMNS="80")
    assert done.returncode == 0, done.stderr
    assert (
        "Best: Q and A template." in done.stdout
        and "0% -> 100% +100%" in " ".join(done.stdout.split())
        and str(run / "adapter") in done.stdout
    )
    assert max(map(len, done.stdout.split("Best:")[0].splitlines())) <= 80
    assert (
        load_persona(str(persona_folder)).prompt_format.template
        == json.loads((run / "adapter" / "pete.json").read_text())["prompt_format"]["template"]
    )
    text = (persona_folder / "persona.toml").read_text()
    assert text.startswith(before[0].rstrip()) and text.count("[prompt_format]") == 1
    saved = json.loads((run / "prompts-try.json").read_text())
    assert texts(saved) == texts(trial) and [Path(path).name for path in saved["written"]] == ["persona.toml", "pete.json"]

    (now,) = json.loads(pete("test", run, "Hello?", *GREEDY, "--json").stdout)["results"]
    assert now["tuned"]["text"] == "c." and not now["tuned"]["flags"]
    assert pete("chat", run, *GREEDY, text="Hello?\n").stdout.strip() == "c."
    again = json.loads(pete("prompts", "try", run, *GREEDY, "--json", "--samples", 1).stdout)
    assert again["chosen"] is None and again["written"] == [] and "trained" in [tried["name"] for tried in again["tried"]]
    assert (persona_folder / "persona.toml").read_text() == text, "no format is better than this one: nothing changed"


def test_nothing_is_written_where_nothing_is_better_and_an_old_adapter_still_loads(pete, run, persona_folder):
    lineage = run / "adapter" / "pete.json"
    record = json.loads(lineage.read_text())
    del record["prompt_format"]
    record["avoid"] = []
    lineage.write_text(json.dumps(record))
    before = kept(run, persona_folder)
    done = pete("prompts", "try", run, *GREEDY, "--samples", 1)
    assert done.returncode == 0, done.stderr
    assert "No format is significantly better: nothing changed." in done.stdout and kept(run, persona_folder) == before
    assert "evaluation" not in [path.parent.name for path in run.rglob("prompts-try.json")]
    assert pete("report", run).returncode == 0, "a trial is no evaluation"


def test_what_cannot_be_done_is_said_before_anything_is_asked(pete, run, persona_folder):
    few = persona_folder / "few.jsonl"
    few.write_text("".join(json.dumps({"prompt": f"{i}?", "category": "marketing"}) + "\n" for i in range(9)))
    done = pete("prompts", "try", run, "--suite", few)
    assert done.returncode == 2 and "at least 5 in each" in done.stderr and "--suite" in done.stderr
    toml = persona_folder / "persona.toml"
    toml.write_text(toml.read_text().replace('"Ada"', '"Eve"'))
    done = pete("prompts", "try", run)
    assert done.returncode == 2 and "'Eve' by now" in done.stderr and "--no-write" in done.stderr
    toml.unlink()
    done = pete("prompts", "try", run)
    assert done.returncode == 2 and "cannot be written to" in done.stderr and not (run / "prompts-try.json").exists()
