import hashlib
import json
from pathlib import Path

import pytest

from pete.app.chat import Conversation, Corrections, open_chat
from pete.app.train import new_training, train
from pete.data.edits import read_edits
from pete.data.render import Message
from pete.errors import ConfigError, PersonaError, RunError
from pete.run import RunDir
from tests.unit.app.conftest import Heard


@pytest.fixture
def run(sets, tmp_path) -> RunDir:
    return train(new_training(None, None, sets), Heard(), out=tmp_path / "run").run


def test_a_model_is_opened_as_the_run_or_the_user_says(run):
    assert open_chat(run).config.generate.seed == 0 and open_chat(run, ["generate.seed=7"]).config.generate.seed == 7
    with pytest.raises(ConfigError):
        open_chat(run, ["train.seed=7"])
    with pytest.raises(RunError, match="has no adapter yet"):
        run.adapter.rename(run.folder / "elsewhere")
        open_chat(run)


def test_what_answers_is_what_the_user_says_too(run, monkeypatch):
    """`generate.engine` and `engine.llama` decide what is opened, so the engine has to be opened with them."""
    opened = []
    monkeypatch.setattr("pete.generate.stream.load_answering", lambda config, *_: opened.append(config) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        open_chat(run, ["generate.engine=llama", "engine.llama.draft=small"])
    assert opened[0].generate.engine == "llama" and opened[0].engine.llama.draft == "small"


def test_a_conversation_streams_keeps_and_takes_back(run, tmp_path):
    tuned = open_chat(run, ["generate.max_new_tokens=30", "generate.temperature=1.0"])
    conversation = Conversation(tuned)
    first = "".join(delta.text for delta in conversation.ask("One?"))
    assert conversation.turns == [], "what stands of it is for the caller to say"
    conversation.keep("One?", first)
    assert conversation.turns == [Message("user", "One?"), Message("assistant", first)] and conversation.take_back() == "One?"
    assert conversation.turns == [] and conversation.take_back() is None
    assert "".join(delta.text for delta in conversation.ask("One?")) != first, "another seed"
    assert "".join(delta.text for delta in Conversation(tuned).ask("One?")) == first, "nothing is shared between conversations"


def test_a_system_line_is_of_one_conversation_and_is_saved_with_it(run, tmp_path):
    tuned = open_chat(run)
    conversation = Conversation(tuned)
    assert conversation.system == tuned.renderer.system == "You are Ada."
    conversation.system = "You are Bob."
    conversation.keep("Who?", "Bob.")
    conversation.save(tmp_path / "talk.json")
    with pytest.raises(FileExistsError):
        conversation.save(tmp_path / "talk.json")
    saved = json.loads((tmp_path / "talk.json").read_text())
    assert saved == {"system": "You are Bob.", "messages": [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Bob."}]}
    assert Conversation(tuned).system == tuned.renderer.system == "You are Ada."


def test_a_correction_is_kept_in_the_persona_with_who_wrote_the_answer(run):
    persona = Path(run.read_config().config.data.persona)
    corrections = Corrections(run)
    assert corrections.file == persona / "edits.jsonl"
    assert corrections.keep("One?", "Yes.", "No.") and not corrections.keep("One?", "Yes.", "Yes.")
    (pair,) = [json.loads(line) for line in corrections.file.read_text().splitlines()]
    assert (pair["prompt"], pair["draft"], pair["final"], pair["source"]) == ("One?", "Yes.", "No.", "chat")
    digest = hashlib.sha256((run.adapter / "adapter_model.safetensors").read_bytes()).hexdigest()
    assert pair["model"] == f"{run.name} {digest[:12]}" and read_edits(corrections.file)[0].task == "rewrite"
    corrections.file.unlink()
    persona.rename(persona.with_name("elsewhere"))
    with pytest.raises(PersonaError):
        Corrections(run)
