"""ONE suite, run on every engine: what the loop, the suite and the chat may rely on."""

import math
from pathlib import Path

import numpy as np
import pytest

from pete.adapter import read_weights
from pete.config import GenerateConfig, LoraConfig
from pete.data.batch import Batch
from pete.data.render import Rendered

EOS = 256
LORA = LoraConfig(rank=4, alpha=8.0, dropout=0.0)
GREEDY = GenerateConfig(max_new_tokens=12, temperature=0.0, repetition_penalty=1.0)


def row(seed: int, prompt: int, answer: int) -> Rendered:
    rng = np.random.default_rng(seed)
    ids = np.append(rng.integers(0, 256, prompt + answer), EOS).astype(np.int32)
    trained = np.arange(len(ids)) >= prompt
    return Rendered(ids, trained, answer)


ROWS = [row(1, 5, 9), row(2, 3, 20), row(3, 11, 4)]


BEGUN = row(4, 8, 12)
ALIKE = [
    BEGUN,
    Rendered(np.append(BEGUN.ids[:8], np.array([7, 8, EOS], dtype=np.int32)), np.arange(11) >= 8, 2),
    Rendered(np.append(BEGUN.ids[:9], np.array([9, EOS], dtype=np.int32)), np.arange(11) >= 5, 5),  # trained where the others are not
]


@pytest.mark.parametrize("rows", [ROWS, ALIKE, ALIKE[:2], ROWS + ALIKE[2:]])
def test_loss_is_per_example_and_does_not_depend_on_company(answering, rows):
    engine = answering
    together = engine.loss(Batch.of(rows))
    assert together.tokens == tuple(int(r.trained.sum()) for r in rows)
    for r, nats in zip(rows, together.nats, strict=True):
        (alone,) = engine.loss(Batch.of([r])).nats
        assert alone == pytest.approx(nats, rel=1e-5)


def test_loss_agrees_with_logits(answering):
    engine = answering
    r = row(4, 3, 3)
    nats = 0.0
    for at in np.flatnonzero(r.trained):
        logits = engine.logits(r.ids[:at].tolist()).astype(np.float64)
        nats += float(np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[r.ids[at]])
    assert engine.loss(Batch.of([r])).nats[0] == pytest.approx(nats, rel=1e-5)


def test_a_fresh_adapter_changes_nothing(make):
    engine, _ = make()
    before = engine.logits([1, 2, 3])
    assert engine.add_lora(LORA) > 0
    np.testing.assert_allclose(engine.logits([1, 2, 3]), before, atol=1e-6)


def test_training_learns_and_the_switch_gives_the_base_back(make):
    engine, _ = make()
    before = engine.logits([1, 2, 3])
    base_loss = sum(engine.loss(Batch.of(ROWS)).nats)
    engine.add_lora(LORA)
    first = engine.train_step([Batch.of(ROWS)], 1e-2)
    for _ in range(30):
        last = engine.train_step([Batch.of(ROWS)], 1e-2)
    assert first.tokens == last.tokens == sum(int(r.trained.sum()) for r in ROWS)
    assert first.nats == pytest.approx(base_loss, rel=1e-4)
    assert last.nats < 0.9 * first.nats
    assert np.abs(engine.logits([1, 2, 3]) - before).max() > 1e-3
    engine.adapter_active = False
    np.testing.assert_allclose(engine.logits([1, 2, 3]), before, atol=1e-6)
    assert sum(engine.loss(Batch.of(ROWS)).nats) == pytest.approx(base_loss, rel=1e-5)


def test_accumulation_is_token_weighted(make):
    """One micro-batch of all rows, or one for each: the same update."""
    results = []
    for micro in ([Batch.of(ROWS)], [Batch.of([r]) for r in ROWS]):
        engine, _ = make()
        engine.add_lora(LORA)
        for _ in range(3):
            step = engine.train_step(micro, 1e-2)
        results.append((step.nats, step.grad_norm, engine.logits([7, 8, 9])))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-4)
    assert results[0][1] == pytest.approx(results[1][1], rel=1e-3)
    np.testing.assert_allclose(results[0][2], results[1][2], atol=1e-3)


def test_same_seed_same_bytes(make, tmp_path: Path):
    for name in ("a", "b"):
        engine, _ = make(train={"seed": 5, "epochs": 1})
        engine.add_lora(LoraConfig(rank=4, alpha=8.0, dropout=0.2))
        for _ in range(3):
            engine.train_step([Batch.of(ROWS)], 1e-2)
        engine.save(tmp_path / name, with_optimizer=False)
    assert (tmp_path / "a" / "adapter_model.safetensors").read_bytes() == (tmp_path / "b" / "adapter_model.safetensors").read_bytes()


def test_saved_state_goes_on_bit_for_bit(make, tmp_path: Path):
    lora = LoraConfig(rank=4, alpha=8.0, dropout=0.2)
    engine, _ = make()
    engine.add_lora(lora)
    for _ in range(3):
        engine.train_step([Batch.of(ROWS)], 1e-2)
    engine.save(tmp_path / "mid", with_optimizer=True)
    straight = [engine.train_step([Batch.of(ROWS)], 1e-2) for _ in range(3)]
    engine.save(tmp_path / "straight", with_optimizer=False)

    resumed, _ = make(adapter=tmp_path / "mid")
    assert [resumed.train_step([Batch.of(ROWS)], 1e-2) for _ in range(3)] == straight
    resumed.save(tmp_path / "resumed", with_optimizer=False)
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        assert (tmp_path / "straight" / name).read_bytes() == (tmp_path / "resumed" / name).read_bytes()


def test_saved_adapter_computes_the_same_when_reloaded(make, tmp_path: Path):
    engine, _ = make()
    engine.add_lora(LORA)
    for _ in range(5):
        engine.train_step([Batch.of(ROWS)], 1e-2)
    engine.save(tmp_path / "adapter", with_optimizer=False)
    assert not (tmp_path / "adapter" / "optimizer.safetensors").exists()
    reloaded, _ = make(adapter=tmp_path / "adapter")
    np.testing.assert_allclose(reloaded.logits([4, 5]), engine.logits([4, 5]), atol=1e-5)
    settings, tensors = read_weights(tmp_path / "adapter", engine.base.name, engine.base.fingerprint)
    assert settings["r"] == 4 and all(t.dtype == np.float32 for t in tensors.values())


def test_a_diverged_update_is_not_applied(make, tmp_path: Path):
    engine, _ = make()
    engine.add_lora(LORA)
    engine.train_step([Batch.of(ROWS)], 1e-2)
    with np.errstate(all="ignore"):
        engine.train_step([Batch.of(ROWS)], 1e30)  # throws the weights far out
    engine.save(tmp_path / "before", with_optimizer=True)
    with np.errstate(all="ignore"):
        result = engine.train_step([Batch.of(ROWS)], 1e-2)
    assert not (math.isfinite(result.nats) and math.isfinite(result.grad_norm)), "the fault did not happen"
    engine.save(tmp_path / "after", with_optimizer=True)
    for name in ("adapter_model.safetensors", "optimizer.safetensors"):
        assert (tmp_path / "before" / name).read_bytes() == (tmp_path / "after" / name).read_bytes()


def test_greedy_stream_follows_the_logits(answering):
    engine = answering
    prompt, made = [10, 20, 30], []
    for place, token in engine.stream([prompt], GREEDY, {EOS}):
        assert place == 0 and token == int(engine.logits(prompt + made).argmax())
        made.append(token)
    assert 0 < len(made) <= 12


def test_stream_together_is_stream_alone(answering):
    """Rows of unequal length share a batch without seeing each other; ended rows leave without disturbing the rest."""
    engine = answering
    prompts = [[1, 2, 3], [9] * 17, [4, 5], list(range(40, 75))]
    together: dict[int, list[int]] = {i: [] for i in range(4)}
    done: set[int] = set()
    for place, token in engine.stream(prompts, GREEDY, {EOS}, done):
        together[place].append(token)
        if place == 1 and len(together[1]) == 3:
            done.add(1)
    assert len(together[1]) == 3
    for i, prompt in enumerate(prompts):
        alone = [token for _, token in engine.stream([prompt], GREEDY, {EOS})]
        assert together[i] == alone[: len(together[i])]


def test_what_prompts_begin_with_alike_changes_no_answer(answering):
    """An engine may read it once; what was read for one call is nothing to the next, whatever was scored or asked in between."""
    engine, beginning = answering, list(range(20, 45))
    prompts = [[*beginning, *tail] for tail in ([1, 2, 3], [9] * 17, [4], [4])] + [[*beginning, 70, 71]] * 40
    alone = {tuple(prompt): [token for _, token in engine.stream([prompt], GREEDY, {EOS})] for prompt in prompts}
    for asked in (prompts, prompts[::-1], [prompt[3:] for prompt in prompts[:2]], prompts[:3]):
        together: dict[int, list[int]] = {i: [] for i in range(len(asked))}
        for place, token in engine.stream(asked, GREEDY, {EOS}):
            together[place].append(token)
        assert all(together[i] == alone[tuple(prompt)] for i, prompt in enumerate(asked) if tuple(prompt) in alone)
        engine.loss(Batch.of([row(4, 3, 3)]))
        engine.logits([1, 2, 3])


def test_stream_is_seeded_by_row(answering):
    engine = answering
    warm = GenerateConfig(max_new_tokens=8, temperature=1.0, top_k=0, top_p=1.0, seed=3)
    first, second = (list(engine.stream([[1, 2], [3, 4]], warm, {EOS})) for _ in range(2))
    assert first == second
    other = list(engine.stream([[1, 2], [3, 4]], warm.model_copy(update={"seed": 4}), {EOS}))
    assert other != first


def test_the_repetition_penalty_spares_the_prompt(answering):
    """A prompt made of the likeliest next token: a penalty on it would change the first token drawn."""
    engine = answering
    prompt = [65]
    favourite = int(engine.logits(prompt).argmax())
    prompt = [favourite, *prompt]
    expected = int(engine.logits(prompt).argmax())
    harsh = GREEDY.model_copy(update={"repetition_penalty": 50.0, "max_new_tokens": 12})
    made = [token for _, token in engine.stream([[expected, *prompt]], harsh, ())]
    assert made[0] == int(engine.logits([expected, *prompt]).argmax()), "the prompt is not penalised"
    assert len(set(made)) > 1, "the answer is"


def test_stream_stops_at_the_context(answering):
    engine = answering
    prompt = [1] * (engine.base.context - 3)
    assert len(list(engine.stream([prompt], GREEDY, ends=()))) <= 3


def test_rows_that_join_and_leave_draw_what_they_draw_alone(answering):
    engine = answering
    warm = GenerateConfig(max_new_tokens=9, temperature=1.0, top_k=0, top_p=1.0, seed=3)
    asked = [([1, 2, 3], warm), ([9] * 17, GREEDY), (list(range(40, 75)), warm.model_copy(update={"seed": 5}))]
    alone = [[token for _, token in engine.stream([prompt], sampling, {EOS})] for prompt, sampling in asked]
    rows, said, numbers = engine.rows(8), {}, []

    def step() -> list[tuple[int, int | None]]:
        drawn = rows.step()
        for number, token in drawn:
            said.setdefault(number, []).append(token)
        return drawn

    for prompt, sampling in asked:
        numbers.append(rows.join(prompt, sampling, {EOS}))
        step()
    gone = rows.join([7, 8], warm, ())
    step()
    rows.leave(gone)
    while step():
        pass
    assert [said[number] for number in numbers] == [[*tokens, None] for tokens in alone]
    assert len(said[gone]) == 1


def test_two_streams_at_once_do_not_meet(answering):
    engine = answering
    alone = [[token for _, token in engine.stream([prompt], GREEDY, {EOS})] for prompt in ([1, 2, 3], [50, 60])]
    streams = [engine.stream([prompt], GREEDY, {EOS}) for prompt in ([1, 2, 3], [50, 60])]
    said: list[list[int]] = [[], []]
    for _ in range(13):
        for place, stream in enumerate(streams):
            if pair := next(stream, None):
                said[place].append(pair[1])
        engine.logits([7, 8])
    assert said == alone


def test_memory_is_bytes(answering):
    engine = answering
    use = engine.memory()
    assert 0 < use.current <= use.peak * 1.01
