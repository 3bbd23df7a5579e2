"""What is over a limit is seen; what only rounds is not."""

import numpy as np
import pytest

from pete.config import GenerateConfig
from pete.data.render import Message, Renderer
from pete.engines.fake import END, byte_tokenizer
from pete.engines.protocol import Generator, LossSum
from pete.export.proof import Readings, Reference, compare, read
from pete.export.source import Source
from pete.persona import PLAIN_TEMPLATE

WORDS = 300


class Table(Generator):
    """Next-token logits that depend on the last token alone."""

    name = "table"

    def __init__(self, noise: float = 0.0, seed: int = 0) -> None:
        self.table = np.random.default_rng(1).normal(0, 2, (WORDS, WORDS)).astype(np.float32)
        self.table += np.random.default_rng(seed).normal(0, 1, self.table.shape).astype(np.float32) * noise

    def load(self, model, adapter=None):
        raise NotImplementedError

    def logits(self, ids):
        return self.table[ids[-1]]

    def loss(self, batch):
        at = np.flatnonzero(batch.trained)
        logits = self.table[batch.ids[at - 1]].astype(float)
        return LossSum.of(batch, np.log(np.exp(logits).sum(-1)) - logits[np.arange(len(at)), batch.ids[at]])

    def stream(self, prompts, sampling, ends, done=None):
        texts = [list(prompt) for prompt in prompts]
        for _ in range(sampling.max_new_tokens):
            for row, text in enumerate(texts):
                text.append(int(self.logits(text).argmax()))
                yield row, text[-1]

    def memory(self):
        raise NotImplementedError


class Reads:
    """A reader with faults that can be made."""

    name = "reads 1.0"

    def __init__(self, engine, renderer, *, double=False, ends=None):
        self.engine, self.renderer, self.double, self._ends = engine, renderer, double, ends

    def prompt_ids(self, messages):
        ids = self.renderer.prompt_ids([Message(m["role"], m["content"]) for m in messages]) if messages else []
        return [*ids[:1], *ids] if self.double else ids

    def ends(self):
        return self.renderer.ends if self._ends is None else self._ends


@pytest.fixture
def source(tmp_path):
    from pete.data.examples import Example
    from pete.engines.protocol import Base

    byte_tokenizer().save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(f'{{"eos_token": "{END}"}}')
    rows = tuple(Example(prompt=f"Say {n}.", completion=f"Thing {n} is plain.") for n in range(3))  # type: ignore[call-arg]
    prompts = tuple((Message("user", f"Ask {n}?"),) for n in range(4))
    return Source(
        name="ada", base=Base("tiny", tmp_path, "local", "f", 2000), adapter=None, sampling=GenerateConfig(), stops=(),  # type: ignore[call-arg]
        renderer=Renderer(tmp_path, template=PLAIN_TEMPLATE, system="", context=2000), config=None, prompts=prompts, rows=rows,  # type: ignore[arg-type]
        rows_of="rows made by hand",
    )  # fmt: skip


def held(source, found, kind, dtype="float32", **faults):
    prompts, rows = source.prompt_ids(), source.rendered()
    reference = Reference("torch", dtype, read(Table(), prompts, rows), read(Table(0.5, 9), prompts, rows, draws=False))
    return compare(source, reference, Reads(found, source.renderer, **faults), "merged", kind, [])  # type: ignore[arg-type]


def test_the_same_model_is_the_same(source):
    same = held(source, Table(), "f32")
    assert same.problems == () and same.kl == 0 and same.gap == 0 and same.greedy == 1 and same.cost == 0 and same.ids == "the reader"
    assert same.kl_base and same.kl_base > 0.01 and same.bits_per_byte > 1


@pytest.mark.parametrize(("kind", "fine", "far"), [("f32", 1e-5, 1e-2), ("f16", 1e-3, 0.1), ("bf16", 1e-2, 0.5)])
def test_every_kind_has_its_limit(source, kind, fine, far):
    assert held(source, Table(fine), kind).problems == ()
    assert any("gap" in problem or "divergence" in problem for problem in held(source, Table(far), kind).problems)


def test_a_reference_in_bfloat16_is_no_ruler_for_more(source):
    assert held(source, Table(1e-2), "f32").problems and not held(source, Table(1e-2), "f32", "bfloat16").problems


def test_a_hard_rounding_has_to_stay_nearer_than_the_base(source):
    assert held(source, Table(0.2, 5), "q4_0").problems == ()
    (problem,) = held(source, Table(0.9, 5), "q4_0").problems
    assert "what was trained is lost" in problem


def test_another_first_token_and_a_lost_end_are_seen(source):
    problems = held(source, Table(), "f32", double=True, ends=set()).problems
    assert any("other token ids" in problem for problem in problems) and "more" in problems[-1]
    (lost,) = held(source, Table(), "f32", ends=set()).problems
    assert repr(END) in lost and "ends an answer" in lost


def test_numbers_that_are_none(source):
    broken = Table()
    broken.table[:] = np.nan
    assert any("not finite" in problem for problem in held(source, broken, "q8_0").problems)


def test_a_vocabulary_that_was_cut(source):
    cut = Table()
    cut.table = cut.table[:, :256]
    assert any("knows 256 tokens" in problem for problem in held(source, cut, "q8_0").problems)


def test_bits_of_nats():
    assert Readings(np.zeros((1, 2)), (), 8.0, 4).bits_per_byte == pytest.approx(2 / np.log(2))
