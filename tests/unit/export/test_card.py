"""The model card: hashes and counts, a verdict, limits, and nothing of this machine."""

import json
from pathlib import Path

import pytest

from pete.app.train import new_training, train
from pete.export.card import licence_of, model_card
from pete.export.source import of_run
from pete.run import RunDir
from tests.unit.app.conftest import Heard, sets  # noqa: F401 - a fixture
from tests.unit.evaluate.conftest import held_out, log_of
from tests.unit.export.proofs import proof


@pytest.fixture
def run(sets, tmp_path):  # noqa: F811
    train(new_training(None, None, sets), Heard(), out=tmp_path / "run")
    return RunDir(tmp_path / "run")


def test_what_it_was_trained_on_by_hash_and_count(run, tmp_path):
    source = of_run(run)
    card = model_card(source, proof())
    manifest = json.loads(run.manifest_file.read_text())
    assert manifest["fingerprint"][:16] in card and f"{manifest['splits']['train']['rows']} train" in card
    assert "the voice of Ada" in card and "> You are Ada." in card and "Not evaluated." in card and "llama.cpp" in card
    assert "Marketing, Copywriting" in card and source.adapter_sha256[:16] in card
    for place in (str(tmp_path), str(Path.home()), str(Path.cwd())):
        assert place not in card
    assert card.startswith("---\n") and card.count("\n---\n") == 1, "the head that hubs read, and nothing that looks like its end"


def test_the_verdict_of_the_newest_evaluation(run):
    log_of(held_out=[held_out(number, 200, 100) for number in range(3)]).write(run.evaluation_file("suite"))
    card = model_card(of_run(run), proof())
    assert "Verdict: **not enough evidence**" in card and "Not evaluated" not in card and "base 2.89, tuned 1.44 bits per byte" in card


def test_an_evaluation_that_is_damaged_is_said(run):
    run.evaluations.mkdir(exist_ok=True)
    run.evaluation_file("suite").write_text("{")
    assert "Its evaluation cannot be read." in model_card(of_run(run), proof())


def test_the_licence_is_the_bases_own_word(tmp_path):
    assert licence_of(tmp_path) == ""
    (tmp_path / "README.md").write_text("---\nlicense: mit\nlanguage: en\n---\n# x\nlicense: gpl\n")
    assert licence_of(tmp_path) == "mit"
    (tmp_path / "README.md").write_text("# no head\nlicense: gpl\n")
    assert licence_of(tmp_path) == ""
