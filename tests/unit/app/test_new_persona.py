import pytest

from pete.app.new_persona import categories_of, categories_typed, make_persona, persona_config, plan, target, understand
from pete.app.personas import personas
from pete.config import resolve
from pete.data.importer import Wishes
from pete.errors import PersonaError, UserError
from tests.pipeline.exports import linkedin_zip
from tests.unit.app.conftest import FAKE, Heard


def understood(tmp_path, monkeypatch, name="ada", **options):
    config = resolve(None, None, FAKE).config
    return understand(target(name), [linkedin_zip(tmp_path / "a.zip", 30)], Wishes(), config, Heard(), **options)


def test_a_persona_is_made_whole_and_listed(tmp_path, monkeypatch):
    found = understood(tmp_path, monkeypatch)
    assert not found.folder.exists() and found.name == "Ada Miller" and found.kinds == ["LinkedIn posts"]
    created = make_persona(found)
    assert created.prompts == 3 and len(created.result.rows) == 30 and created.result.written
    assert [one.folder for one in personas() if one.folder.name == "ada"] == [found.folder]
    assert not [path for path in found.folder.parent.iterdir() if path != found.folder]


def test_a_persona_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    found = understood(tmp_path, monkeypatch)
    monkeypatch.setattr("pete.data.import_store.sync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(PersonaError, match="No space left"):
        make_persona(found)
    assert not list(found.folder.parent.iterdir())


def test_the_plan_does_not_repeat_what_the_check_has_said(sets, persona_folder, tmp_path, monkeypatch):
    with (persona_folder / "examples" / "marketing.jsonl").open("a") as file:
        file.write('{"prompt": "Ask.", "completion": "Ring +49 30 23125 014.", "category": "marketing"}\n')
    created = make_persona(understood(tmp_path, monkeypatch))
    plan(created, "quickstart", sets, heard := Heard())
    said = "\n".join(text for _, text in heard.lines)
    assert "plan      " in said and "deserves a look" not in said


def test_a_path_is_a_place_and_a_name_goes_below_personas(tmp_path):
    assert target(f"{tmp_path}/deep/ada") == tmp_path / "deep" / "ada" and target("ada") == tmp_path / "personas" / "ada"
    (tmp_path / "personas" / "ada").mkdir(parents=True)
    with pytest.raises(PersonaError, match="is there already"):
        target("ada")
    for name in ("", "..", "-x", "a\nb"):
        with pytest.raises(PersonaError, match="cannot be the name"):
            target(name)


def test_categories_are_named_in_any_way():
    assert categories_of(["marketing", "support=Customer service", "Press Releases"]) == {
        "marketing": "Marketing", "support": "Customer service", "press_releases": "Press Releases",
    }  # fmt: skip
    assert categories_typed("a, b,,") == ["a", "b"]
    with pytest.raises(UserError, match="KEY=TITLE"):
        categories_of(["=x"])


def test_given_categories_take_the_place_of_proposed_ones(tmp_path, monkeypatch):
    found = understood(tmp_path, monkeypatch, categories=["bakery"], name="bea")
    assert make_persona(found).result.counts("category") == {"bakery": 30} and found.categories == {"bakery": "Bakery"}


def test_a_base_brings_the_preset_that_has_it():
    assert persona_config(None, None, ["a.b=1"]) == ("quickstart", ["a.b=1"])
    assert persona_config(None, "EleutherAI/pythia-1.4b", []) == ("pythia-1.4b", [])
    assert persona_config(None, "EleutherAI/pythia-410m", []) == ("mac-8gb", [])
    assert persona_config(None, "fake", []) == ("quickstart", ['model.base="fake"'])
    assert persona_config(None, "owner/other", [])[1] == ['model.base="owner/other"', "optim.learning_rate=0.0004"]
    assert persona_config("report", "owner/other", []) == ("report", ['model.base="owner/other"'])
