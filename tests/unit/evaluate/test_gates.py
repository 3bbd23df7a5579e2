import json
import math

import pytest

from pete.evaluate.advice import LESS_RANDOM
from pete.evaluate.gates import judge
from pete.evaluate.log import pairs
from pete.evaluate.results import measures
from pete.evaluate.scorers import gates
from pete.evaluate.scorers.likelihood import neutral_loss
from pete.evaluate.scorers.spec import Gate
from pete.evaluate.scorers.voice import voice_index
from tests.unit.evaluate.conftest import held_out, log_of, sample

GOOD = {
    **dict.fromkeys(("degenerate.any", "degenerate.loop", "degenerate.empty", "echo.any", "echo.share", "fluency.any", "leak.any"), 0.0),
    **dict.fromkeys(("leak.clean", "originality.any", "collapse.any", "ending.any", "cliche.any"), 0.0),
    **{"fluency.z": 0.1, "originality.span": 4.0, "relevance.rr": 0.9},
}


def answers(count, model="tuned", samples=1, logit=2.0, **scores):
    """`count` prompts; a score given as a list is that of the first prompts."""
    found = []
    for p in range(count):
        for n in range(samples):
            own = {key: value[p] if isinstance(value, list) and p < len(value) else value for key, value in scores.items()}
            own = {
                key.replace("__", "."): GOOD.get(key.replace("__", "."), 0.0) if isinstance(value, list) else value
                for key, value in own.items()
            }
            wobble = 0.1 * ((7 * p + n) % 5)
            facts = GOOD | {"voice.logit": logit + wobble} | own
            found.append(sample("An answer.", model=model, prompt_id=f"p{p}", number=n, scores=facts, tokens=30))
    return found


def log(count=60, samples=1, tuned=None, base=None, gain=5.0, neutral=0.5, **facts):
    wobbly = [0.3 * (i % 7) for i in range(40)]
    return log_of(
        samples=[*answers(count, "base", samples, -1.0, **(base or {})), *answers(count, "tuned", samples, **(tuned or {}))],
        held_out=[held_out(i, 100.0, 100.0 - gain - w, scores={"voice.logit": 2.5 + w}) for i, w in enumerate(wobbly)],
        neutral=[held_out(i, 100.0, 100.0 - neutral - w / 3) for i, w in enumerate(wobbly)],
        measures={"voice.auc": 0.95}, **facts,
    )  # fmt: skip


def states(of):
    return {o.gate.name: o.state for o in judge(of).outcomes}


def test_all_good_ships():
    judgement = judge(log())
    assert judgement.verdict == "ship" and judgement.exit_code == 0
    assert states(log()) == dict.fromkeys((g.name for g in gates("write")), "passed") | dict.fromkeys(
        ("facts", "told", "formatting"), "not asked"
    )


@pytest.mark.parametrize(
    ("gate", "facts"),
    [
        ("gain", {"gain": -6.0}),
        ("selectivity", {"gain": 2.0, "neutral": 6.0}),
        ("neutral", {"neutral": -12.0}),
        ("voice", {"tuned": {"voice__logit": -2.0}}),
        ("relevance", {"tuned": {"relevance__rr": 0.4}}),
        ("echo", {"tuned": {"echo__any": 1.0, "echo__share": 0.9}}),
        ("degenerate", {"tuned": {"degenerate__any": 1.0}}),
        ("degenerate-base", {"tuned": {"degenerate__any": 1.0}}),
        ("fluency", {"tuned": {"fluency__any": 1.0, "fluency__z": 7.0}}),
        ("originality", {"tuned": {"originality__any": 1.0}}),
        ("leaks", {"tuned": {"leak__any": 1.0}}),
        ("collapse", {"tuned": {"collapse__any": 1.0}}),
        ("facts", {"tuned": {"facts__kept": 0.2}, "base": {"facts__kept": 0.9}}),
        ("formatting", {"tuned": {"formatting__strict": 0.0, "formatting__any": 1.0}, "base": {"formatting__strict": 1.0}}),
    ],
)
def test_each_gate_can_fail_and_shows_three(gate, facts):
    judgement = judge(log(**facts))
    (outcome,) = [o for o in judgement.outcomes if o.gate.name == gate]
    assert outcome.state == "failed" and len(outcome.worst) == 3 and all(w.why for w in outcome.worst)
    assert judgement.verdict == "don't ship" and judgement.exit_code == 1


def told(tuned: float, author: float, rows: int = 40):
    """Both models keep a share of what they were told; the author's own rows another."""
    found = log(tuned={"facts__told": tuned}, base={"facts__told": 0.1})
    own = [row.model_copy(update={"scores": row.scores | {"facts.told": author - 0.02 * (n % 3)}}) for n, row in enumerate(found.held_out)]
    return found.model_copy(update={"held_out": own[:rows]})


def test_what_was_told_is_held_against_the_author_and_not_against_a_base_that_keeps_less():
    (outcome,) = [o for o in judge(told(0.6, 0.85)).outcomes if o.gate.name == "told"]
    assert outcome.state == "failed" and len(outcome.worst) == 3 and "told 0.6" in outcome.worst[0].why
    assert outcome.interval is not None and outcome.interval.high < 0 and "the author's own" in outcome.gate.condition
    doubtful = told(0.7, 0.85)
    noisy = [r.model_copy(update={"scores": r.scores | {"facts.told": float(n % 4 > 0)}}) for n, r in enumerate(doubtful.held_out)]
    assert states(doubtful.model_copy(update={"held_out": noisy[:24]}))["told"] == "unknown", "perhaps a quarter less than the author"
    assert states(told(0.9, 0.85))["told"] == "passed" and states(told(0.9, 0.85, rows=8))["told"] == "unknown"


def by(found, author, rows=40):
    """The log with scores of the author's own rows: a value for all of them, or a function of the row."""
    values = {key.replace("__", "."): value for key, value in author.items()}
    own = [
        row.model_copy(update={"scores": row.scores | {key: v(n) if callable(v) else v for key, v in values.items()}})
        for n, row in enumerate(found.held_out[:rows])
    ]
    return found.model_copy(update={"held_out": own})


def gate_of(found, name):
    return next(o for o in judge(found).outcomes if o.gate.name == name)


def test_an_oblique_author_is_no_reason_not_to_ship():
    """The satirical dictionary: a base that repeats the headword ranks at 0.98, the author at 0.63, the tuned model between them."""
    wobble = [0.5 + 0.4 * (n % 2) for n in range(60)]
    oblique = log(tuned={"relevance__rr": wobble}, base={"relevance__rr": 0.98})
    assert gate_of(oblique, "relevance").state == "failed", "without his rows the base is all there is"
    beside = by(oblique, {"relevance__rr": lambda n: 0.43 + 0.4 * (n % 2)})
    outcome = gate_of(beside, "relevance")
    assert outcome.state == "passed" and judge(beside).verdict == "ship" and outcome.author == pytest.approx(0.63)
    assert "the author's own (0.63), below the base's (0.98)" in outcome.reason
    assert outcome.interval is not None and outcome.interval.mean == pytest.approx(0.07)
    lost = by(log(tuned={"relevance__rr": 0.1}, base={"relevance__rr": 0.98}), {"relevance__rr": lambda n: 0.43 + 0.4 * (n % 2)})
    assert gate_of(lost, "relevance").state == "failed", "answers to other prompts fail beside him, too"
    assert gate_of(by(oblique, {"relevance__rr": lambda n: n % 2}, rows=8), "relevance").state == "unknown", (
        "eight rows of his settle little"
    )


def test_an_author_above_the_base_changes_nothing():
    found = by(log(tuned={"relevance__rr": 0.4}), {"relevance__rr": 0.95})
    outcome = gate_of(found, "relevance")
    assert outcome.state == "failed" and outcome.reason == "" and outcome.author == pytest.approx(0.95)


def test_loops_are_compared_with_an_author_who_has_more_than_the_base():
    few = {"tuned": {"degenerate__any": [1.0] * 9}}
    assert gate_of(log(**few), "degenerate-base").state == "failed"
    assert gate_of(by(log(**few), {"degenerate__any": lambda n: float(n % 6 == 0)}), "degenerate-base").state == "passed"


SHARES = {
    "echo": "echo",
    "degenerate": "degenerate",
    "fluency": "fluency",
    "originality": "originality",
    "leaks": "leak",
    "collapse": "collapse",
}


@pytest.mark.parametrize("name", SHARES)
def test_a_share_the_author_does_not_hold_is_not_in_force(name):
    key = f"{SHARES[name]}__any"
    some = log(tuned={key: [1.0] * 24})
    assert gate_of(some, name).state == "failed"
    outcome = gate_of(by(some, {key: lambda n: float(n % 5 < 2)}), name)
    assert (
        outcome.state == "not in force" and outcome.author == pytest.approx(0.4) and "the author's own 40.0% of 40 rows" in outcome.reason
    )
    assert judge(by(some, {key: lambda n: float(n % 5 < 2)})).verdict == "ship" or name in ("degenerate", "echo"), "nothing else is wrong"
    worse = gate_of(by(log(tuned={key: 1.0}), {key: lambda n: float(n % 5 < 2)}), name)
    assert worse.state == "failed" and "significantly worse than the author's own" in worse.reason
    assert gate_of(by(some, {key: 0.0}), name).state == "failed"


def test_an_author_who_may_not_hold_it_himself_leaves_it_open():
    found = by(log(tuned={"collapse__any": [1.0] * 18}), {"collapse__any": lambda n: float(n % 5 == 0)})
    outcome = gate_of(found, "collapse")
    assert outcome.state == "unknown" and "20.0% of 40 rows are beyond the limit, too" in outcome.reason


def test_prompts_that_are_training_rows_count_in_no_gate():
    remembered = log(count=70, tuned={"relevance__rr": [0.1] * 10, "originality__any": [1.0] * 10})
    assert states(remembered)["originality"] == "failed"
    told_ = remembered.model_copy(update={"in_training": tuple(f"p{n}" for n in range(10))})
    judgement = judge(told_)
    assert judgement.verdict == "ship" and {m.name: m.tuned for m in judgement.measures}["originality.any"] == 0
    assert judgement.notes[-1].startswith("10 of 70 prompts are training rows: p0, p1, p2 and 7 more.")
    every = remembered.model_copy(update={"in_training": tuple(f"p{n}" for n in range(70))})
    assert {o.reason for o in judge(every).outcomes if o.gate.name in SHARES} == {"every prompt is a training row"}


@pytest.mark.parametrize(("count", "state"), [(55, "unknown"), (56, "passed"), (60, "passed")])
def test_how_many_prompts_settle_the_leaks(count, state):
    assert states(log(count=count, samples=3))["leaks"] == state


def test_answers_that_do_not_end_by_themselves():
    cut = [s.model_copy(update={"stop": "length"}) for s in log().samples]
    assert states(log().model_copy(update={"samples": cut}))["stops"] == "failed"
    tight = log(generate={"max_new_tokens": 30})
    (outcome,) = [o for o in judge(tight).outcomes if o.gate.name == "stops"]
    assert outcome.state == "unknown" and "twice the author's median" in outcome.reason


def test_few_prompts_are_not_enough_evidence():
    judgement = judge(log(count=8))
    assert judgement.verdict == "not enough evidence" and judgement.exit_code == 3
    assert "underpowered" in {o.gate.name: o.reason for o in judgement.outcomes}["degenerate"]
    assert states(log(count=24))["leaks"] == "unknown", "none of 24 may still be 14% of all"


def test_a_share_between_the_limit_and_the_evidence_is_unknown():
    one, many = ({"degenerate__any": [1.0] * n} for n in (2, 12))
    assert states(log(tuned=one))["degenerate"] == "unknown" and states(log(tuned=many))["degenerate"] == "failed"


def test_nothing_gained_is_a_failure_and_not_a_mystery():
    assert states(log(gain=-0.9))["gain"] == "failed", "within 0.01 bits of nothing on both sides"


def test_what_was_not_measured_is_unknown_with_the_reason():
    without = log(unknown={"selectivity": "Neutral text was not scored."}).model_copy(update={"neutral": []})
    found = {o.gate.name: o for o in judge(without).outcomes}
    assert found["selectivity"].state == "unknown" and "Neutral text was not scored" in found["selectivity"].reason
    empty = judge(log_of())
    assert empty.verdict == "not enough evidence" and {o.state for o in empty.outcomes} == {"unknown", "not asked"}
    deaf = log().model_copy(update={"measures": {"voice.auc": 0.52}})
    (voice,) = [o for o in judge(deaf).outcomes if o.gate.name == "voice"]
    assert voice.state == "unknown" and "0.52" in voice.reason


def test_the_record_is_json_without_infinities():
    document = json.loads(json.dumps(judge(log(count=1)).record(), allow_nan=False))
    assert document["verdict"] == "not enough evidence" and len(document["gates"]) == len(gates("write"))


def test_measures_say_which_were_named_beforehand_and_correct_the_others():
    noisy = {"cliche__any": [1.0] * 5}
    found = {m.name: m for m in measures(log(tuned=noisy))}
    assert {m.name for m in found.values() if m.primary} == {"gain", "voice"}
    assert found["gain"].verdict == "better" and found["gain"].adjusted_p == found["gain"].change.p
    assert found["cliche.any"].change.p < found["cliche.any"].adjusted_p and found["cliche.any"].verdict == "no significant difference"


def test_answers_are_paired_by_prompt_and_number_in_any_order():
    whole = log(samples=3)
    mixed = whole.model_copy(update={"samples": whole.samples[::-1]})
    assert judge(mixed).record() == judge(whole).record()
    lost = whole.model_copy(update={"samples": whole.samples[5:]})
    assert len(pairs(whole)) == 180 and len(pairs(lost)) == 175, "an answer without its other half is left out"


def test_voice_index_is_0_at_the_base_and_1_at_the_author():
    index = voice_index(log(tuned={"voice__logit": 3.4}, base={"voice__logit": -1.0}))
    assert index is not None and index.tuned == pytest.approx(1.0, abs=0.05) and math.isfinite(index.change.low)


def test_neutral_loss_is_relative():
    loss = neutral_loss(log_of(neutral=[held_out(i, 100.0, 110.0) for i in range(30)]))
    assert loss is not None and loss.mean == pytest.approx(0.1) and states(log(neutral=-7.0))["neutral"] in ("unknown", "failed")


def test_a_gates_condition_in_words():
    assert [Gate("x", "x", "x", rule, 0.05, "", "", LESS_RANDOM).condition for rule in ("at most", "not worse", "above")] == [
        "at most 5%",
        "95% interval above -0.05 against the base; above -0.2 against the author's own where that is lower",
        "95% interval above 0.05",
    ]
