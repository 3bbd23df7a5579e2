"""Every architecture: what it computes packed, with and without an adapter, is what transformers and peft compute for a row alone.

`docs/engines.md` gets its table from here.
"""

import copy
import os
import re

import numpy as np
import peft
import pytest
import torch
import torch.nn.functional as F

from pete.config import GenerateConfig, LoraConfig
from pete.data.batch import Batch
from pete.engines.torch.engine import TorchEngine
from pete.engines.torch.proof import judge, measure, refusing
from pete.errors import BaseModelError
from pete.resources import PROJECT
from tests.engines.architectures import BASE, CONFIG, EXACT, REFUSED, VOCABULARY, WINDOW, build, engine_on

LORA = LoraConfig(rank=4, alpha=8.0, dropout=0.0)
PAGE = PROJECT / "docs" / "engines.md"
GREEDY = GenerateConfig(max_new_tokens=6, temperature=0.0, repetition_penalty=1.0)
LENGTHS = (WINDOW + 17, 7, 20)
RNG = np.random.default_rng(0)
BEGINNING = RNG.integers(3, VOCABULARY, 5).astype(np.int32)
"""Of every row, and computed once: more than is untrained, so that a shared token has a loss in every row."""
ROWS = [np.append(BEGINNING, RNG.integers(3, VOCABULARY, n - len(BEGINNING)).astype(np.int32)) for n in LENGTHS]
BATCH = Batch(np.concatenate(ROWS), np.concatenate([np.arange(n) >= 3 for n in LENGTHS]), LENGTHS)
TRAINED = sum(LENGTHS) - 3 * len(ROWS)


def losses_alone(model) -> list[torch.Tensor]:
    """Summed nats of each row, one row at a time through transformers' own forward."""
    made = []
    for row in ROWS:
        ids = torch.from_numpy(row.astype(np.int64))
        logits = model(input_ids=ids[None], use_cache=False).logits[0]
        made.append(F.cross_entropy(logits[2:-1], ids[3:], reduction="sum"))
    return made


@pytest.mark.parametrize("name", EXACT)
def test_packed_is_alone(name, monkeypatch):
    model = build(name)
    theirs = copy.deepcopy(model)
    engine = engine_on(model)
    theirs.config._attn_implementation = "eager"
    with torch.no_grad():
        plain = [float(nats) for nats in losses_alone(theirs)]
    assert engine.loss(BATCH).nats == pytest.approx(plain, rel=1e-5)
    monkeypatch.setattr("pete.engines.torch.kernels.PADDED_UP_TO", 1)
    assert engine.loss(BATCH).nats == pytest.approx(plain, rel=1e-5), "rows that are attended one by one"
    monkeypatch.undo()

    # an adapter that says something, the same on both sides
    assert engine.add_lora(LORA) > 0
    settings = copy.deepcopy(engine._peft.peft_config["default"])
    reference = peft.get_peft_model(theirs, settings)
    generator = torch.Generator().manual_seed(1)
    mine, its = trainable(engine._peft), trainable(reference)
    assert mine.keys() == its.keys()
    with torch.no_grad():
        for name, parameter in mine.items():
            its[name].normal_(0, 0.1, generator=generator)
            parameter.copy_(its[name])
    nats = losses_alone(reference)
    tuned = [float(n.detach()) for n in nats]
    assert engine.loss(BATCH).nats == pytest.approx(tuned, rel=1e-5)
    assert min(abs(a / b - 1) for a, b in zip(tuned, plain, strict=True)) > 5e-5, "the adapter does nothing"
    engine.adapter_active = False
    assert engine.loss(BATCH).nats == pytest.approx(plain, rel=1e-5)
    engine.adapter_active = True

    (sum(nats) / TRAINED).backward()
    wanted = {n: p.grad for n, p in its.items() if p.grad is not None}
    norm = float(torch.stack([grad.norm() for grad in wanted.values()]).norm())
    engine._peft.train()
    (engine._losses(BATCH).sum() / TRAINED).backward()
    assert len(wanted) > 0
    for name, grad in wanted.items():
        torch.testing.assert_close(mine[name].grad.cpu(), grad, rtol=1e-3, atol=1e-5 * norm)
    engine._peft.zero_grad()
    step = engine.train_step([BATCH], 0.0)
    assert step.nats == pytest.approx(sum(tuned), rel=1e-5) and step.grad_norm == pytest.approx(norm, rel=1e-3)

    drawn: list[list[int]] = [[] for _ in ROWS]
    for row, token in engine.stream([row.tolist() for row in ROWS], GREEDY, ()):
        drawn[row].append(token)
    for row, said in zip(ROWS, drawn, strict=True):
        with torch.no_grad():
            logits = reference(input_ids=torch.tensor([row.tolist() + said]), use_cache=False).logits[0, len(row) - 1 :]
        assert len(said) == 6 and logits[:-1].argmax(-1).tolist() == said
        assert np.abs(engine.logits(row.tolist() + said) - logits[-1].numpy()).max() < 1e-4 * float(logits.std())


def trainable(model) -> dict[str, torch.nn.Parameter]:
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_exact_is_refused_by_name(name):
    model = build(name)
    model.config._attn_implementation = "pete"
    with pytest.raises(BaseModelError, match=f"of the kind '{name}', which Pete") as error:
        engine = TorchEngine(CONFIG)
        engine._model, engine.base, engine.dtype = model, BASE, "float32"
        with refusing(BASE, name):
            engine._prepare()
            judge(measure(engine), BASE, name, "float32")
    assert "docs/engines.md" in error.value.hint and "\n" not in error.value.message


def table() -> str:
    """What the tests above hold, as docs/engines.md shows it."""
    lines = ["| kind (`model_type`) | verdict | tried with |", "|---|---|---|"]
    for name, settings in EXACT.items():
        shown = {key: value for key, value in settings.items() if key != "layer_types"}
        kinds = [f"layers: {', '.join(settings['layer_types'])}"] if "layer_types" in settings else []
        lines.append(f"| {name} | exact | {'; '.join([*(f'{key} {value}' for key, value in shown.items()), *kinds])} |")
    lines += [f"| {name} | refused | |" for name in sorted(REFUSED)]
    return "\n".join(lines)


def test_the_page_has_this_table():
    page = PAGE.read_text(encoding="utf-8")
    made = re.sub(r"\| kind \(`model_type`\).*\|(?=\n\n|\n?\Z)", lambda _: table(), page, flags=re.S)
    if os.environ.get("PETE_WRITE_DOCS"):
        PAGE.write_text(made, encoding="utf-8")
    assert table() in made and PAGE.read_text(encoding="utf-8") == made
