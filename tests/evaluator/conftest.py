"""Two authors as examiners: rows that nobody trained on stand in for a perfect model.

The bundled persona stays with its prompt; for the base there are answers of SmolLM2. The other author, of a satirical dictionary,
hardly ever names what he defines; for the base there is a sentence that says the headword over and over.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pete.config import DataConfig
from pete.data.examples import Example, load_examples
from pete.data.split import split_rows
from pete.engines.sentence import Embedder
from pete.evaluate.log import Asked, EvaluationLog, HeldOut, Sample
from pete.evaluate.score import NEUTRAL, OTHERS, Material, other_voices, score, source_of
from pete.persona import load_persona
from tests.evaluator.surprise import Surprise

HERE = Path(__file__).parent
HEADWORD = (
    "The word {0} is a noun. A {0} can be seen in many places, and most people know what {0} means, because {0} is a part of their "
    "everyday life and of the life of others, who speak of {0} too."
)
MOST_WORDS = re.compile(r"(?:under|at most|max(?:imum)?\.?|no more than|up to) (\d+) words", re.IGNORECASE)


@dataclass(frozen=True)
class Bench:
    """Everything an evaluation has, but for a model."""

    asked: Sequence[Example]
    """Rows whose completions play the tuned model."""
    material: Material
    base: dict[str, str]
    held_out: Sequence[HeldOut]
    neutral: Sequence[HeldOut]
    nats: Callable[[str], float]
    _known: dict[tuple[str, ...], EvaluationLog] = field(default_factory=dict)

    def log(self, texts: Sequence[str]) -> EvaluationLog:
        """A scored log in which the tuned model answered `texts`."""
        if tuple(texts) not in self._known:
            self._known[tuple(texts)] = score(self.raw(texts), self.material)
        return self._known[tuple(texts)]

    def raw(self, texts: Sequence[str]) -> EvaluationLog:
        answers = [
            self._sample("base", row, self.base[row.id]) for row in self.asked
        ] + [self._sample("tuned", row, text) for row, text in zip(self.asked, texts, strict=True)]  # fmt: skip
        return EvaluationLog.model_validate({
            "created": "2026-11-25T10:00:00+0000", "run": "r", "base": "tiny", "base_fingerprint": "b" * 64, "persona": "Pete",
            "engine": "fake", "device": "cpu", "dtype": "float32", "machine": "Test", "cores": 2, "generate": {"max_new_tokens": 400},
            "categories": {}, "prompts": [asked(row) for row in self.asked], "held_out": self.held_out, "neutral": self.neutral,
            "samples": answers, "speed": [], "peak_memory": 0, "seconds": 0.0, "fluency_model": "Surprise", "fluency_is_third": True,
        })  # fmt: skip

    def _sample(self, model: str, row: Example, text: str) -> Sample:
        return Sample.model_validate({
            "model": model, "prompt_id": row.id, "category": row.category, "prompt": row.prompt, "text": text, "raw": text,
            "tokens": len(text.split()), "stop": "end", "seconds": 1.0, "batch": 1, "seed": 0,
            "leaks_raw": 0, "leaks_clean": 0, "fluency_nats": self.nats(text) if text else None,
        })  # fmt: skip


def asked(row: Example) -> Asked:
    most = MOST_WORDS.search(row.prompt)
    checks = {"no_placeholder": True, "no_hashtags": True} | ({"max_words": int(most[1])} if most else {})
    return Asked(id=row.id, category=row.category, prompt=row.prompt, topic=row.topic, checks=checks)


def row_of(row: Example, base: Surprise, tuned: Surprise, judge: Surprise) -> HeldOut:
    text = row.completion
    return HeldOut(
        source=source_of(row), category=row.category, topic=row.topic, text_bytes=len(text.encode()), tokens=len(text.split()),
        base_nats=base.nats(text), tuned_nats=tuned.nats(text), fluency_nats=judge.nats(text),
    )  # fmt: skip


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return Embedder()


def make_bench(
    rows: Sequence[Example], answers: Mapping[str, str], embedder: Embedder, data: DataConfig, read: Sequence[Example] = ()
) -> Bench:
    """A bench of an author's rows: the test split plays the tuned model, the valid split is what an evaluation calls held out.

    `read`: what the stand-in for the third model has read besides.
    """
    splits = split_rows(rows, data)
    tested = [row for row in splits["test"] if row.id in answers]
    limits, neutral = splits["valid"], load_examples([NEUTRAL])
    others = [row.completion for row in load_examples([OTHERS])]
    training = [row.completion for row in splits["train"]]
    base, tuned = Surprise(others), Surprise([*others, *training])
    judge = Surprise([*others, *training, *(row.completion for row in (*neutral, *read))])
    return Bench(
        asked=tested,
        material=Material(splits["train"], {source_of(row): row for row in limits}, neutral, other_voices(), embedder),
        base=dict(answers),
        held_out=[row_of(row, base, tuned, judge) for row in limits],
        neutral=[row_of(row, base, tuned, judge) for row in neutral],
        nats=judge.nats,
    )


@pytest.fixture(scope="session")
def bench(embedder: Embedder) -> Bench:
    rows = [row for row in load_examples(load_persona("pete-connor").examples) if row.task == "write"]
    data = DataConfig(test_share=0.2, valid_share=0.1)  # type: ignore[call-arg]
    lines = (HERE / "base_answers.jsonl").read_text(encoding="utf-8").splitlines()
    found = make_bench(rows, {r["id"]: r["text"] for r in map(json.loads, lines)}, embedder, data)
    assert len(found.asked) >= 70 and len(found.held_out) >= 30
    return found


@pytest.fixture(scope="session")
def oblique(embedder: Embedder) -> Bench:
    rows = load_examples([HERE / "oblique.jsonl"])
    data = DataConfig(test_share=0.375, valid_share=0.25)  # type: ignore[call-arg]
    bundled = load_examples(load_persona("pete-connor").examples)
    read = [row for row in bundled if row.task == "write"]  # sixty short texts teach nobody which word follows which
    found = make_bench(rows, {row.id: HEADWORD.format(row.id) for row in rows}, embedder, data, read)
    assert len(found.asked) == 60 and len(found.held_out) == 40
    return found


@pytest.fixture(autouse=True)
def _no_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cohesion is shown and judges nothing; its sentences would double the time."""

    class Nothing:
        def __init__(self, *_: object) -> None: ...

        def score(self, _: Sample) -> dict[str, float]:
            return {}

    monkeypatch.setattr("pete.evaluate.scorers.cohesion.Cohesion", Nothing)
