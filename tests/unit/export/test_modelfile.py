"""Ollama's template against what transformers' template makes, for every real template that has such a form."""

import json

import pytest
from tokenizers import AddedToken

from pete.config import GenerateConfig
from pete.data.render import Message, Renderer
from pete.engines.fake import byte_tokenizer
from pete.errors import UserError
from pete.export.modelfile import Frame, frame_of, go_template, modelfile
from pete.persona import PLAIN_TEMPLATE
from tests.unit.data.test_chat_templates import TEMPLATES, tokens_of_all
from tests.unit.export.go_templates import execute, ollama

TALKS = [
    [("user", "Where is my order?")],
    [("system", "You are Ada. Be brief."), ("user", "Where is it?")],
    [("system", "You are Ada."), ("user", "Hi {{ .x }}."), ("assistant", 'Yes? "No".'), ("user", "1 + 1?\n\nPlease."), ("assistant", "2."),
     ("user", "Danke schön \U0001f600")],
    [("user", "Hi."), ("assistant", "Yes?"), ("user", "Bye.")],
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = byte_tokenizer()
    made.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in ("<s>", "</s>", *tokens_of_all())])
    folder = tmp_path_factory.mktemp("go")
    made.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"bos_token": "<s>", "eos_token": "</s>"}))
    return folder


def opened(folder, template: str, system: str = "") -> Renderer:
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    return Renderer(folder, template="", system=system, context=4000)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_ollama_writes_what_the_template_writes(folder, name):
    renderer = opened(folder, TEMPLATES[name])
    frame = frame_of(renderer)
    template = go_template(frame)
    for talk in TALKS:
        turns = [Message(role, text) for role, text in talk]
        said = ollama(template, [{"role": role, "content": text} for role, text in talk])
        assert said == renderer.text(turns, prompt=True)
        assert renderer._base.encode(said)[0] == renderer.prompt_ids(turns), "the same ids, too"


@pytest.mark.parametrize("name", ["qwen3", "gemma", "llama3", "phi3"])
def test_the_system_line_of_the_persona_comes_from_SYSTEM(folder, name):
    renderer = opened(folder, TEMPLATES[name], "You are Ada.")
    template = go_template(frame_of(renderer))
    said = ollama(template, [{"role": "system", "content": "You are Ada."}, {"role": "user", "content": "Hi."}])
    assert said == renderer.prompt_text([Message("user", "Hi.")]) and "You are Ada." in said


@pytest.mark.parametrize(
    "template",
    [
        "{% for m in messages %}{% if m.role == 'user' %}<u{{ loop.index }}>{% endif %}{{ m.content }}{% endfor %}",
        "{% for m in messages %}{{ m.content }}{% if loop.last and loop.index > 1 %}!{% endif %}{% endfor %}",
    ],
)
def test_a_template_that_is_not_of_this_shape_is_refused(folder, template):
    with pytest.raises(UserError, match="different things between the same roles"):
        frame_of(opened(folder, template))


def source(renderer: Renderer, **more):
    """As much of a Source as a Modelfile is made of."""
    kept = {"name": "ada", "renderer": renderer, "sampling": GenerateConfig(temperature=0.6), "stops": ("\n### Instruction:",)}
    return type("Source", (), {**kept, "base": type("Base", (), {"name": "tiny"}), **more})


def test_the_whole_file(folder):
    renderer = opened(folder, TEMPLATES["qwen3"], "You are Ada.")
    lines = modelfile(source(renderer), "ada-q8_0.gguf").splitlines()
    assert lines[1] == "FROM ./ada-q8_0.gguf" and lines[-1].startswith("PARAMETER num_ctx")
    stops = [json.loads(line.removeprefix("PARAMETER stop ")) for line in lines if line.startswith("PARAMETER stop")]
    assert set(stops) == {renderer.tokenizer.id_to_token(end) for end in renderer.ends} | {"\n### Instruction:"}
    assert 'SYSTEM """You are Ada."""' in lines and "PARAMETER temperature 0.6" in lines and "PARAMETER repeat_penalty 1.15" in lines
    assert any("the answer alone" in line for line in lines if line.startswith("#"))
    text = "\n".join(lines)
    inside = text.partition('TEMPLATE """')[2].partition('"""')[0]
    said = ollama(inside, [{"role": "system", "content": "You are Ada."}, {"role": "user", "content": "Hi."}])
    assert said == renderer.prompt_text([Message("user", "Hi.")])


def test_what_a_modelfile_cannot_hold_is_refused(folder):
    with pytest.raises(UserError, match='has """ in it'):
        modelfile(source(opened(folder, TEMPLATES["qwen3"], 'Say """.')), "x.gguf")


def test_a_first_token_that_llama_cpp_writes_itself_is_left_out(folder):
    frame = frame_of(opened(folder, "<s>" + PLAIN_TEMPLATE))
    talk = [{"role": "user", "content": "Hi."}]
    assert ollama(go_template(frame), talk) == "<s>" + ollama(go_template(frame, "<s>"), talk)


def test_blanks_that_a_template_leaves_out_are_told(folder):
    assert frame_of(opened(folder, TEMPLATES["llama3"])).trims
    assert "leaves out blanks" in modelfile(source(opened(folder, TEMPLATES["llama3"])), "x.gguf")
    assert not frame_of(opened(folder, TEMPLATES["qwen3"])).trims


def test_the_evaluator_does_what_go_does():
    assert execute(" a {{- 'x' }}".replace("'", '"'), {}) == " ax"
    assert execute('{{ if .A }}1{{ else if eq .B "y" }}2{{ else }}3{{ end }}', {"A": "", "B": "y"}) == "2"
    assert execute("{{ range $i, $_ := .L }}{{ .N }}{{ len (slice $.L $i) }} {{ end }}", {"L": [{"N": "a"}, {"N": "b"}]}) == "a2 b1 "
    with pytest.raises((KeyError, ValueError)):
        execute("{{ .Nothing }}", {})


def test_every_literal_is_quoted():
    frame = Frame(('<"', "\\n"), "{{ x }}", "\n", " ", "\t{{- end -}}", False)
    talk = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    assert ollama(go_template(frame), talk) == "{{ x }}a\nb c\t{{- end -}}"
