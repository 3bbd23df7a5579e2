import json
from pathlib import Path

import pytest

from pete.data.examples import Message
from pete.data.render import Renderer
from pete.engines.base_models import text_proof
from pete.engines.base_models.text_proof import prove_text
from pete.engines.fake import END, byte_tokenizer
from pete.engines.protocol import Base
from pete.errors import BaseModelError
from pete.persona import PLAIN_TEMPLATE

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{{ eos_token }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def base_with(folder: Path, **settings: object) -> Base:
    byte_tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": END, **settings}))
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    return Base("tiny", folder, "local", "f", 4000)


def renderer(base: Base) -> Renderer:
    return Renderer(base.folder, template=PLAIN_TEMPLATE, system="You are Ada.", context=base.context)


@pytest.mark.parametrize("template", [None, CHATML, "Today: {{ strftime_now('%d %B %Y') }}\n" + CHATML], ids=["persona's", "own", "dated"])
def test_a_base_is_proven_once(template: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    base = base_with(tmp_path, **({"chat_template": template} if template else {}))
    prove_text(base, renderer(base), tmp_path / "proofs")
    monkeypatch.setattr(text_proof, "_pairs", lambda *_: 1 / 0)
    prove_text(base, renderer(base), tmp_path / "proofs")
    with pytest.raises(ZeroDivisionError):
        prove_text(base, renderer(base).with_template("other" + PLAIN_TEMPLATE), tmp_path / "proofs")


def test_what_is_read_otherwise_is_refused_with_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    base = base_with(tmp_path, chat_template=CHATML)
    ours = renderer(base)
    honest = ours.prompt_ids
    monkeypatch.setattr(ours, "prompt_ids", lambda turns: [0, *honest(turns)])
    with pytest.raises(BaseModelError, match=r"tiny: Pete reads a conversation of 1 messages .* from token 0 on"):
        prove_text(base, ours, tmp_path / "proofs")
    assert not (tmp_path / "proofs").exists()


def test_a_tokenizer_that_transformers_makes_anew_is_found(tmp_path: Path):
    """GPTNeoXTokenizer drops the post-processor of the file: the BOS that we would put in front, transformers does not."""
    from tokenizers import AddedToken, Tokenizer, processors

    base = base_with(tmp_path, tokenizer_class="GPTNeoXTokenizer", bos_token="<s>", unk_token=END)
    made = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    made.add_special_tokens([AddedToken("<s>", special=True, normalized=False)])
    bos = made.token_to_id("<s>")
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", bos)])  # type: ignore[assignment]
    made.save(str(tmp_path / "tokenizer.json"))
    assert renderer(base).prompt_ids([Message("user", "x")])[0] == bos
    with pytest.raises(BaseModelError, match="Pete reads the beginning of a text otherwise"):
        prove_text(base, renderer(base), tmp_path / "proofs")
