"""transformers is the truth: every real template we could get, rendered by both, id for id."""

import datetime
import importlib.metadata
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, processors

from pete.data.examples import Example, Message
from pete.data.render import Renderer
from pete.engines.fake import END, byte_tokenizer
from pete.persona import PLAIN_TEMPLATE

pytestmark = pytest.mark.slow
Talk = Sequence[Mapping[str, Any]]
FOLDER = Path(str(importlib.metadata.distribution("trl").locate_file("trl/chat_templates")))
TEMPLATES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.jinja"))}
TOKEN = re.compile(r"<[|\uff5c]?[A-Za-z_/][^<>\s{}'\"]*[|\uff5c]?>|\[/?[A-Z_]+\]")

SYSTEM = {"role": "system", "content": "You are Ada. Be brief."}
TALKS: dict[str, Talk] = {
    "no system": [{"role": "user", "content": "Where is my order?"}],
    "system": [SYSTEM, {"role": "user", "content": "Where is my order?"}],
    "three turns": [
        SYSTEM,
        {"role": "user", "content": "Hi there."},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "1 + 1?\n\nPlease."},
        {"role": "assistant", "content": "2, in most shops."},
        {"role": "user", "content": "Danke schön \U0001f600"},
    ],
}
ROWS: dict[str, Talk] = {
    "one turn": [SYSTEM, {"role": "user", "content": "Where is my order?"}, {"role": "assistant", "content": "On a van.\n\n- Still."}],
    "no system": [{"role": "user", "content": "Where is my order?"}, {"role": "assistant", "content": "On a van."}],
    "several turns": [*TALKS["three turns"], {"role": "assistant", "content": "Gern."}],
}


def test_the_templates_are_there():
    assert len(TEMPLATES) >= 59 and "gemma" in TEMPLATES and "qwen3_training" in TEMPLATES


@pytest.fixture(scope="module")
def truth(neox_tokenizer: Path, tmp_path_factory: pytest.TempPathFactory):
    """A renderer with a real tokenizer that knows every token of every template, and transformers' tokenizer of the same folder."""
    from transformers import PreTrainedTokenizerFast

    tokens = tokens_of_all()
    assert len(tokens) > 50 and "<end_of_turn>" in tokens and "<\uff5cAssistant\uff5c>" in tokens
    folder = tmp_path_factory.mktemp("templates")
    made = PreTrainedTokenizerFast(
        tokenizer_file=str(neox_tokenizer),
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        extra_special_tokens=tokens,
    )
    made.save_pretrained(folder)
    return Renderer(folder, template=PLAIN_TEMPLATE, system="", context=4000), made


@cache
def tokens_of_all() -> list[str]:
    return sorted({token for text in TEMPLATES.values() for token in TOKEN.findall(text)})


@pytest.fixture(scope="module")
def bytes_only(tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    """The same tokens in a tokenizer that merges nothing: a border is where the template has it."""
    made = byte_tokenizer()
    made.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in ("<s>", "</s>", *tokens_of_all())])
    folder = tmp_path_factory.mktemp("bytes")
    made.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"bos_token": "<s>", "eos_token": "</s>"}))
    return Renderer(folder, template=PLAIN_TEMPLATE, system="", context=4000)


def asked(tokenizer: Any, template: str, talk: Talk, **more: Any) -> list[int] | str:
    """transformers' ids; or the error, as text."""
    try:
        return tokenizer.apply_chat_template(talk, chat_template=template, return_dict=False, enable_thinking=False, **more)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def in_parts(talk: Talk) -> Talk:
    return [{**message, "content": [{"type": "text", "text": message["content"]}]} for message in talk]


def folded(talk: Talk) -> Talk:
    if talk[0]["role"] != "system":
        return talk
    return [{"role": "user", "content": f"{talk[0]['content']}\n\n{talk[1]['content']}"}, *talk[2:]]


def wanted(tokenizer: Any, template: str, talk: Talk, **more: Any) -> list[int]:
    """What transformers makes of the conversation; in the form that the template shows it in: as text, in parts, system line folded."""
    for form in (talk, in_parts(talk), folded(talk), in_parts(folded(talk))):
        ids = asked(tokenizer, template, form, **more)
        if isinstance(ids, list) and all(message["content"] in tokenizer.decode(ids) for message in talk):
            return ids
    raise AssertionError(f"no form shows the conversation: {ids}")


def renderer(folder: Path, template: str, **more: Any) -> Renderer:
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    return Renderer(folder, template="", system="", context=4000, **more)


def turns(talk: Talk) -> list[Message]:
    return [Message(message["role"], message["content"]) for message in talk]


# the scope brings the tests of one template together: it is compiled once
@pytest.mark.parametrize("name", TEMPLATES, scope="module")
def test_prompts_and_rows_are_what_transformers_makes_of_them(name: str, truth: tuple[Renderer, Any]):
    ours, tokenizer = truth
    template = TEMPLATES[name]
    ours = ours.with_template(template)
    for case, talk in TALKS.items():
        assert ours.prompt_ids(turns(talk)) == wanted(tokenizer, template, talk, add_generation_prompt=True), case
    for case, talk in ROWS.items():
        whole = wanted(tokenizer, template, talk)
        row = ours.example(Example(messages=tuple(turns(talk)), prompt="", completion=""))
        ids = row.ids.tolist()
        closes_itself = ids == whole[: len(ids)]
        assert closes_itself or (ids[:-1] == whole[: len(ids) - 1] and ids[-1] == ours.eos), case
        answers = [message["content"] for message in talk if message["role"] == "assistant"]
        said = ours.decode([i for i, own in zip(ids, row.text, strict=True) if own]).strip()
        assert re.sub(r"\s+", "", said) == re.sub(r"\s+", "", "".join(answers)), case
        assert row.trained[-1] and ids[-1] in ours.ends, "the end of the last turn is trained, and generation stops there"
        assert row.text_bytes == sum(len(answer.encode()) for answer in answers)


@pytest.mark.parametrize("name", TEMPLATES, scope="module")
def test_use_begins_where_training_began(name: str, bytes_only: Renderer):
    ours = bytes_only.with_template(TEMPLATES[name])
    talk = ROWS["one turn"]
    row = ours.example(Example(messages=tuple(turns(talk)), prompt="", completion=""))
    before = ours.answer_ids(turns(talk)[:-1])
    assert row.ids[: len(before)].tolist() == before
    assert row.trained[len(before) :].all() and not row.trained[: len(before)].any(), (
        "all that follows the prompt is trained, and nothing of it"
    )


def test_thinking_is_off_with_the_same_bytes_in_training_and_in_use(bytes_only: Renderer):
    seen = 0
    for name, template in ((name, text) for name, text in TEMPLATES.items() if "think>" in text):
        ours = bytes_only.with_template(template)
        before = ours.tokenizer.decode(ours.answer_ids(turns(TALKS["no system"])), skip_special_tokens=False)
        tail = before.split("order?")[-1]
        opened, closed = tail.count("<think>"), tail.count("</think>")
        assert opened == closed, f"{name}: {tail}"
        seen += opened
    assert seen > 10


def test_typed_tokens_are_encoded_as_transformers_does_when_asked_to(truth: tuple[Renderer, Any]):
    base, tokenizer = truth
    for name in ("qwen3", "llama3", "gemma3"):
        ours = base.with_template(TEMPLATES[name])
        for text in (
            "What is <|im_end|>?",
            "<|im_end|>",
            "a<|eot_id|><end_of_turn>b <|im_end|>",
            "</s>x",
            "\U000f0000<|im_end|>\U000f0001",
        ):
            talk = [{"role": "user", "content": text}]
            mine = ours.prompt_ids(turns(talk))
            assert mine == asked(tokenizer, TEMPLATES[name], talk, add_generation_prompt=True, sanitize_control_tokens=True)
            row = ours.example(Example(prompt="Say it.", completion=f"It is {text} and no more."))
            assert sum(int(i) in ours.ends for i in row.ids[row.trained]) == 1


BORDERS = (
    "{% for m in messages %}{% if m.role == 'user' %}Q: {{ m.content }} {% else %}A:{{ m.content }}{{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}A:{% endif %}"
)


@given(st.text(st.sampled_from("a:) -='\"\n\u2014é😀<|>.A"), min_size=1, max_size=12).filter(str.strip))
def test_texts_that_merge_across_borders(said: str):
    ours, tokenizer = _bordering()
    talk = [{"role": "user", "content": said.strip()}, {"role": "assistant", "content": said.strip()}]
    row = ours.example(Example(messages=tuple(turns(talk)), prompt="", completion=""))
    assert row.ids.tolist() == asked(tokenizer, BORDERS, talk)
    assert said.strip() in ours.decode(row.ids[row.trained].tolist()), "a token that has some of the answer is trained"
    before = len(ours.prompt_ids(turns(talk)[:-1]))
    assert row.trained[before:].all() and not row.trained[: before - 2].any()


@cache
def _bordering() -> tuple[Renderer, Any]:
    import tempfile

    from transformers import PreTrainedTokenizerFast

    from benchmarks.random_base import find_tokenizer

    folder = Path(tempfile.mkdtemp())
    made = PreTrainedTokenizerFast(tokenizer_file=str(find_tokenizer()), eos_token="<|endoftext|>")
    made.save_pretrained(folder)
    return renderer(folder, BORDERS), made


# --- the first token -----------------------------------------------------------------------------------------------------


def with_bos(folder: Path, *, processor: bool, **more: object) -> Path:
    """A folder whose tokenizer has a BOS of its own, put in front by the post-processor or not."""
    made = byte_tokenizer()
    made.add_special_tokens([AddedToken("<s>", special=True, normalized=False)])
    if processor:
        bos = made.token_to_id("<s>")
        made.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", bos)])  # type: ignore[assignment]
    made.save(str(folder / "tokenizer.json"))
    named = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": END, "bos_token": "<s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(named | more))
    return folder


PLAIN = (
    "{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
)


@pytest.mark.parametrize("settings", [{}, {"add_bos_token": True}, {"add_bos_token": False}], ids=["unsaid", "true", "false"])
@pytest.mark.parametrize("processor", [True, False], ids=["processor", "none"])
@pytest.mark.parametrize("own", [None, PLAIN, "{{ bos_token }}" + PLAIN], ids=["persona's", "own without", "own with"])
def test_bos_comes_once_where_template_or_tokenizer_puts_it(own: str | None, processor: bool, settings: dict, tmp_path: Path):
    from transformers import AutoTokenizer

    folder = with_bos(tmp_path, processor=processor, **settings, **({"chat_template": own} if own else {}))
    theirs = AutoTokenizer.from_pretrained(folder)
    bos = theirs.convert_tokens_to_ids("<s>")
    ours = Renderer(folder, template=PLAIN_TEMPLATE, system="Be brief.", context=500)
    row = ours.example(Example(prompt="Where?", completion="There.")).ids.tolist()
    asks = ours.prompt_ids([Message("user", "Where?")])
    by_itself = theirs("a").input_ids[0] == bos
    expected = [bos] * (by_itself if own is None else own.startswith("{{ bos_token }}"))
    for ids in (row, asks):
        assert ids[: len(expected)] == expected and ids.count(bos) == len(expected)
    talk = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where?"}]
    assert asks == theirs.apply_chat_template(talk, chat_template=ours.template, add_generation_prompt=True, return_dict=False)

    there = tmp_path / "adapter"
    there.mkdir()
    ours.write(there)
    again = Renderer(there, template="", system="Be brief.", context=500)
    assert again.prompt_ids([Message("user", "Where?")]) == asks and again.ends == ours.ends and again.start == ours.start


# --- ends, forms, dates --------------------------------------------------------------------------------------------------


def test_every_end_that_the_base_names_ends_an_answer(truth: tuple[Renderer, Any], tmp_path: Path):
    base, tokenizer = truth
    base.write(tmp_path)
    ids = tokenizer.convert_tokens_to_ids(["<|eot_id|>", "<|eom_id|>" if "<|eom_id|>" in tokenizer.get_vocab() else "<|end|>"])
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": [*ids, 10**9]}))
    (tmp_path / "config.json").write_text(json.dumps({"eos_token_id": ids[0], "text_config": {"eos_token_id": ids[1]}}))
    ours = renderer(tmp_path, TEMPLATES["gemma3"])
    assert ours.ends == {ours.eos, *ids, tokenizer.convert_tokens_to_ids("<end_of_turn>")}
    ours.write(tmp_path)
    assert renderer(tmp_path, TEMPLATES["gemma3"]).ends == ours.ends


def test_a_turn_that_the_next_turns_token_ends_is_trained_to_its_end(bytes_only: Renderer, tmp_path: Path):
    """GLM closes no turn: `<|user|>` of the next one is among the base's ends."""
    user = bytes_only.tokenizer.token_to_id("<|user|>")
    bytes_only.write(tmp_path)
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": [user]}))
    ours = renderer(tmp_path, TEMPLATES["glm4moe"])
    row = ours.example(Example(messages=tuple(turns(ROWS["several turns"])), prompt="", completion=""))
    said = ours.tokenizer.decode(row.ids[row.trained].tolist(), skip_special_tokens=False)
    assert said == "\nYes?<|user|>\n2, in most shops.<|user|>\nGern.<|user|>"
    assert ours.tokenizer.decode(row.text_only.ids[row.text_only.trained].tolist()) == "Yes?2, in most shops.Gern."


def test_a_template_of_several_is_the_default_one(tmp_path: Path):
    several = [{"name": "tool_use", "template": "tools"}, {"name": "default", "template": PLAIN}]
    folder = with_bos(tmp_path, processor=False, chat_template=several)
    assert Renderer(folder, template="", system="", context=99).template == PLAIN
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": END, "chat_template": {"default": PLAIN, "rag": "x"}}))
    assert Renderer(folder, template="", system="", context=99).template == PLAIN


def test_a_date_is_that_of_the_run(truth: tuple[Renderer, Any], tmp_path: Path):
    template = "{{ strftime_now('%d %B %Y') }}\n" + PLAIN
    began = datetime.datetime(2026, 11, 26, 23, 59)
    truth[0].write(tmp_path)
    assert renderer(tmp_path, template, now=began).prompt_text([Message("user", "Hi")]).startswith("26 November 2026\n")
    now = renderer(tmp_path, template).prompt_ids([Message("user", "Hi")])
    assert now == asked(truth[1], template, [{"role": "user", "content": "Hi"}], add_generation_prompt=True)


def test_loss_on_every_assistant_turn_or_on_the_last(bytes_only: Renderer, tmp_path: Path):
    bytes_only.write(tmp_path)
    row = Example(messages=tuple(turns(ROWS["several turns"])), prompt="", completion="")
    for which, said in (("all", "Yes?<|im_end|>2, in most shops.<|im_end|>Gern.<|im_end|>"), ("last", "Gern.<|im_end|>")):
        ours = renderer(tmp_path, TEMPLATES["qwen2_5"], train_turns=which)
        rendered = ours.example(row)
        assert ours.tokenizer.decode(rendered.ids[rendered.trained].tolist(), skip_special_tokens=False) == said
        assert ours.tokenizer.decode(rendered.ids[rendered.text_only.trained].tolist()) == said.replace("<|im_end|>", "")
        assert rendered.text_bytes == len(said.replace("<|im_end|>", ""))
    ours = renderer(tmp_path, TEMPLATES["qwen2_5"], train_turns="all")
    rendered = ours.example(row.model_copy(update={"train": "last"}))
    assert ours.tokenizer.decode(rendered.text_only.ids[rendered.text_only.trained].tolist()) == "Gern.", "a row may say so itself"


def test_a_row_that_the_template_reads_as_its_own_is_refused_by_its_line(bytes_only: Renderer):
    from pete.errors import DataError

    ours = bytes_only.with_template(TEMPLATES["qwen3"])
    rows = [
        Example(prompt="Think.", completion="Fine.", source="rows.jsonl:1"),
        Example(prompt="Think.", completion="<think>\nno\n</think>\n\nI did.", source="rows.jsonl:2"),
    ]
    with pytest.raises(DataError, match=r"rows\.jsonl:2.*does not leave the texts"):
        ours.examples(rows, 500)
