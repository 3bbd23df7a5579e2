import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken

from pete.data.bulk import BLOCK
from pete.data.examples import Example
from pete.data.render import Message, Renderer
from pete.data.rewriting import rewrite_request
from pete.engines.fake import END, fake_base
from pete.errors import BaseModelError, DataError, PersonaError, UserError
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
    assert row.ids[:border].tolist() == r.prompt_ids([Message("user", prompt.strip())])
    assert r.decode(row.ids[border:].tolist()) == completion.strip()
    assert row.text_bytes == len(completion.strip().encode())


@given(text, text)
def test_of_a_rewrite_row_the_authors_text_is_trained_and_the_draft_is_read(draft, completion):
    r = renderer(context=4000)
    row = r.example(Example(task="rewrite", prompt=draft, completion=completion, draft_kind="plain"))
    border = int(np.argmax(row.trained))
    assert row.trained[border:].all() and not row.trained[:border].any()
    assert row.ids[:border].tolist() == r.prompt_ids([Message("user", rewrite_request(draft))]), "asked as `pete rewrite` asks"
    assert r.decode(row.ids[border:].tolist()) == completion.strip()


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
    ids = r.answer_ids(turns, room=50)
    said = r.tokenizer.decode(ids, skip_special_tokens=False)
    assert len(ids) + 50 <= r.context and said.startswith("S\n\n") and "last" in said and "question 7" in said and "question 0" not in said
    with pytest.raises(UserError, match="sees only 400"):
        r.answer_ids([Message("user", "long " * 200)])


def test_what_a_conversation_says_itself_is_kept_when_it_is_cut():
    r = renderer(system="S")
    turns = [Message("system", "Mine"), *(Message(role, f"{role} {i} " * 9) for i in range(9) for role in ("user", "assistant"))]
    said = r.tokenizer.decode(r.answer_ids([*turns, Message("user", "last")], room=50))
    assert said.startswith("Mine\n\n") and "user 0" not in said and "last" in said and "S\n\n" not in said


def test_a_template_without_a_system_role_has_the_line_in_front_of_the_first_message():
    for refusal in ("{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}", ""):
        told = "{% for m in messages if m.role != 'system' %}<{{ m.role }}>{{ m.content }}{{ eos_token }}{% endfor %}<assistant>"
        r = renderer(template=refusal + told)
        assert r.folds_system and r.prompt_text([Message("user", "Hi")]) == "<user>You are Ada.\n\nHi<assistant>".replace("<a", f"{END}<a")
        row = r.example(Example(prompt="Hi", completion="Yes"))
        assert r.tokenizer.decode(row.ids.tolist(), skip_special_tokens=False) == f"<user>You are Ada.\n\nHi{END}<assistant>Yes{END}"
    assert not renderer().folds_system


def test_a_template_that_cannot_be_used_is_refused_with_whose_it_is(tmp_path: Path):
    for template in ("{{ 1 / 0 }}", "{% for %}", "x" * 200_000, "{{ 'x' * 200000000 }}", "nothing of what is said"):
        with pytest.raises(PersonaError, match="The persona's chat template"):
            renderer(template=template).prompt_text([Message("user", "x")])
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (tmp_path / name).write_bytes((fake_base().folder / name).read_bytes())
        (tmp_path / "chat_template.jinja").write_text(template)
        with pytest.raises(BaseModelError, match="The base's chat template"):
            Renderer(tmp_path, template="", system="", context=99).example(Example(prompt="x", completion="y"))


def test_a_conversation_that_the_template_refuses():
    strict = (
        "{% for m in messages %}{% if m.role == 'user' and m.content == 'no' %}{{ raise_exception('not so') }}{% endif %}"
        "{{ m.content }}{% endfor %}"
    )
    with pytest.raises(UserError, match="does not take this conversation: not so"):
        renderer(template=strict).prompt_text([Message("user", "no")])
    with pytest.raises(DataError, match=r"f:2: .*not so"):
        rows = [Example(prompt=p, completion="x", source=f"f:{n}") for n, p in enumerate(("yes", "well", "no"))]
        renderer(template=strict).examples(rows, 100)


def test_rows_in_several_batches_are_each_what_it_is_alone():
    strict = (
        "{% for m in messages %}{{ raise_exception('no') if m.content == 'no' }}{{ m.role }}: {{ m.content }}{{ eos_token }}{% endfor %}"
    )
    r = renderer(template=strict, system="")
    rows = [Example(prompt=f"Say {n}.", completion="so " * (n % 50), source=f"f:{n}") for n in range(1, 2 * BLOCK + 20) if n % 50]
    refused = [Example(prompt="no", completion="x", source=f"f:{n}") for n in (5000, 6000)]
    tried = r.tried([*rows[:3], refused[0], *rows[3:], refused[1]], 120)
    assert [where for where, _ in tried.refused] == ["f:5000", "f:6000"]
    alone = [r.example(row) for row in rows]
    assert [one.ids.tolist() for one in tried.rendered] == [one.ids.tolist() for one in alone]
    assert all((a.trained == b.trained).all() and (a.text == b.text).all() for a, b in zip(tried.rendered, alone, strict=True))
    assert [where for where, _ in tried.long] == [row.source for row, one in zip(rows, alone, strict=True) if len(one) > 120]


def test_rows_rendered_in_another_process_are_what_they_are_here():
    r = renderer()
    rows = [Example(prompt=f"Say {n}.", completion="so " * n, source=f"f:{n}") for n in (1, 40, 3)]
    there = pickle.loads(pickle.dumps(r))
    for some in (rows, []):
        here, away = r.tried(some, 60), pickle.loads(pickle.dumps(there.tried(some, 60)))
        assert (away.limit, away.context, away.refused, away.long) == (here.limit, here.context, here.refused, here.long)
        assert [(one.text_bytes, one.ids.dtype, one.trained.dtype) for one in away.rendered] == [
            (one.text_bytes, one.ids.dtype, one.trained.dtype) for one in here.rendered
        ]
        for name in ("ids", "trained", "text"):
            assert [getattr(one, name).tolist() for one in away.rendered] == [getattr(one, name).tolist() for one in here.rendered]
    assert len(here.rendered) == 0 and r.prompt_ids([Message("user", "Hi")]) == there.prompt_ids([Message("user", "Hi")])


def test_a_token_that_stands_across_the_system_line_and_a_prompt_is_seen(tmp_path: Path):
    tokenizer = renderer().tokenizer
    tokenizer.add_special_tokens([AddedToken("\n\nHuman:", special=True, normalized=False)])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": END}))
    asks = "{% for m in messages %}{{ raise_exception('no') if m.role == 'system' }}{{ m.content }}{{ eos_token }}{% endfor %}"
    r = Renderer(tmp_path, template=asks, system="Be brief.", context=100)
    assert r.folds_system and len(r.example(Example(prompt="Robot: hi", completion="Yes")))
    with pytest.raises(UserError, match="does not leave the texts"):
        r.example(Example(prompt="Human: hi", completion="Yes"))


def test_tokenizer_and_template_travel_with_the_adapter(tmp_path: Path):
    here = renderer()
    here.write(tmp_path)
    there = Renderer(tmp_path, template="", system="You are Ada.", context=400)
    turns = [Message("user", "Same bytes?")]
    assert there.prompt_ids(turns) == here.prompt_ids(turns)


def test_a_folder_without_tokenizer_or_end_mark(tmp_path: Path):
    with pytest.raises(BaseModelError, match="no tokenizer"):
        Renderer(tmp_path, template="", system="", context=10)
    renderer().tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({}))
    with pytest.raises(BaseModelError, match="nothing says how a text ends"):
        Renderer(tmp_path, template="", system="", context=10)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|nowhere|>"}))
    with pytest.raises(BaseModelError, match=r"nowhere.*which the vocabulary lacks"):
        Renderer(tmp_path, template="", system="", context=10)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 1024}))  # as GPT-2 has it
    (tmp_path / "config.json").write_text(json.dumps({"eos_token_id": renderer().eos}))
    assert Renderer(tmp_path, template="{{ messages[-1].content }}", system="", context=10).eos_token == END
