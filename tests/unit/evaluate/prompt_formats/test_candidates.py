import numpy as np
import pytest

from pete.adapter import Lineage
from pete.data.examples import Question
from pete.errors import DataError, UserError
from pete.evaluate.log import Sample
from pete.evaluate.prompt_formats.candidates import (
    KEPT,
    QUESTION_TEMPLATE,
    RELEVANCE,
    VOICE,
    candidates,
    choose,
    compare,
    halves,
    judge_all,
    sift,
)
from pete.persona import PLAIN_TEMPLATE, PromptFormat
from tests.unit.evaluate.conftest import log_of, sample

LINEAGE = Lineage("b", "1", "f", "d", "c", "Ada", "Short\nand plain.", ("Begin late.", "End early."), "You are Ada.", (), {}, {}, (), "0")
PROMPTS = [Question(id=f"{c}-{i}", category=c, prompt=f"{c} {i}?", topic=f"{c} {i // 2}") for c in ("ads", "mail") for i in range(20)]


# --- candidates ----------------------------------------------------------------------------------------------------


def test_each_candidate_changes_one_thing():
    found = candidates(LINEAGE, PromptFormat(), PLAIN_TEMPLATE)
    assert found[0].name == "control" and found[0].prompt_format == PromptFormat() and len(found) == 10
    by = {c.name: c.prompt_format for c in found}
    assert len(set(by.values())) == len(by)
    assert by["description"].system == "Short and plain." and by["no-system"].system == ""
    assert by["rules"].system == "You are Ada. Begin late. End early." and by["question"].template == QUESTION_TEMPLATE
    changed = {name: [k for k in PromptFormat.model_fields if getattr(a, k) != getattr(PromptFormat(), k)] for name, a in by.items()}
    assert all(len(keys) == (0 if name == "control" else 2 if name == "length-form" else 1) for name, keys in changed.items())


def test_a_template_of_the_bases_own_is_left_alone_and_a_way_found_earlier_is_built_on():
    now = PromptFormat.model_validate({"shots": 1})
    found = {c.name: c.prompt_format for c in candidates(LINEAGE, now, "{{ messages }}")}
    assert "question" not in found and found["trained"] == PromptFormat() and found["length"] == now.model_copy(update={"length": True})


def test_what_changes_no_prompt_or_does_not_fit_is_not_tried():
    def shown(prompt_format: PromptFormat) -> list[str]:
        if prompt_format.shots == 2:
            raise UserError("too long")
        return [f"{prompt_format.system}{prompt_format.shots}{prompt_format.form}"]  # lengths are stated by every prompt

    found = candidates(LINEAGE, PromptFormat(), "own")
    kept, skipped = sift(found, shown)
    assert skipped == {
        "2 examples": "too long",
        "length hint": "changes no prompt",
        "length, format hints": "the same prompts as format hint",
    }
    assert [c.name for c in kept] == [c.name for c in found if c.title not in skipped]
    with pytest.raises(UserError):
        sift(found, lambda prompt_format: shown(PromptFormat.model_validate({"shots": 2})))


# --- halves --------------------------------------------------------------------------------------------------------


def test_halves_are_alike_in_categories_share_no_topic_and_do_not_depend_on_order():
    first, second = halves(PROMPTS)
    assert len(first) == len(second) == 20 and {p.id for p in [*first, *second]} == {p.id for p in PROMPTS}
    assert [sum(p.category == "ads" for p in half) for half in (first, second)] == [10, 10]
    assert not {p.topic for p in first} & {p.topic for p in second}
    again = halves(PROMPTS[::-1])
    assert {p.id for p in again[0]} == {p.id for p in first}
    assert first != PROMPTS[:20] and first != PROMPTS[::2], "no order of the file's own"


def test_a_topic_of_two_categories_is_on_one_side():
    both = [Question(id=f"{c}{i}", category=c, prompt="?", topic=f"T{i}" if c == "a" else f"t{i}") for c in "ab" for i in range(12)]
    first, second = halves(both)
    assert len(first) == len(second) == 12 and not {p.topic.lower() for p in first} & {p.topic.lower() for p in second}


def test_odd_categories_do_not_pile_up_on_one_side():
    odd = [Question(id=f"{c}{i}", category=c, prompt="?") for c in "abcd" for i in range(3)]
    assert [len(half) for half in halves(odd)] == [6, 6]


@pytest.mark.parametrize("prompts", [PROMPTS[:0], PROMPTS[:9], [p.model_copy(update={"topic": "one"}) for p in PROMPTS]])
def test_too_few_prompts_are_refused(prompts):
    with pytest.raises(DataError, match="at least 5 in each") as error:
        halves(prompts)
    assert "--suite" in error.value.hint


LOG = log_of()


# --- the choice ----------------------------------------------------------------------------------------------------


def answers(rng, prompts: int = 16, samples: int = 2, voice: float = 0.0, kept: float = 0.6, relevance: float = 0.0) -> list[Sample]:
    """Answers that differ from prompt to prompt, the same way for every candidate, and by chance."""
    hard = np.random.default_rng(5).normal(0, 1, prompts)
    return [
        sample(
            "?",
            prompt_id=f"p{prompt:02}",
            number=number,
            scores={
                VOICE: float(hard[prompt] + voice + rng.normal(0, 0.5)),
                KEPT: float(rng.random() < kept),
                RELEVANCE: float(np.clip(0.6 + relevance + rng.normal(0, 0.1), 0, 1)),
                "degenerate.any": 0.0,
                "originality.any": 0.0,
            },
        )
        for prompt in range(prompts)
        for number in range(samples)
    ]


def chosen(rng, **better: dict[str, float]) -> str | None:
    control = answers(rng)
    changes = {f"n{i}": compare(LOG, control, answers(rng)) for i in range(9 - len(better))}
    changes |= {name: compare(LOG, control, answers(rng, **effect)) for name, effect in better.items()}
    best = choose(judge_all(changes))
    return best.name if best else None


@pytest.mark.slow
def test_chance_alone_is_hardly_ever_chosen():
    rng = np.random.default_rng(0)
    trials = [chosen(rng) for _ in range(40)]
    assert len(trials) == 40 and sum(name is not None for name in trials) <= 4, "5% of 40 is 2"


def test_a_real_effect_is_found_and_the_larger_one_is_taken():
    rng = np.random.default_rng(1)
    found = [chosen(rng, good={"voice": 1.0}) for _ in range(10)]
    assert found.count("good") >= 9
    assert [chosen(rng, good={"voice": 0.8}, best={"voice": 3.0}) for _ in range(5)] == ["best"] * 5
    assert [chosen(rng, good={"kept": 1.0}) for _ in range(5)].count("good") >= 3, "rules alone can decide"


def test_more_voice_at_the_price_of_relevance_is_refused():
    rng = np.random.default_rng(2)
    control = answers(rng)
    judged = judge_all(
        {"bought": compare(LOG, control, answers(rng, voice=3.0, relevance=-0.4)), "same": compare(LOG, control, answers(rng))}
    )
    assert judged[0].gains == (VOICE,) and judged[0].losses == (RELEVANCE,) and judged[0].verdict == "worse: relevance"
    assert choose(judged) is None
    assert chosen(rng, bought={"voice": 3.0, "relevance": -0.4}, honest={"voice": 1.0}) == "honest"


def test_copies_and_loops_are_losses_too():
    rng = np.random.default_rng(3)
    control, loud = answers(rng), answers(rng, voice=3.0)
    for key, title in (("originality.any", "copied"), ("degenerate.any", "loops or empty")):
        bad = [s.model_copy(update={"scores": s.scores | {key: 1.0}}) for s in loud]
        (judged,) = judge_all({"bad": compare(LOG, control, bad)})
        assert judged.losses == (key,) and judged.verdict == f"worse: {title}" and choose([judged]) is None


def test_answers_are_paired_and_a_measure_of_too_few_prompts_is_unknown():
    rng = np.random.default_rng(4)
    control = answers(rng)
    shuffled = [control[i] for i in rng.permutation(len(control))]
    for change in compare(LOG, control, shuffled).values():
        assert change.change.mean == 0 and change.verdict == "no significant difference"
    brief = [s if s.prompt_id < "p04" else s.model_copy(update={"scores": {KEPT: s.scores[KEPT]}}) for s in control]
    assert list(compare(LOG, control, brief)) == [KEPT] and compare(LOG, control, []) == {}
    assert choose(judge_all({"brief": compare(LOG, control, [])})) is None
