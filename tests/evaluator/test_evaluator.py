"""The evaluator's own examination: it must pass what people wrote and catch five kinds of wreck, each at the gate meant for it."""

import random

import numpy as np
import pytest

from pete.data.text import sentences
from pete.evaluate import stats
from pete.evaluate.gates import judge
from pete.evaluate.log import HeldOut
from pete.evaluate.results import beside_author, measures
from pete.evaluate.score import score
from pete.evaluate.scorers import gates
from pete.evaluate.scorers.likelihood import gain
from tests.evaluator.conftest import Bench


def human(bench: Bench) -> list[str]:
    return [row.completion for row in bench.asked]


def echo(bench: Bench) -> list[str]:
    return [row.prompt for row in bench.asked]


def shuffle(bench: Bench) -> list[str]:
    rng = random.Random(0)
    return [" ".join(rng.sample(words := text.split(), len(words))) for text in human(bench)]


def loop(bench: Bench) -> list[str]:
    return [" ".join([sentences(text)[0]] * 12) for text in human(bench)]


def copied(bench: Bench) -> list[str]:
    rows = [row.completion for row in bench.material.training or () if len(row.completion.split()) >= 12]
    return [rows[7 * i % len(rows)] for i in range(len(bench.asked))]


def another(bench: Bench) -> list[str]:
    texts = human(bench)
    return texts[11:] + texts[:11]


WRECKERS = {echo: "echo", shuffle: "fluency", loop: "degenerate", copied: "originality", another: "relevance"}


def test_what_people_wrote_passes_every_gate(bench):
    judgement = judge(bench.log(human(bench)))
    held = {o.gate.name: (o.state, o.interval, o.reason) for o in judgement.outcomes}
    asked = {name for name, (state, _, _) in held.items() if state != "not asked"}
    assert asked == {gate.name for gate in gates("write")} - {"facts"}, "no row of the persona lists facts"
    assert {name: facts for name, facts in held.items() if name in asked and facts[0] != "passed"} == {}
    assert judgement.verdict == "ship" and judgement.exit_code == 0


def test_an_author_who_does_not_name_his_subject_ships_too(oblique):
    """A base that repeats the headword finds it every time; what he is held against is his own unseen text."""
    judgement = judge(oblique.log(human(oblique)))
    held = {o.gate.name: o for o in judgement.outcomes}
    found = {m.name: m for m in judgement.measures}["relevance.rr"]
    assert found.base > 0.95 and found.tuned < 0.9 and found.verdict == "worse", "he would not ship beside the base"
    assert held["relevance"].state == "passed" and "the author's own" in held["relevance"].reason
    assert {name: (o.state, o.interval, o.reason) for name, o in held.items() if o.state in ("failed", "unknown")} == {}
    assert judgement.verdict == "ship"


@pytest.mark.parametrize("author", ["bench", "oblique"])
@pytest.mark.parametrize("wreck", WRECKERS, ids=lambda wreck: wreck.__name__)
def test_each_wreck_fails_the_gate_meant_for_it(wreck, author, request):
    bench: Bench = request.getfixturevalue(author)
    judgement = judge(bench.log(wreck(bench)))
    failed = {o.gate.name: o for o in judgement.of("failed")}
    assert WRECKERS[wreck] in failed and judgement.verdict == "don't ship" and judgement.exit_code == 1
    worst = failed[WRECKERS[wreck]].worst
    assert len(worst) == 3 and all(w.text and w.why and w.prompt for w in worst)


def test_the_base_in_the_place_of_the_tuned_model_does_not_ship(bench):
    judgement = judge(bench.log([bench.base[row.id] for row in bench.asked]))
    assert "voice" in {o.gate.name for o in judgement.of("failed")}
    assert not [m.name for m in judgement.measures if m.name not in ("gain", "selectivity") and m.verdict != "no significant difference"]


def test_the_classifier_tells_the_author_from_the_base_and_from_others(bench):
    log = bench.log(human(bench))
    assert log.measures["voice.auc_base"] > 0.85 and log.measures["voice.auc_others"] > 0.8


def test_the_order_of_rows_moves_nothing(bench):
    raw = bench.raw(human(bench))
    mixed = raw.model_copy(update={name: random.Random(1).sample(rows := getattr(raw, name), len(rows))
                                   for name in ("samples", "held_out", "neutral", "prompts")})  # fmt: skip
    training = random.Random(2).sample(list(bench.material.training or ()), len(bench.material.training or ()))
    material = type(bench.material)(training, bench.material.held_out, bench.material.neutral[::-1], bench.material.others[::-1],
                                    bench.material.embedder)  # fmt: skip
    assert mixed.samples != raw.samples
    one, other = score(raw, bench.material), score(mixed, material)
    assert {(s.model, s.prompt_id): (s.scores, s.marks) for s in one.samples} == {
        (s.model, s.prompt_id): (s.scores, s.marks) for s in other.samples
    }
    assert one.measures == pytest.approx(other.measures)
    assert judge(one).record() == judge(other).record()


@pytest.mark.parametrize("author", ["bench", "oblique"])
def test_the_authors_rows_are_ranked_among_as_many_prompts_as_the_answers(author, request):
    """His text in the model's place and his held-out rows are two samples of one author: by one ruler they come out alike."""
    bench: Bench = request.getfixturevalue(author)
    log = bench.log(human(bench))
    assert all("relevance.rr" in row.scores for row in log.held_out)
    beside = beside_author(log, "relevance.rr")
    assert beside is not None and beside.low < 0 < beside.high and abs(beside.mean) < 0.12
    fewer = score(log.model_copy(update={"prompts": log.prompts[:8], "samples": [s for s in log.samples if s.prompt_id in {
        p.id for p in log.prompts[:8]}]}), bench.material)  # fmt: skip
    ranks = [sum(row.scores["relevance.rr"] for row in one.held_out) for one in (fewer, log)]
    assert ranks[0] > ranks[1], "among eight prompts the same rows stand higher than among sixty"


def test_a_known_share_of_wrecks_moves_the_numbers_by_that_share(bench):
    texts, loops, echoes = human(bench), loop(bench), echo(bench)
    ranks = [s.scores["relevance.rr"] for s in bench.log(texts).samples if s.model == "tuned"]
    wrecked = 30
    some = {m.name: m for m in measures(bench.log(loops[:wrecked] + texts[wrecked:]))}
    assert some["degenerate.any"].tuned == pytest.approx(wrecked / len(texts))
    given = {m.name: m for m in measures(bench.log(echoes[:wrecked] + texts[wrecked:]))}
    assert given["echo.any"].tuned == pytest.approx(wrecked / len(texts))
    assert given["relevance.rr"].tuned == pytest.approx(sum(ranks[wrecked:]) / len(ranks))


def test_the_interval_of_the_gain_covers_the_truth_about_as_often_as_it_says(monkeypatch):
    monkeypatch.setattr(stats, "RESAMPLES", 500)
    truth, hits, times = 0.1, 0, 300
    for k in range(times):
        rng = np.random.default_rng(1000 + k)
        rows = []
        for topic in range(40):
            effect = rng.normal(truth, 0.1)
            for n in range(2):
                gained = (effect + rng.normal(0, 0.1)) * np.log(2) * 100
                rows.append(HeldOut(source=f"{topic}:{n}", category="c", topic=str(topic), text_bytes=100, base_nats=100.0,
                                    tuned_nats=100.0 - gained))  # fmt: skip
        log = _empty(rows)
        measured = gain(log)
        assert measured is not None
        hits += measured.change.low <= truth <= measured.change.high
    assert hits / times == pytest.approx(0.95, abs=0.035)


def _empty(rows):
    from pete.evaluate.log import EvaluationLog

    return EvaluationLog(
        created="", run="", base="", base_fingerprint="", persona="", engine="", device="", dtype="", machine="", cores=1, generate={},
        categories={}, held_out=rows, samples=[], speed=[], peak_memory=0, seconds=0.0,
    )  # fmt: skip
