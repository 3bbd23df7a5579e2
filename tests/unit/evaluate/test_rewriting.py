import pytest

from pete.config import Config
from pete.data.examples import Draft, Example, Question
from pete.errors import DataError
from pete.evaluate.gates import judge
from pete.evaluate.rewriting import EXAMPLES, changed_words, drafts_of, marker_shifts, shown_examples, standings
from pete.evaluate.scorers import change
from pete.report.comparison import compare
from tests.unit.evaluate.conftest import asked, held_out, log_of, sample

FINE = {"kept.facts": 1.0, "kept.added": 0.0, "meaning.says": 0.9, "meaning.any": 0.0, "change.left": 0.1, "change.same": 0.0,
        "draft_voice.logit": 2.0, "draft_voice.draft": -1.0, "draft_voice.beats": 1.0, "degenerate.any": 0.0, "fluency.any": 0.0,
        "leak.any": 0.0, "originality.any": 0.0, "ending.any": 0.0}  # fmt: skip


def answers(model="tuned", count=60, **scores):
    own = {key.replace("__", "."): value for key, value in scores.items()}
    return [
        sample("A text.", model=model, prompt_id=f"p{n}", prompt="A draft.", draft_nats=20.0, recovered_nats=8.0,
               scores={**FINE, "draft_voice.logit": 2.0 + 0.1 * (n % 5), "meaning.says": 0.86 + 0.02 * (n % 5), **own})
        for n in range(count)
    ]  # fmt: skip


def log(guarded=None, base=None, **tuned):
    rows = []
    for n in range(40):
        own = {**FINE, "draft_voice.logit": 2.5 + 0.1 * (n % 4), "meaning.says": 0.85 + 0.02 * (n % 5)}
        rows.append(held_out(n, 100.0, 95.0 - n % 3, scores=own))
    base_answers = answers("base", **{"draft_voice__logit": -1.0, "kept__facts": 0.8, **(base or {})})
    return log_of(
        task="rewrite", held_out=rows, samples=[*base_answers, *answers(**tuned)], prompts=[asked(f"p{n}") for n in range(60)],
        beside={"draft": answers(draft_voice__logit=-1.0, change__left=1.0, change__same=1.0), "guarded": answers(**(guarded or {}))},
        measures={"draft_voice.auc_base": 0.95},
    )  # fmt: skip


def state(log, name):
    return {o.gate.name: o.state for o in judge(log).outcomes}[name]


def test_a_good_rewriter_ships():
    judgement = judge(log())
    assert {o.gate.name: (o.state, o.interval) for o in judgement.outcomes if o.state != "passed"} == {} and judgement.verdict == "ship"


@pytest.mark.parametrize(
    ("gate", "facts"),
    [
        ("kept", {"kept__facts": 0.7}),
        ("added", {"kept__added": 1.0}),
        ("meaning", {"meaning__says": 0.5}),
        ("change", {"guarded": {"change__left": 0.9}}),
        ("voice", {"draft_voice__logit": -1.0}),
    ],
)
def test_each_fault_fails_its_gate(gate, facts):
    assert state(log(**facts), gate) == "failed" and judge(log(**facts)).verdict == "don't ship"


def test_the_ways_to_answer_stand_beside_each_other():
    found = {one.name: one for one in standings(log())}
    assert list(found) == ["the draft as it is", "base", "tuned", "tuned, after the guard", "the author, on other drafts"]
    draft, tuned = found["the draft as it is"], found["tuned"]
    assert draft.voice == pytest.approx(0) and tuned.voice == pytest.approx(3.2 / 3.65) and tuned.left == pytest.approx(0.1)
    assert tuned.recovered == pytest.approx(12 / 0.693147 / 8, rel=1e-4) and draft.same is not None and draft.same.share == 1


def test_drafts_that_were_trained_on_count_nowhere():
    rows = log(kept__facts=0.5).model_copy(update={"in_training": tuple(f"p{n}" for n in range(20))})
    rows = rows.model_copy(update={"samples": [s.model_copy(update={"scores": s.scores | {"kept.facts": 1.0, "markers.questions": 9.0}})
                                               if s.prompt_id in rows.in_training else s for s in rows.samples]})  # fmt: skip
    assert {one.name: (one.answers, one.facts) for one in standings(rows)}["tuned"] == (40, 0.5)
    assert marker_shifts(rows)["tuned"] == {}


def test_the_worst_of_what_was_left_are_what_the_guard_gave():
    found = log(guarded={"change__left": 0.9})
    guarded = [s.model_copy(update={"text": "Put back."}) for s in found.beside["guarded"]]
    outcomes = judge(found.model_copy(update={"beside": found.beside | {"guarded": guarded}})).outcomes
    (outcome,) = [o for o in outcomes if o.gate.name == "change"]
    assert {w.text for w in outcome.worst} == {"Put back."} and len(outcome.worst) == 3


def test_a_marker_is_a_share_of_the_way():
    rows = log().model_copy(
        update={
            "held_out": [held_out(n, 1, 1, scores={"markers.questions": 0.4}) for n in range(5)],
            "beside": {"draft": answers(markers__questions=0.0)},
            "samples": answers(markers__questions=0.6),
        }
    )
    assert marker_shifts(rows)["tuned"] == {"questions": pytest.approx(1.5)}


def test_drafts_take_the_place_of_prompts():
    prompts = [
        Question(id="a", prompt="Say when.", topic="van", category="c", drafts=(Draft("plain", "At nine."), Draft("notes", "- nine"))),
        Question(id="b", prompt="Say what.", drafts=(Draft("plain", "A van."),)),
        Question(id="c", prompt="Say why."),
    ]
    found = drafts_of(prompts)
    assert [(d.id, d.prompt, d.draft_kind) for d in found] == [
        ("a-1", "At nine.", "plain"),
        ("a-2", "- nine", "notes"),
        ("b", "A van.", "plain"),
    ]
    assert found[0].topic == "van" and found[0].request.endswith("At nine.") and "Rewrite" in found[0].request
    with pytest.raises(DataError, match="No evaluation prompt has a draft"):
        drafts_of(prompts[2:])


def test_as_many_examples_are_shown_as_there_is_room_for():
    rows = [Example(task="rewrite", prompt=f"A draft {n}.", completion=f"Text {n}.", id=str(n)) for n in range(20)]
    assert len(shown_examples(rows, lambda _: True)) == 2 * EXAMPLES
    assert len(shown_examples(rows, lambda turns: len(turns) <= 4)) == 4 and shown_examples(rows, lambda _: False) == []
    assert shown_examples([], lambda _: True) == []


def test_words_that_the_draft_has_not_are_marked():
    answer = sample("The van comes at nine, rain or shine.", prompt="The van arrives at nine.")
    assert [answer.text[m.start : m.end] for m in changed_words(answer)] == ["comes", ", rain or shine"]


def test_a_draft_that_was_trained_on_counts_in_no_gate_after_the_guard_either():
    trained = tuple(f"p{n}" for n in range(30))
    kept = {"guarded": {"change__left": 0.9}}
    found = log(**kept).model_copy(update={"in_training": trained})
    clean = [s.model_copy(update={"scores": {**s.scores, "change.left": 0.1}}) if s.prompt_id not in trained else s
             for s in found.beside["guarded"]]  # fmt: skip
    assert state(found.model_copy(update={"beside": {**found.beside, "guarded": clean}}), "change") == "passed"


def test_the_voice_of_both_counts_from_the_draft_and_their_difference_from_the_base():
    judgement = judge(log(base={"draft_voice__logit": 0.5}))
    measure = next(m for m in judgement.measures if m.name == "draft_voice")
    assert measure.change.mean == pytest.approx(measure.tuned - measure.base) and measure.change.low <= measure.change.mean
    gate = next(o for o in judgement.outcomes if o.gate.name == "voice")
    assert gate.interval is not None and gate.interval.mean == pytest.approx(measure.tuned) and gate.state == "passed"


def test_the_voice_of_rewrites_is_held_against_no_other_runs():
    assert not {m.name for m in compare(log(), "").on_one_scale} & {"draft_voice", "draft_voice.beats"}


def test_what_helps_where_too_much_is_left_is_a_larger_base():
    (gate,) = change.SPEC.gates
    small = Config()
    assert gate.advice.settings(small)["model.base"] != small.model.base
    assert not gate.advice.settings(small.model_copy(update={"model": small.model.model_copy(update={"base": "owner/large"})}))
