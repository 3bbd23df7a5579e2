"""What a program that knows no persona is given: the system line inside the template, every end, how to draw."""

import json

import pytest

from pete.config import GenerateConfig
from pete.data.render import Message, Renderer
from pete.engines.fake import END, byte_tokenizer
from pete.export.source import MOST, _asked, _evenly, _plain, bare_messages, generation_settings, with_system
from pete.persona import PLAIN_TEMPLATE
from tests.unit.data.test_chat_templates import TEMPLATES

THINKING = {"qwen3"}
LINE = 'You are "Ada": {{ brief }}.\nAlways.'


@pytest.fixture
def folder(tmp_path):
    byte_tokenizer().save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": END, "bos_token": END}))
    return tmp_path


@pytest.mark.parametrize("name", ["qwen3", "qwen2_5", "llama3", "gemma", "phi3", "smolvlm", "lfm2", "PLAIN"])
def test_a_conversation_without_a_system_line_is_put_as_in_training(folder, name):
    template = TEMPLATES.get(name, PLAIN_TEMPLATE)
    renderer = Renderer(folder, template=template, system=LINE, context=4000)
    made, refused = with_system(renderer)
    assert not refused and made.endswith(renderer.template) and ("enable_thinking" in template) == (name in THINKING)
    for talk in ([("user", "Hi.")], [("user", "Hi."), ("assistant", "Yes?"), ("user", "Bye.")]):
        turns = [Message(role, text) for role, text in talk]
        bare = bare_messages(renderer, turns)
        assert "Ada" not in str(bare)
        assert renderer.text_by(made, bare) == renderer.prompt_text(turns)
        if not renderer.folds_system:
            own = [Message("system", "Be Bob."), *turns]
            assert renderer.text_by(made, renderer.messages(own)) == renderer.prompt_text(own), "another line takes its place"


def test_no_line_no_change(folder):
    renderer = Renderer(folder, template=PLAIN_TEMPLATE, system="", context=4000)
    assert with_system(renderer) == (renderer.template, "")
    thinks = Renderer(folder, template=TEMPLATES["qwen3"], system="", context=4000)
    turns = [Message("user", "Hi.")]
    assert (
        renderer.text_by(with_system(thinks)[0], thinks.messages(turns))
        == thinks.prompt_text(turns)
        != renderer.text_by(thinks.template, thinks.messages(turns))
    ), "trained without thinking, asked without"


def test_a_template_that_cannot_hold_it_says_so(folder):
    template = (
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "{{ m.role }}: {% for part in m.content %}{{ part.text }}{% endfor %}\n{% endfor %}"
    )
    renderer = Renderer(folder, template=template, system=LINE, context=4000)
    assert renderer.folds_system
    made, refused = with_system(renderer)
    assert made == renderer.template and "send it with every conversation" in refused


def test_how_answers_are_drawn_goes_along(folder):
    renderer = Renderer(folder, template=PLAIN_TEMPLATE, system="", context=4000)
    source = type("Source", (), {"sampling": GenerateConfig(temperature=0.6, top_k=40), "renderer": renderer})
    assert generation_settings(source) == {  # type: ignore[arg-type]
        "eos_token_id": [256], "do_sample": True, "temperature": 0.6, "top_p": 0.95, "top_k": 40, "repetition_penalty": 1.15,
        "max_new_tokens": 220,
    }  # fmt: skip
    greedy = type("Source", (), {"sampling": GenerateConfig(temperature=0), "renderer": renderer})
    assert generation_settings(greedy)["do_sample"] is False and "temperature" not in generation_settings(greedy)  # type: ignore[arg-type]


def test_names_that_every_registry_takes():
    assert _plain("C. Pete Connor-EleutherAI/pythia-1.4b") == "c-pete-connor-eleutherai-pythia-1.4b"
    assert _plain("日本") == "model" and _plain("../../x y") == "x-y"


def test_prompts_from_all_over_the_file_and_one_conversation(folder):
    renderer = Renderer(folder, template=PLAIN_TEMPLATE, system="", context=130)
    talks = _asked(["far too long " * 20, *(f"p{n}" for n in range(60))], renderer)
    assert len(talks) == MOST and talks[0] == (Message("user", "p0"),) and talks[10][0].content == "p30"
    assert [turn.role for turn in talks[-1]] == ["user", "assistant", "user"]
    assert _asked(["far too long " * 20], renderer) == ((Message("user", "Hello."),),)
    assert len(_evenly(list(range(7)))) == 7  # type: ignore[arg-type]
