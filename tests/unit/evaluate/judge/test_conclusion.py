import pytest

from pete.errors import DataError
from pete.evaluate.judge.conclusion import ControlResult, JudgedPair, JudgeResult, conclude, judge_result, sentences
from tests.unit.evaluate.conftest import log_of

CONTROLS = (ControlResult(kind="shuffled", passed=9, of=10), ControlResult(kind="looped", passed=8, of=10))


def result(outcomes: str, passed: int = 9) -> JudgeResult:
    """t, b, =, / (split), ? (unread), one prompt each; the tuned answer is the longer one in every second pair."""
    names = {"t": "tuned", "b": "base", "=": "tie", "/": "split", "?": "unread"}
    pairs = [
        JudgedPair.model_validate({"prompt_id": f"p{n}", "number": 0, "outcome": names[o], "longer": ("tuned", "base")[n % 2]})
        for n, o in enumerate(outcomes)
    ]
    controls = (ControlResult(kind="shuffled", passed=passed, of=10), CONTROLS[1])
    return JudgeResult(created="", url="u", model="m", controls=controls, pairs=tuple(pairs))


@pytest.mark.parametrize(
    ("outcomes", "passed", "conclusion", "reason"),
    [
        ("t" * 24, 9, "tuned preferred", ""),
        ("b" * 24, 9, "base preferred", ""),
        ("tb" * 12, 9, "no significant difference", ""),
        ("t" * 24, 7, "unfit", "it found 15 of 20 known winners, and 80% are needed"),
        ("?" * 24, 9, "no conclusion", "no pair was answered readably"),
        ("t" * 18 + "?" * 6, 9, "no conclusion", "only 18 of 24 pairs were answered readably, and 80% are needed"),
        (
            "t" * 16 + "/" * 8,
            9,
            "no conclusion",
            "the order of the answers decided too often: 67% judged alike in both, and 70% are needed",
        ),
    ],
)
def test_a_rate_only_from_a_judge_that_is_fit_readable_and_consistent(outcomes, passed, conclusion, reason):
    found = conclude(result(outcomes, passed), len(outcomes), 0)
    assert (found.conclusion, found.reason) == (conclusion, reason) and (found.win_rate is None) == bool(reason)
    lines = sentences(found)
    assert conclusion in lines[0] and reason in lines[0] and any("win rate" in line for line in lines) == (not reason)


def test_identical_answers_are_ties_that_prove_no_consistency():
    found = conclude(result("/" * 8 + "=" * 24), asked=8, identical=24)
    assert found.consistency == 0.0 and found.conclusion == "no conclusion"


def test_a_judge_that_only_likes_length_is_no_proof():
    pairs = [p.model_copy(update={"outcome": p.longer}) for p in result("t" * 40).pairs]
    longer = [p.model_copy(update={"longer": "tuned", "outcome": "tuned"}) for p in pairs[:30]]
    found = conclude(result("").model_copy(update={"pairs": (*longer, *pairs[30:])}), 40, 0)
    assert found.conclusion == "tuned preferred" and found.confounded and any("no proof" in line for line in sentences(found))


def test_a_log_keeps_the_result_as_plain_data():
    assert judge_result(log_of()) is None
    said = result("tt")
    assert judge_result(log_of(judge=said.model_dump(mode="json"))) == said
    with pytest.raises(DataError, match="damaged"):
        judge_result(log_of(judge={"model": "m"}))
