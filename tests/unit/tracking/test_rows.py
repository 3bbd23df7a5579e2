from dataclasses import replace

from pete import events
from pete.config import resolve
from pete.events import Finished, Sampled, Saved, Started, Step, Validated, Warned
from pete.tracking.rows import Rows, facts, hyperparameters, summary

STEP = Step(step=1, loss=2.5, lr=1e-4, grad_norm=0.5, tokens=300, trained_tokens=50, seconds=2.0, memory=3, resident=4, swap=5)
NUMBERS = {"train/loss": 2.5, "train/learning_rate": 1e-4, "train/grad_norm": 0.5, "train/tokens_per_second": 150.0, "memory/device": 3,
           "memory/resident": 4, "memory/swap": 5}  # fmt: skip


def all_of(rows: Rows, *happened: events.Event) -> list:
    return [row for row in [*map(rows.take, happened), rows.rest()] if row]


def test_one_row_a_step_with_what_happened_at_it():
    sent = all_of(
        Rows(-1, samples=False),
        Validated(step=0, loss=3.0, best=False),
        STEP,
        Validated(step=1, loss=2.0, best=True),
        Saved(step=1, checkpoint="step-000001"),
        Warned(message="/a/path"),
        replace(STEP, step=2),
        Validated(step=2, loss=2.2, best=False),
    )
    assert sent == [
        (0, {"valid/loss": 3.0}),
        (1, NUMBERS | {"valid/loss": 2.0, "valid/best": 2.0}),
        (2, NUMBERS | {"valid/loss": 2.2, "valid/best": 2.0}),
    ]


def test_samples_only_when_asked():
    sample = Sampled(step=1, prompt="p", text="t")
    assert all_of(Rows(-1, samples=False), STEP, sample) == [(1, NUMBERS)]
    assert all_of(Rows(-1, samples=True), STEP, sample) == [(1, NUMBERS | {"sample/prompt": "p", "sample/text": "t"})]


def test_a_resumed_run_sends_no_step_twice_and_none_backwards():
    first = [replace(STEP, step=n, loss=float(n)) for n in range(1, 8)]
    again = [replace(STEP, step=n, loss=float(-n)) for n in range(5, 10)]  # killed at 7, last checkpoint at 4
    assert [step for step, _ in all_of(Rows(-1, samples=False), *first, *again)] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert [(step, row["train/loss"]) for step, row in all_of(Rows(6, samples=False), *first, *again)] == [(7, 7.0), (8, -8.0), (9, -9.0)]


def test_the_best_loss_is_known_although_its_step_was_sent_before():
    sent = all_of(Rows(5, samples=False), Validated(step=5, loss=1.0, best=True), Validated(step=6, loss=2.0, best=False))
    assert sent == [(6, {"valid/loss": 2.0, "valid/best": 1.0})]


def test_hyperparameters_hold_no_path(tmp_path):
    (tmp_path / "models" / "mine").mkdir(parents=True)
    for base, name in {
        "EleutherAI/pythia-1.4b": "EleutherAI/pythia-1.4b",
        "smollm2-135m-instruct": "smollm2-135m-instruct",
        "models/mine": "mine",
        "./elsewhere/mine": "mine",
        "/srv/models/mine": "mine",
        "~/models/mine": "mine",
        "a/b/c": "c",
    }.items():
        config = resolve(None, None, [f"model.base={base}", "data.persona=/home/somebody/voices/my-voice"]).config
        found = hyperparameters(config, tmp_path)
        assert found["model"]["base"] == name and found["data"]["persona"] == "my-voice"
    assert found["lora"]["rank"] == 16 and found["lora"]["targets"] == ["all-linear"] and "tracking" not in found
    assert "/" not in str(found | {"model": None})


def test_facts_and_summary():
    started = Started(base="/x", engine="fake", device="cpu", dtype="float32", dtype_reason="/y", trainable=1, parameters=2, steps=3,
                      train_rows=4, valid_rows=5)  # fmt: skip
    assert set(facts(started)) == {"engine", "device", "dtype", "trainable", "parameters", "steps", "train_rows", "valid_rows"}
    ended = Finished(step=9, reason="done", best_step=8, best_loss=None, seconds=1.0, peak_memory=2)
    assert summary(ended) == {"best_step": 8, "reason": "done", "seconds": 1.0, "peak_memory": 2}
