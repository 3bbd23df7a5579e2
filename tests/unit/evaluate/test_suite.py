import json
from types import SimpleNamespace

import pytest

from pete.config import resolve
from pete.data.examples import Example, Question
from pete.errors import DataError
from pete.evaluate import suite as module
from pete.evaluate.suite import load_suite
from pete.generate.choose import Answer
from pete.generate.rewrite.choose import STRENGTHS
from pete.generate.rules import Violation
from pete.run import RunDir
from tests.unit.evaluate.conftest import PROSE


def suite(tmp_path, *rows):
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_prompts_bring_their_facts_and_checks(tmp_path):
    path = suite(tmp_path, {"prompt": "Two lines about Imke.", "facts": ["Imke"], "checks": {"lines": 2}}, {"prompt": "Anything."})
    first, second = load_suite(RunDir(tmp_path), path, None)
    assert (first.id, first.facts, first.checks) == ("general-1", ("Imke",), {"lines": 2}) and (second.facts, second.checks) == ((), {})


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"prompt": "?", "facts": "Imke"}, "facts: expected a list of texts, found 'Imke'"),
        ({"prompt": "?", "checks": ["lines"]}, 'checks: expected an object such as {"max_words": 80}'),
        ({"prompt": "?", "checks": {"line": 2}}, "there is no check 'line'; did you mean lines?"),
    ],
)
def test_what_cannot_be_checked_is_an_error_by_line(tmp_path, row, said):
    with pytest.raises(DataError) as caught:
        load_suite(RunDir(tmp_path), suite(tmp_path, {"prompt": "Fine."}, row), None)
    assert "mine.jsonl:2" in caught.value.message and said in caught.value.message


def test_two_prompts_with_one_id_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"the id 'a' is also that of .*mine\.jsonl:1"):
        load_suite(RunDir(tmp_path), suite(tmp_path, {"id": "a", "prompt": "One?"}, {"id": "a", "prompt": "Two?"}), None)


def test_the_first_of_each_category(tmp_path):
    rows = [{"prompt": f"{c}{n}?", "category": c} for n in range(3) for c in "ab"]
    assert [p.prompt for p in load_suite(RunDir(tmp_path), suite(tmp_path, *rows), 1)] == ["a0?", "b0?"]
    with pytest.raises(DataError, match="kept no evaluation prompts"):
        load_suite(RunDir(tmp_path / "nowhere"), None, None)


class Asked(SimpleNamespace):
    """A model that answers everything, and keeps how it was asked. With retries it breaks a rule twice."""

    def __init__(self, *overrides: str) -> None:
        super().__init__(
            config=resolve(overrides=list(overrides)).config,
            engine=SimpleNamespace(adapter_active=True, queues=False, guessed=(0, 0)),
            calls=[],
        )

    def ask(self, turns, sampling, kinds=None, voice=None):
        self.engine.guessed = self.engine.guessed[0] + 5, self.engine.guessed[1] + 3
        self.calls.append((self.engine.adapter_active, [t[-1].content for t in turns], sampling, kinds, voice))
        times = {"first_token_seconds": 0.1, "seconds": 2.0, "batch": len(turns)}
        bad = (Violation("length", "too short", 0, 3),)
        again = {"attempts": 2, "tokens_drawn": 8, "flags": bad} if sampling.retries else {}
        return [Answer("Fine.", "Fine.</s>", 5, "end", **times, leaks_raw=0, leaks_clean=0, **again) for _ in turns]


PROMPTS = [
    Question(id=f"p{n}", category=c, format=form, topic=f"t{n}", prompt=f"Ask {n}?", source=f"p:{n}")
    for n, (c, form) in enumerate([("ads", "tagline"), ("ads", ""), ("mail", "email")])
]


def test_answers_are_judged_by_category_and_format_and_kept_with_how_many_were_drawn():
    tuned = Asked("generate.retries=1", "evaluate.batch=2", "evaluate.samples=2")
    samples = module._generate(tuned, PROMPTS, [], lambda *_: None)
    assert len(tuned.calls) == 6 and len(samples) == 12
    assert [(k.category, k.format, k.topic) for k in tuned.calls[0][3]] == [("ads", "tagline", "t0"), ("ads", "", "t1")]
    base, mine = ([(asked, s.seed, kinds) for active, asked, s, kinds, _ in tuned.calls if active == who] for who in (False, True))
    assert base == mine and len({seed for _, seed, _ in base}) == 3, "the same prompts, seeds and kinds; every batch another seed"
    for s in samples:
        assert (s.text, s.attempts, s.tokens_drawn) == ("Fine.", 2, 8)
        assert [(f.rule, f.words, f.start, f.end) for f in s.flags] == [("length", "too short", 0, 3)]


def test_an_engine_whose_rows_queue_is_given_all_prompts_at_once():
    tuned = Asked("evaluate.batch=2", "evaluate.samples=2")
    tuned.engine.queues = True
    samples = module._generate(tuned, PROMPTS, [], lambda *_: None)
    assert [asked for _, asked, *_ in tuned.calls] == [[p.prompt for p in PROMPTS]] * 4
    assert len({s.seed for s in samples if s.model == "base"}) == 2, "each sample of a prompt with another seed"


def test_only_where_several_are_drawn_the_voice_helps_to_choose():
    rows = [Example(category="c", topic=f"t{n}", prompt="?", completion=f"{PROSE} {n}", source=f"x:{n}") for n in range(25)]
    for best_of, training, helps in ((1, rows, False), (2, rows, True), (2, rows[:2], False)):
        tuned = Asked(f"generate.best_of={best_of}")
        module._generate(tuned, PROMPTS, training, lambda *_: None)
        assert len(tuned.calls) == 2 and all((voice is not None) == helps for *_, voice in tuned.calls)


def test_without_drafts_no_prompt_is_encoded_for_examples():
    asked = [Question.model_validate({"id": "q", "prompt": "Why?"})]
    assert module._with_examples(SimpleNamespace(renderer=None), asked, [], print) == []  # type: ignore[arg-type]


def test_for_the_guard_as_many_are_drawn_as_pete_rewrite_draws_each_with_another_seed():
    tuned = Asked("evaluate.samples=2", "generate.best_of=2", "generate.retries=1", "generate.temperature=0.8")
    tuned.engine.queues, tuned.config = True, module._as_rewrites(tuned.config)
    measured = module._generate(tuned, PROMPTS, [], lambda *_: None)
    more = module._more_draws(tuned, PROMPTS, lambda *_: None)
    mine = [s for s in measured if s.model == "tuned"] + more
    assert len(mine) == 2 * STRENGTHS["normal"].draws * len(PROMPTS), "of the whole and, this being one sentence, as often again"
    assert len({(s.prompt_id, s.number) for s in mine}) == len(mine) and {s.prompt for s in mine} == {p.prompt for p in PROMPTS}
    drawn = {(s.temperature, s.best_of, s.retries) for _, _, s, _, _ in tuned.calls}
    assert drawn == {(0.8 * STRENGTHS["normal"].temperature, 1, 0)}, "base and tuned, measured or for the guard: as pete rewrite draws"
    asked = Asked("evaluate.samples=6")
    asked.engine.queues = True
    module._more_draws(asked, PROMPTS, lambda *_: None)
    assert len(asked.calls) == 1, "of the whole there are enough"


def test_speed_is_that_of_one_draw():
    tuned = Asked("generate.retries=2", "generate.best_of=4", "generate.max_new_tokens=200")
    rows = module._time_alone(tuned, PROMPTS, lambda *_: None)
    assert [(r.model, r.prompt_id) for r in rows] == [(m, p) for m in ("base", "tuned") for p in ("p2", "p0")]
    assert {(r.guessed, r.guessed_right) for r in rows} == {(5, 3)}, "of this answer"
    assert len(tuned.calls) == 6 and all((s.retries, s.best_of) == (0, 1) for _, _, s, _, _ in tuned.calls)
    assert [s.max_new_tokens for _, _, s, _, _ in tuned.calls] == [8, 64, 64] * 2, "its first tokens are as fast as all"
