import json

import pytest

from pete.data.tokenizer import BaseTokenizer, check_tokenizer
from pete.engines.fake import END, byte_tokenizer
from pete.errors import BaseModelError


@pytest.fixture
def folder(tmp_path):
    byte_tokenizer().save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": END}))
    return tmp_path


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"tokenizer.model"}, "a SentencePiece tokenizer only"),
        ({"vocab.json", "merges.txt"}, "a tokenizer in two parts only"),
        ({"config.json"}, "has no tokenizer.json"),
    ],
)
def test_what_another_program_reads_is_named(names, said):
    with pytest.raises(BaseModelError, match=said):
        check_tokenizer(names, "a base")
    check_tokenizer({*names, "tokenizer.json"}, "a base")


def test_a_special_token_that_a_person_typed_is_words(folder):
    tokenizer = BaseTokenizer(folder)
    text = f"say {END} now"
    assert tokenizer.eos in tokenizer.encode(text)[0]
    ids, places = tokenizer.encode(tokenizer.marked(text, tokenizer.special))
    assert tokenizer.eos not in ids and tokenizer.tokenizer.decode(ids) == text and len(ids) == len(places)


def test_every_end_that_the_files_name(folder):
    first = BaseTokenizer(folder)
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [first.eos, 5]}))
    (folder / "config.json").write_text(json.dumps({"text_config": {"eos_token_id": 7}}))
    assert BaseTokenizer(folder).ends == {first.eos, 5, 7}


@pytest.mark.parametrize(
    ("settings", "said"),
    [({}, "nothing says how a text ends"), ({"eos_token": "<|no|>"}, "which the vocabulary lacks")],
)
def test_an_end_that_is_missing_or_unknown(folder, settings, said):
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(BaseModelError, match=said):
        BaseTokenizer(folder)


def test_of_several_templates_the_default_one(folder):
    named = [{"name": "tools", "template": "t"}, {"name": "default", "template": "d"}]
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": END, "chat_template": named}))
    assert BaseTokenizer(folder).template == "d"
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": END, "chat_template": named[:1]}))
    with pytest.raises(BaseModelError, match="none named 'default'"):
        BaseTokenizer(folder)
    (folder / "chat_template.jinja").write_text("file")
    assert BaseTokenizer(folder).template == "file"


def test_many_texts_become_what_each_becomes_alone(folder):
    base = BaseTokenizer(folder)
    texts = ["plain", base.marked(f"typed {END} by hand", base.special), "", "more\n\ntext"]
    assert texts[1] != f"typed {END} by hand", "it is marked"
    assert base.encode_all(texts) == [base.encode(text) for text in texts] and base.encode_all([]) == []
