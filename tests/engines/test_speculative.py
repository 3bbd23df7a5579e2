"""A smaller model guesses for a larger one in llama.cpp: the answer stays what it is, token for token."""

import json
import shutil

import pytest

from pete.config import Config, GenerateConfig, ModelConfig
from pete.engines import open_generator
from pete.engines.llama.draft import DraftError

PROMPTS = [[72, 101, 108, 108, 111, 46], list(range(60, 110)), [33]]


@pytest.fixture
def opened(tiny_models, tmp_path, monkeypatch):
    monkeypatch.setenv("PETE_CACHE", str(tmp_path / "cache"))

    def make(draft: str | None, base: str = "llama"):
        model = ModelConfig(base=str(tiny_models[base]), dtype="float32")
        llama = {"kind": "f32", "draft": None if draft is None else str(tiny_models.get(draft, draft))}
        sections = {"engine": {"device": "cpu", "llama": llama}, "generate": {"engine": "llama"}}
        engine = open_generator(Config.model_validate({"model": model.model_dump(), **sections}))
        engine.load(model)
        return engine

    return make


def answers(engine, sampling) -> list[list[int]]:
    said = []
    for prompt in PROMPTS:
        said.append([token for _, token in engine.stream([prompt], sampling, (10,))])
    return said


@pytest.mark.parametrize("base", ["llama", "gpt_neox"])
def test_whatever_guesses_the_answer_is_the_same(opened, base):
    plain, other, same = opened(None, base), opened("gpt_neox" if base == "llama" else "llama", base), opened(base, base)
    kinds = [{"temperature": 0.0}, {"temperature": 0.0, "repetition_penalty": 1.0}, {"temperature": 0.8, "seed": 5},
             {"temperature": 1.5, "top_k": 0, "top_p": 1.0, "seed": 6}]  # fmt: skip
    for kind in kinds:
        sampling = GenerateConfig(**{"max_new_tokens": 60, **kind})
        wanted = answers(plain, sampling)
        assert answers(other, sampling) == wanted and answers(same, sampling) == wanted
        if kind == kinds[1]:
            proposed, accepted = same.guessed
            assert accepted > 0.95 * proposed > 100, "it foresees itself"
    proposed, accepted = other.guessed
    assert proposed > 300 and accepted < 0.5 * proposed and plain.guessed == (0, 0), "most of it had to be taken back"


def test_turns_of_a_conversation_and_rows_that_join(opened):
    plain, guessed = opened(None), opened("gpt_neox")
    sampling, said = GenerateConfig(max_new_tokens=24, temperature=0.7), []
    for engine in (plain, guessed):
        rows, turn, heard = engine.rows(3), [], []
        for number in range(3):
            turn = [*turn, 72 + number, 101, 46]
            row = rows.join(turn, sampling.model_copy(update={"seed": number}), ())
            answer, beside = [], None
            while row is not None:
                for who, token in rows.step():
                    answer += [token] if who == row and token is not None else []
                    row = None if who == row and token is None else row
                if number == 1 and len(answer) == 8:  # somebody comes in between
                    beside = rows.join([50, 51], sampling, ())
            if beside is not None:
                rows.leave(beside)
            turn += answer
            heard.append(answer)
        said.append(heard)
    assert said[0] == said[1] and all(len(answer) == 24 for answer in said[0]) and guessed.guessed[0] > 20


def test_base_and_tuned_have_the_same_draft_and_other_tokens_are_refused(opened, tiny_models, tmp_path):
    engine = opened("gpt_neox")
    engine.adapter_active = False
    assert answers(engine, GenerateConfig(max_new_tokens=12)) == answers(opened(None), GenerateConfig(max_new_tokens=12))
    other = tmp_path / "other"
    shutil.copytree(tiny_models["gpt_neox"], other)
    words = json.loads((other / "tokenizer.json").read_text())
    vocabulary = words["model"]["vocab"]
    a, b = list(vocabulary)[:2]
    vocabulary[a], vocabulary[b] = vocabulary[b], vocabulary[a]
    (other / "tokenizer.json").write_text(json.dumps(words))
    with pytest.raises(DraftError, match="other cannot guess for llama: 2 of their tokens differ"):
        opened(str(other))
