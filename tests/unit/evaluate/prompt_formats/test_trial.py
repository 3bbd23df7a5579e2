import json

import pytest

from pete.adapter import LINEAGE, Lineage, read_lineage, write_lineage
from pete.config import GenerateConfig
from pete.data.examples import Example
from pete.errors import PersonaError
from pete.evaluate.prompt_formats import trial as module
from pete.evaluate.prompt_formats.candidates import VOICE
from pete.evaluate.prompt_formats.trial import Trial, Tried, adopt, open_persona
from pete.evaluate.results import Measure
from pete.evaluate.score import Material
from pete.evaluate.scorers.spec import StyleText
from pete.evaluate.stats import Interval
from pete.persona import PromptFormat, load_persona
from pete.run import RunDir
from tests.unit.evaluate.conftest import PROSE, asked, log_of, sample

SHOTS = PromptFormat.model_validate({"shots": 1})
BETTER = Measure(VOICE, "voice", "logit", "more", 0.0, 1.0, None, Interval(1.0, 0.5, 1.5, 30, 0.001), 0.001, True)
WORSE = Measure(VOICE, "voice", "logit", "more", 0.0, -1.0, None, Interval(-1.0, -1.5, -0.5, 30, 0.001), 0.001, True)


def trial(**values: object) -> Trial:
    facts = {"created": "now", "run": "r", "persona": "Ada", "base": "b", "engine": "fake", "samples": 1, "generate": GenerateConfig(),
             "development": [], "unseen": [], "skipped": {}, "chosen": "one", "confirmed": {VOICE: BETTER},
             "tried": [Tried(name="control", title="", prompt_format=PromptFormat()),
                       Tried(name="one", title="1 example", prompt_format=SHOTS)]}  # fmt: skip
    return Trial.model_validate(facts | values)


@pytest.fixture
def run(tmp_path) -> RunDir:
    run = RunDir(tmp_path / "run")
    run.adapter.mkdir(parents=True)
    write_lineage(run.adapter, Lineage("b", "1", "f", "d", "c", "Ada", "Plain.", (), "You.", (), {}, {}, (), "0"))
    return run


def test_a_choice_goes_into_persona_and_adapter(run, persona_folder):
    written = adopt(trial(), run, load_persona(str(persona_folder)))
    assert written == [(persona_folder / "persona.toml").resolve(), run.adapter / LINEAGE]
    assert load_persona(str(persona_folder)).prompt_format == SHOTS and read_lineage(run.adapter).prompt_format == {"shots": 1}
    assert read_lineage(run.adapter).system == "You.", "everything else is as it was"


@pytest.mark.parametrize("values", [{"chosen": None, "confirmed": {}}, {"confirmed": {VOICE: BETTER, "degenerate.any": WORSE}}])
def test_no_choice_or_one_that_is_worse_on_unseen_prompts_is_not_written(run, persona_folder, values):
    before = (persona_folder / "persona.toml").read_bytes(), (run.adapter / LINEAGE).read_bytes()
    assert adopt(trial(**values), run, load_persona(str(persona_folder))) == []
    assert before == ((persona_folder / "persona.toml").read_bytes(), (run.adapter / LINEAGE).read_bytes())


def test_a_persona_that_cannot_take_it_leaves_the_adapter_alone(run, persona_folder):
    path = persona_folder / "persona.toml"
    path.write_text("prompt_format.form = true\n" + path.read_text())
    before = (run.adapter / LINEAGE).read_bytes()
    with pytest.raises(PersonaError):
        adopt(trial(), run, load_persona(str(persona_folder)))
    assert (run.adapter / LINEAGE).read_bytes() == before


def test_another_persona_by_now_is_refused(persona_folder):
    assert open_persona(str(persona_folder), "Ada").name == "Ada"
    with pytest.raises(PersonaError, match="'Ada' by now") as error:
        open_persona(str(persona_folder), "Eve")
    assert "--no-write" in error.value.hint


def test_a_trial_is_kept_whole_and_is_no_evaluation(run):
    trial().write(run.prompts_trial)
    assert Trial.model_validate(json.loads(run.prompts_trial.read_text())) == trial() and run.all_evaluations() == []


def test_the_classifier_learns_the_base_and_never_the_answers_it_will_judge(run, monkeypatch):
    rows = [Example(id=f"r{i}", prompt=f"{i}?", completion=PROSE, topic=f"t{i}") for i in range(25)]
    others = [StyleText("They had nothing to add, and added it at length. " * 5, f"o{i}") for i in range(30)]
    monkeypatch.setattr(module, "read_material", lambda _: Material(rows, {}, rows[:0], others, None))
    log = log_of(prompts=[asked("p")])
    scorers, measures, notes = module._scorers(run, log)
    assert measures["voice.windows_base"] == 0 and "No evaluation" in notes[0]
    assert set(scorers) == {"rules", "voice", "degenerate", "originality"}
    assert any("sentence model is not installed" in note for note in notes)
    base = [sample(PROSE[::-1], model="base", prompt_id="p", number=i) for i in range(30)]
    whole = log_of(prompts=[asked("p")], samples=[*base, *(s.model_copy(update={"model": "tuned"}) for s in base)])
    whole.write(run.evaluation_file("suite"))
    _, measures, notes = module._scorers(run, log)
    assert measures["voice.windows_base"] == 30 and not any("No evaluation" in note for note in notes)
