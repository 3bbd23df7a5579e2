import json
import math
import random
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from pete.errors import DataError
from pete.evaluate.blind.record import (
    BlindTest,
    Pair,
    blind_tests,
    evidence,
    hash_of,
    interval,
    is_clear,
    new_file,
    new_seed,
    open_evaluation,
    pairs_of,
    unfinished,
    wins_needed,
)
from pete.evaluate.log import EvaluationLog
from pete.run import RunDir
from tests.unit.evaluate.conftest import log_of, sample

CATEGORIES = ("marketing", "copywriting", "service")


def an_evaluation(prompts: int = 12, samples: int = 2, say: str = "says") -> EvaluationLog:
    """Every answer says whose it is."""
    return log_of(samples=[
        sample(f"{model} {say} {n}.{k}", model=model, prompt_id=f"{c}-{n}", category=c, prompt=f"Ask {c} {n}?", number=k)
        for model in ("base", "tuned") for c in CATEGORIES for n in range(prompts) for k in range(samples)
    ])  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    run = RunDir(tmp_path / "r")
    an_evaluation().write(run.evaluation_file("suite"))
    return run


# --- when it is clear ------------------------------------------------------------------------------------------------


def chance(share: float, most: int, stops) -> float:
    """The exact chance that `stops(wins, losses)` is ever true within `most` decided pairs."""
    open_ways, stopped = {(0, 0): 1.0}, 0.0
    for _ in range(most):
        after: Counter[tuple[int, int]] = Counter()
        for (wins, losses), p in open_ways.items():
            after[(wins + 1, losses)] += p * share
            after[(wins, losses + 1)] += p * (1 - share)
        stopped += sum(p for way, p in after.items() if stops(*way))
        open_ways = {way: p for way, p in after.items() if not stops(*way)}
    return stopped


def test_a_fair_coin_is_called_clear_at_most_once_in_twenty_however_long_one_looks():
    found = [chance(0.5, most, is_clear) for most in (20, 40, 300)]
    assert found == sorted(found) and found[0] > 0.02 and found[-1] < 0.05


@pytest.mark.slow
def test_so_it_is_with_people_who_see_no_difference():
    log, draw, clear, tests = an_evaluation(7, 1), random.Random(0), 0, 400
    for number in range(tests):
        test, habit = BlindTest(run="r", evaluation="e", answers="h", seed=str(number)), draw.choice(["a", "b", ""])
        for pair in pairs_of(log, test.seed)[:20]:
            test = test.judge(pair, habit or draw.choice("aabb=s"))
            if test.preferred:
                clear += 1
                break
        else:
            assert len(test.pairs) == 20
    assert 0 < clear <= 0.05 * tests


def test_looking_after_each_pair_with_an_ordinary_interval_would_not_do():
    from pete.evaluate.stats import Rate

    assert (
        chance(
            0.5, 20, lambda wins, losses: wins + losses >= 5 and not Rate(wins, wins + losses).low < 0.5 < Rate(wins, wins + losses).high
        )
        > 0.1
    )


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.5, 0.6, 0.8, 0.95])
def test_the_interval_holds_the_truth_at_every_pair(share: float):
    misses = chance(share, 60, lambda wins, losses: not interval(wins, losses)[0] <= share <= interval(wins, losses)[1])
    assert 0.001 < misses < 0.05


def test_a_true_preference_is_found():
    assert chance(0.8, 20, is_clear) > 0.5 and chance(0.9, 20, is_clear) > 0.9 and chance(0.75, 60, is_clear) > 0.85


def test_clear_and_interval_are_one_rule():
    looked = 0
    for wins in range(25):
        for losses in range(25):
            low, high = interval(wins, losses)
            assert (low > 0.5 or high < 0.5) == is_clear(wins, losses)
            assert 0 <= low <= high <= 1 and interval(losses, wins) == pytest.approx((1 - high, 1 - low), abs=1e-9)
            looked += 1
    assert looked == 625 and interval(0, 0) == (0.0, 1.0) and evidence(0, 0) == pytest.approx(0)


@pytest.mark.parametrize(("wins", "losses", "share"), [(17, 3, 0.5), (7, 0, 0.5), (4, 9, 0.7), (0, 3, 0.2)])
def test_the_evidence_is_the_average_of_likelihood_ratios(wins: int, losses: int, share: float):
    angles = [(n + 0.5) / 4000 * math.pi / 2 for n in range(4000)]  # sin^2 of an even angle is Beta(1/2, 1/2)
    ratios = [(math.sin(x) ** 2 / share) ** wins * (math.cos(x) ** 2 / (1 - share)) ** losses for x in angles]
    assert evidence(wins, losses, share) == pytest.approx(math.log(math.fsum(ratios) / len(ratios)), abs=1e-6)


def test_the_wins_that_are_needed():
    needed = wins_needed(20)
    assert needed[:8] == [1, 2, 3, 4, 5, 6, 7, 7] and (needed[12], needed[16], needed[20]) == (11, 14, 17)
    assert all(is_clear(w, n - w) for n, w in enumerate(needed) if w <= n)


# --- pairs -----------------------------------------------------------------------------------------------------------


def test_each_prompt_once_categories_in_turn_and_a_shorter_test_is_a_prefix():
    pairs = pairs_of(an_evaluation(), "seed")
    assert len({pair.prompt_id for pair in pairs}) == len(pairs) == 36
    for most in (3, 20):
        counts = Counter(pair.prompt_id.split("-")[0] for pair in pairs[:most])
        assert set(counts) == set(CATEGORIES) and max(counts.values()) - min(counts.values()) <= 1
    assert pairs != pairs_of(an_evaluation(), "other seed") and new_seed() != new_seed()


def test_both_answers_are_the_same_sample_and_the_sides_are_thrown():
    sides = Counter()
    numbers = Counter()
    for seed in range(20):
        for pair in pairs_of(an_evaluation(), str(seed)):
            said = dict(re.findall(r"(base|tuned) says (\S+)", f"{pair.a}\n{pair.b}"))
            assert said["base"] == said["tuned"] == f"{pair.prompt_id.split('-')[1]}.{pair.number}"
            assert pair.a.startswith(pair.a_is)
            sides[pair.a_is] += 1
            numbers[pair.number] += 1
    assert sum(sides.values()) == 720 and abs(sides["base"] - 360) < 60 and abs(numbers[0] - 360) < 60


def test_sides_of_neighbours_know_nothing_of_each_other():
    sides = [pair.a_is for seed in range(30) for pair in pairs_of(an_evaluation(), str(seed))]
    same = sum(a == b for a, b in pairwise(sides))
    assert abs(same / (len(sides) - 1) - 0.5) < 0.06


def test_the_order_of_the_log_and_its_scores_move_nothing():
    log = an_evaluation()
    shuffled = log.model_copy(update={"samples": [s.model_copy(update={"scores": {"echo.any": 1.0}}) for s in reversed(log.samples)]})
    assert pairs_of(shuffled, "x") == pairs_of(log, "x") and hash_of(shuffled) == hash_of(log)
    other = log.model_copy(update={"samples": [log.samples[0].model_copy(update={"text": "changed"}), *log.samples[1:]]})
    assert hash_of(other) != hash_of(log)


def test_empty_and_equal_pairs_are_left_out_and_texts_are_scrubbed():
    texts = {"same": ("One  line.\n", "One line."), "empty": (" \x00\n", "Something."), "fine": ("\x1b[2JHello\u202e", "  Hi.\n")}
    samples = [
        sample(text, model=model, prompt_id=key, prompt="\x1b]0;mine\x07Ask?")
        for key, both in texts.items() for model, text in zip(("base", "tuned"), both, strict=True)
    ]  # fmt: skip
    (pair,) = pairs_of(log_of(samples=samples), "x")
    assert pair.prompt_id == "fine" and {pair.a, pair.b} == {"[2JHello", "Hi."} and pair.prompt == "]0;mineAsk?"


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ([sample("x", model="tuned")], "holds no answer of base"),
        ([sample("x", model="base")], "holds no answer of tuned"),
        ([], "base and tuned"),
        ([sample("x", model="base"), sample("x", model="tuned")], "no prompt has two different answers"),
        ([sample("x", model="base"), sample("y", model="tuned", number=1)], "no prompt has two different answers"),
    ],
)
def test_what_cannot_be_compared_is_said(samples, words):
    with pytest.raises(DataError, match=words) as error:
        pairs_of(log_of(samples=samples), "x", "suite.json")
    assert "suite.json" in error.value.message and "pete evaluate" in error.value.hint


# --- the record ------------------------------------------------------------------------------------------------------


def a_test(run: RunDir, choices: str, seed: str = "s", **facts: str) -> BlindTest:
    log = an_evaluation()
    test = BlindTest.model_validate({"run": run.name, "evaluation": "suite.json", "answers": hash_of(log), "seed": seed} | facts)
    for pair, choice in zip(pairs_of(log, seed), choices, strict=False):
        test = test.judge(pair, choice)  # type: ignore[arg-type]
    return test


def test_no_evaluation_names_the_next_command(tmp_path: Path):
    with pytest.raises(DataError) as error:
        open_evaluation(RunDir(tmp_path / "new"))
    assert error.value.hint == f"pete evaluate {tmp_path / 'new'}"


def test_counts_are_of_the_tuned_model():
    test = BlindTest(run="r", evaluation="e", answers="h", seed="s")
    for a_is, choice in (("tuned", "a"), ("base", "b"), ("base", "a"), ("tuned", "="), ("tuned", "s")):
        test = test.judge(Pair("p", 0, "?", "x", "y", a_is), choice)
    assert (test.wins, test.losses, test.ties, test.skipped, test.win_rate, test.preferred) == (2, 1, 1, 1, pytest.approx(2 / 3), None)


def test_what_is_written_is_read_and_no_evaluation_is_hidden(run: RunDir):
    log = an_evaluation()
    best = "".join("a" if pair.a_is == "tuned" else "b" for pair in pairs_of(log, "s"))
    test = a_test(run, best[:7])
    file = new_file(run)
    test.write(file)
    assert run.newest_evaluation() == run.evaluation_file("suite"), "a blind test is no evaluation"
    assert blind_tests(run) == {file: test} and test.preferred == "tuned"
    saved = json.loads(file.read_text())
    assert saved["version"] == 1 and saved["win_rate"] == 1.0 and len(saved["pairs"]) == 7


def test_no_test_is_ever_written_over(run: RunDir):
    files = set()
    for _ in range(4):
        file = new_file(run)
        a_test(run, "a").write(file)
        files.add(file)
    assert len(files) == len(blind_tests(run)) == 4


def test_a_test_that_was_left_goes_on_unless_it_is_over_or_of_other_answers(run: RunDir):
    log, file = an_evaluation(), new_file(run)
    a_test(run, "ab=").write(file)
    found = unfinished(run, log, 20)
    assert found is not None and found[0] == file and len(found[1].pairs) == 3
    assert unfinished(run, log, 3) is None, "three were asked for"
    assert unfinished(run, an_evaluation(5), 20) is None, "evaluated again since"
    run.evaluation_file("blind-damaged").write_text('{"wins": ')
    assert unfinished(run, log, 20) is not None
    a_test(run, "a", how="page").write(file)
    assert unfinished(run, log, 20) is None, "somebody else's page"
