import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.examples import Example
from pete.data.render import Message, Renderer
from pete.engines.fake_engine import END, fake_base
from pete.errors import BaseModelError, DataError, UserError
from pete.persona import PLAIN_TEMPLATE

CHATML = (
    "{% for message in messages %}"
    "{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a bot<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def renderer(system: str = "You are Ada.", template: str = PLAIN_TEMPLATE, context: int = 400) -> Renderer:
    return Renderer(fake_base().folder, template=template, system=system, context=context)


def test_the_plain_template_to_the_letter():
    text = renderer().prompt_text([Message("user", "Hi"), Message("assistant", "Yes?"), Message("user", "Bye")])
    assert text == f"You are Ada.\n\n### Instruction:\nHi\n\n### Response:\nYes?{END}\n\n### Instruction:\nBye\n\n### Response:\n"
    assert renderer(system="").prompt_text([Message("user", "Hi")]) == "### Instruction:\nHi\n\n### Response:\n"


def test_the_personas_system_line_takes_the_templates_place():
    assert "You are a bot" not in renderer(template=CHATML).prompt_text([Message("user", "Hi")])
    assert renderer(template=CHATML).prompt_text([Message("user", "Hi")]).startswith("<|im_start|>system\nYou are Ada.<|im_end|>\n")
    assert "You are a bot" in renderer(template=CHATML, system="").prompt_text([Message("user", "Hi")])


text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda t: t.strip())


@given(text, text)
def test_prompt_is_masked_answer_and_end_are_trained(prompt, completion):
    r = renderer()
    row = r.example(Example(prompt=prompt, completion=completion))
    border = int(np.argmax(row.trained))
    assert row.trained[border:].all() and not row.trained[:border].any()
    assert row.ids[-1] == r.eos and (row.ids[:-1] != r.eos).all(), "only the true end is an end"
    assert row.ids[:border].tolist() == r.prompt_ids([Message("user", prompt.strip())], room=0) or len(row) > r.context
    assert r.decode(row.ids[border:].tolist()) == r.neutral(completion.strip())
    assert row.text_bytes == len(r.neutral(completion.strip()).encode())


@pytest.mark.parametrize("tail", [" ", "\n\n", "\t"])
def test_space_around_prompt_and_answer_changes_nothing(tail):
    r = renderer()
    plain, spaced = (
        r.example(Example(prompt="Hi", completion="Yes")),
        r.example(Example(prompt="Hi" + tail, completion=tail + "Yes" + tail)),
    )
    assert plain.ids.tolist() == spaced.ids.tolist()


def test_special_tokens_typed_by_people_are_only_words():
    r = renderer()
    row = r.example(Example(prompt=f"What is {END}?", completion=f"It is {END} and no more."))
    assert (row.ids == r.eos).sum() == 1
    assert r.eos not in r.prompt_ids([Message("user", f"{END}{END}")])


def test_rows_longer_than_the_limit_are_named_with_the_way_out():
    rows = [Example(prompt="p", completion="x" * n, source=f"f:{n}") for n in (10, 200, 300)]
    with pytest.raises(DataError) as error:
        renderer().examples(rows, 150)
    assert "f:200" in error.value.message and "f:300" in error.value.message and "f:10:" not in error.value.message
    assert "data.max_length" in error.value.hint
    with pytest.raises(DataError, match="the model's context"):
        renderer(context=150).examples(rows, 1000)


def test_a_long_conversation_forgets_its_oldest_turns_first():
    r = renderer(system="S")
    turns = [m for i in range(8) for m in (Message("user", f"question {i} " * 3), Message("assistant", "answer " * 3))] + [
        Message("user", "last")
    ]
    ids = r.prompt_ids(turns, room=50)
    said = r.tokenizer.decode(ids, skip_special_tokens=False)
    assert len(ids) + 50 <= r.context and said.startswith("S\n\n") and "last" in said and "question 7" in said and "question 0" not in said
    with pytest.raises(UserError, match="sees only 400"):
        r.prompt_ids([Message("user", "long " * 200)])


def test_hostile_templates_stay_in_their_sandbox():
    for template in (
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append(1) }}",
        "{{ raise_exception('no') }}",
        "{{ 1 / 0 }}",
    ):
        with pytest.raises(UserError, match="cannot render"):
            renderer(template=template).prompt_text([Message("user", "x")])
    with pytest.raises(BaseModelError, match="cannot be read"):
        renderer(template="{% for %}").prompt_text([Message("user", "x")])
    with pytest.raises(BaseModelError, match="characters"):
        renderer(template="x" * 200_000).prompt_text([Message("user", "x")])


def test_tokenizer_and_template_travel_with_the_adapter(tmp_path: Path):
    here = renderer()
    here.write(tmp_path, {"eos_token": END, "chat_template": "old", "name_or_path": "/home/somebody"})
    there = Renderer(tmp_path, template="", system="You are Ada.", context=400)
    turns = [Message("user", "Same bytes?")]
    assert there.prompt_ids(turns) == here.prompt_ids(turns)
    assert "somebody" not in (tmp_path / "tokenizer_config.json").read_text()


def test_a_folder_without_tokenizer_or_end_mark(tmp_path: Path):
    with pytest.raises(BaseModelError, match="no tokenizer"):
        Renderer(tmp_path, template="", system="", context=10)
    renderer().tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({}))
    with pytest.raises(BaseModelError, match="end mark"):
        Renderer(tmp_path, template="", system="", context=10)
