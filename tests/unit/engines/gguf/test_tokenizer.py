"""Every tokenizer that is taken gives llama.cpp's own ids in the written file; what it would read otherwise is refused by name."""

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from pete.engines.fake import byte_tokenizer
from pete.engines.gguf.tokenizer import PATTERNS
from pete.engines.gguf.write import write_gguf
from pete.engines.llama.runtime import Weights
from pete.errors import BaseModelError
from pete.listener import LISTENER, Listener
from tests.unit.engines.gguf.conftest import END, ROWS, TEMPLATE, USER, by_bytes, by_pattern, by_pieces

TAKEN = {
    "gpt-2": lambda: by_bytes(),
    "smollm": lambda: by_bytes(pre_tokenizers.Digits(individual_digits=True)),
    **{
        name: lambda pattern=pattern, whole=whole: by_pattern(pattern, ignore_merges=bool(whole))
        for pattern, names in PATTERNS.items() for whole, name in enumerate(names) if name
    },
    "no merges": byte_tokenizer,
    "pieces, a space in front": lambda: by_pieces(prepend=True),
    "pieces": lambda: by_pieces(prepend=False),
}  # fmt: skip


@pytest.mark.parametrize("template", [None, TEMPLATE], ids=["plain", "conversations"])
@pytest.mark.parametrize("name", TAKEN)
def test_the_same_ids(tiny, tmp_path, name, template):
    base = tiny(TAKEN[name](), template)
    write_gguf(base, None, tmp_path / "it.gguf", "f32")  # check_file compares the ids, and would refuse
    words = Weights(tmp_path / "it.gguf", gpu=False)
    tokenizer = Tokenizer.from_file(str(base.folder / "tokenizer.json"))
    assert tokenizer.token_to_id(END) in words.ends() and words.vocabulary == ROWS
    assert words.tokenize(f"{USER}a{END}") == tokenizer.encode(f"{USER}a{END}", add_special_tokens=False).ids
    assert words.metadata("tokenizer.chat_template") == template
    if name in ("gpt-2", "smollm") or name in {one for names in PATTERNS.values() for one in names}:
        assert words.metadata("tokenizer.ggml.pre") == name or name == "llama-bpe"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: by_pattern(r"\w+|\s+|[^\w\s]+"), "has no name for"),
        (lambda: by_bytes(pre_tokenizers.Punctuation()), "has no name for"),
        (lambda: _with(by_bytes(), normalizer=normalizers.Lowercase()), "changes texts before it cuts them"),
        (lambda: _with(by_bytes(), pre_tokenizer=pre_tokenizers.ByteLevel(add_prefix_space=True)), "a space in front of every text"),
        (lambda: _with(by_pieces(prepend=True), pre_tokenizer=pre_tokenizers.Whitespace()), "in a way llama.cpp does not"),
        (lambda: Tokenizer(models.WordLevel({"a": 0, "b": 1}, unk_token="a")), "is of the kind WordLevel"),
        (lambda: Tokenizer(models.BPE(vocab={"a": 0, "\n": 1}, merges=[])), "neither of bytes"),
    ],
)
def test_what_llama_cpp_reads_otherwise_is_refused_by_name(tiny, tmp_path, make, message):
    with pytest.raises(BaseModelError, match=message):
        write_gguf(tiny(make()), None, tmp_path / "it.gguf", "f32")
    assert not list(tmp_path.glob("*gguf*"))


def test_a_file_that_reads_otherwise_is_not_kept(tiny, tmp_path, monkeypatch):
    pattern = next(pattern for pattern, names in PATTERNS.items() if names[0] == "smaug-bpe")
    monkeypatch.setitem(PATTERNS, pattern, ("qwen2", ""))
    with pytest.raises(BaseModelError, match="reads a text otherwise than tiny's tokenizer, from token"):
        write_gguf(tiny(by_pattern(pattern)), None, tmp_path / "it.gguf", "f32")
    assert not list(tmp_path.glob("*gguf*"))


@pytest.mark.parametrize("parts", [True, False])
def test_letters_with_marks_are_said_to_be_read_otherwise(tiny, tmp_path, parts):
    said: list[str] = []

    class Heard(Listener):
        def message(self, text: str) -> None:
            said.append(text)

    tokenizer = by_bytes()
    if parts:
        tokenizer.normalizer = normalizers.NFC()  # type: ignore[assignment]
    token = LISTENER.set(Heard())
    try:
        write_gguf(tiny(tokenizer, TEMPLATE), None, tmp_path / "it.gguf", "f32")
    finally:
        LISTENER.reset(token)
    assert [text for text in said if "letters with marks" in text] == said and bool(said) == parts
    assert Weights(tmp_path / "it.gguf", gpu=False).metadata("tokenizer.ggml.normalizer.nfc") == ("true" if parts else None)


@pytest.mark.parametrize(
    ("adds", "writes", "first"), [(True, True, "true"), (True, False, "false"), (False, True, "false"), (False, False, "false")]
)
def test_the_first_token_is_there_once(tiny, tmp_path, adds, writes, first):
    """llama.cpp puts it there only where the tokenizer does and conversations begin with it."""
    tokenizer = by_bytes()
    tokenizer.add_special_tokens(["<s>"])
    if adds:
        number = tokenizer.token_to_id("<s>")
        tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", number)])
    base = tiny(tokenizer, ("{{ bos_token }}" if writes else "") + TEMPLATE)
    (base.folder / "tokenizer_config.json").write_text('{"eos_token": "<|end|>", "bos_token": "<s>"}')
    write_gguf(base, None, tmp_path / "it.gguf", "f32")
    assert Weights(tmp_path / "it.gguf", gpu=False).metadata("tokenizer.ggml.add_bos_token") == first


def test_every_end_is_an_end(tiny, tmp_path):
    tokenizer = by_bytes()
    tokenizer.add_special_tokens(["<|stop|>", "<|done|>", "<|over|>"])
    base = tiny(tokenizer, TEMPLATE)
    ids = [tokenizer.token_to_id(text) for text in ("<|stop|>", "<|done|>", "<|over|>")]
    settings = base.folder / "tokenizer_config.json"
    settings.write_text('{"eos_token": "<|stop|>"}')
    (base.folder / "generation_config.json").write_text(f'{{"eos_token_id": {ids[:2]}}}')
    write_gguf(base, None, tmp_path / "it.gguf", "f32")
    assert {*ids[:2], tokenizer.token_to_id(END)} <= Weights(tmp_path / "it.gguf", gpu=False).ends()
    (base.folder / "generation_config.json").write_text(f'{{"eos_token_id": {ids}}}')
    with pytest.raises(BaseModelError, match="4 ends of an answer"):
        write_gguf(base, None, tmp_path / "it.gguf", "f32")


def _with(tokenizer: Tokenizer, **parts) -> Tokenizer:
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    return tokenizer
