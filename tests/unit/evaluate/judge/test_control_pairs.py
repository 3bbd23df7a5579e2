from pete.evaluate.judge.control_pairs import KINDS, control_pairs
from tests.unit.evaluate.conftest import log_of, sample
from tests.unit.evaluate.judge.test_judge import AUTHOR, ROWS, log


def test_they_are_corruptions_and_the_same_every_time():
    found = control_pairs(log(), ROWS)
    assert found == control_pairs(log(), ROWS[::-1]) and len(found) == 20
    assert [kind for kind in KINDS if any(pair.kind == kind for pair in found)] == list(KINDS)
    assert len({(p.kind, p.better) for p in found}) == 20
    for pair in found:
        words, worse = pair.better.split(), pair.worse.split()
        assert AUTHOR[pair.better] == pair.prompt and pair.worse != pair.better
        if pair.kind == "shuffled":
            assert sorted(words) == sorted(worse)
        elif pair.kind == "looped":
            assert len(worse) > len(words)
        else:
            assert AUTHOR[pair.worse] != pair.prompt


def test_another_answer_to_the_same_prompt_is_no_corruption():
    twins = [r.model_copy(update={"topic": "", "prompt": "Say something."}) for r in ROWS]
    assert {p.kind for p in control_pairs(log(), twins)} == {"shuffled", "looped"}
    strangers = [r.model_copy(update={"topic": ""}) for r in ROWS]
    assert {p.kind for p in control_pairs(log(), strangers)} == set(KINDS), "no topic: any other prompt is about something else"


def test_without_unseen_rows_the_answers_are_corrupted_and_loops_are_not():
    ten = [f"Line number {n} says that it rained on the harbour again today. Nobody minded but the gulls {n}." for n in range(10)]
    answers = [sample(text, prompt_id=f"p{n}", prompt=f"P{n}?", scores={"degenerate.any": float(n == 3)}) for n, text in enumerate(ten)]
    found = control_pairs(log_of(samples=answers), [])
    assert {p.kind for p in found} == {"shuffled", "looped"} and len(found) == 14 and ten[3] not in {p.better for p in found}
