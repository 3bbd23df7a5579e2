import copy
from collections.abc import Iterator
from types import SimpleNamespace

from pete.config import Config, GenerateConfig, ModelConfig
from pete.data.render import Message, Renderer
from pete.engines.fake import END, FakeEngine, fake_base
from pete.generate.request_parsing import RequestType
from pete.generate.rules import Validator
from pete.generate.stream import Tuned, answer_all, stream_answer
from pete.persona import PLAIN_TEMPLATE, Limit

RENDERER = Renderer(fake_base().folder, template=PLAIN_TEMPLATE, system="", context=2048)
STOPS = ("\n### Instruction:",)


class Scripted:
    """An engine that says what it is told to, row by row, one token a turn; `obeys` ends a row when it is told to."""

    def __init__(self, *scripts: list[int], obeys: bool = True) -> None:
        self.scripts = scripts
        self.obeys = obeys
        self.asked_after_done = 0

    def stream(self, prompts, sampling, ends, done=None) -> Iterator[tuple[int, int]]:
        for turn in range(max(map(len, self.scripts))):
            for row, script in enumerate(self.scripts):
                if turn < len(script):
                    if row in done and self.obeys:
                        self.asked_after_done += 1
                    else:
                        yield row, script[turn]


def ask(*scripts: list[int], obeys: bool = True):
    engine = Scripted(*scripts, obeys=obeys)
    turns = [[Message("user", "?")] for _ in scripts]
    deltas = list(stream_answer(engine, RENDERER, turns, GenerateConfig(), STOPS))  # type: ignore[arg-type]
    answers = {delta.row: delta.answer for delta in deltas if delta.answer is not None}
    assert len(answers) == len(scripts) == sum(delta.answer is not None for delta in deltas)
    return [answers[row] for row in range(len(scripts))], [(delta.row, delta.text) for delta in deltas], engine


def ids(text: str) -> list[int]:
    return RENDERER.encode(text)


def test_why_each_answer_ended_and_what_it_said():
    answers, heard, engine = ask(
        [*ids("Done."), RENDERER.eos], ids("Cut sho"), ids("Mine.\n### Instruction:\nYours"), [RENDERER.eos], ids("Again and " * 20)
    )
    assert [a.stop for a in answers] == ["end", "length", "stop string", "end", "loop"]
    assert [a.text for a in answers] == ["Done.", "Cut sho", "Mine.", "", "Again and"]
    for row, answer in enumerate(answers):
        assert "".join(delta for r, delta in heard if r == row) == answer.text
    assert engine.asked_after_done > len("\nYours"), "the rows that met a stop string or ran in circles were told to end"
    assert answers[4].tokens < len("Again and " * 20) and answers[4].raw.count("Again") > 3, "raw keeps the circles"
    assert all(a.batch == 5 and 0 < a.first_token_seconds <= a.seconds for a in answers)
    assert [a.leaks_clean for a in answers] == [0, 0, 0, 0, 0]


def test_an_engine_that_runs_on_past_the_end_mark_is_not_heard():
    (answer,), heard, _ = ask([*ids("a"), RENDERER.eos, *ids("b")], obeys=False)
    assert answer.leaks_raw == answer.leaks_clean == 0 and answer.tokens == 2
    assert (answer.text, answer.raw) == ("a", f"a{END}") and heard == [(0, "a"), (0, "")]


def test_leaks_are_counted_raw_and_never_shown():
    renderer = copy.copy(RENDERER)
    renderer.ends = frozenset()  # END is then a special token like any other
    engine = Scripted([*ids("a"), RENDERER.eos, *ids("b")])
    (answer,) = answer_all(engine, renderer, [[Message("user", "?")]], GenerateConfig(), STOPS)  # type: ignore[arg-type]
    assert answer.leaks_raw == 1 and answer.leaks_clean == 0 and answer.stop == "stop string"
    assert END not in answer.text and END in answer.raw and answer.text == "a"


def test_speed_is_tokens_after_the_first():
    (answer,), _, _ = ask([*ids("hello"), RENDERER.eos])
    assert answer.tokens == 6
    assert answer.tokens_per_second == 5 / (answer.seconds - answer.first_token_seconds)


# --- a tuned model, on the fake engine ---------------------------------------------------------------------------


def tuned(avoid: tuple[str, ...] = (), limits: dict[str, Limit] | None = None) -> Tuned:
    config = Config.model_validate({"engine": {"name": "fake"}, "model": {"base": "fake"}})
    engine = FakeEngine(config)
    engine.load(ModelConfig(base="fake"))
    lineage = SimpleNamespace(stop=(), avoid=avoid)
    return Tuned(engine, RENDERER, lineage, config, Validator(limits, {}, avoid))  # type: ignore[arg-type]


WARM = GenerateConfig(max_new_tokens=30, temperature=1.0, top_k=0, top_p=1.0)
ASKED = [[Message("user", f"Question {i}?")] for i in range(4)]


def test_an_answer_is_accepted_at_once_where_no_rule_is_broken():
    model = tuned()
    model.validator = SimpleNamespace(check=lambda *_: (), typical_words=lambda *_: None)  # type: ignore[assignment]
    answers = model.ask(ASKED, WARM.model_copy(update={"retries": 2}))
    assert [(a.attempts, a.flags) for a in answers] == [(1, ())] * 4


def test_only_what_broke_a_rule_is_drawn_again_and_the_time_counts_all():
    once = tuned().ask(ASKED, WARM)
    model, calls = tuned(limits={"odd": Limit(words=0)}), []  # type: ignore[call-arg]
    inner = model.engine.stream

    def stream(prompts, *args):
        calls.append(len(prompts))
        return inner(prompts, *args)

    model.engine.stream = stream  # type: ignore[method-assign]
    kinds = [RequestType("odd"), RequestType(), RequestType("odd"), RequestType()]
    model.validator.check = lambda text, prompt, kind, stop: tuned_check(kind)  # type: ignore[method-assign]

    def tuned_check(kind):
        return Validator({"odd": Limit(words=0)}).check("one word", "", kind)  # type: ignore[call-arg]

    answers = model.ask(ASKED, WARM.model_copy(update={"retries": 2}), kinds=kinds)
    assert calls == [4, 2, 2], "retries are batched, and only of the rows that failed"
    assert [(a.attempts, a.tries, a.how) for a in answers] == [(3, 3, "after 3 tries"), (1, 1, "")] * 2
    assert [len(a.flags) for a in answers] == [1, 0, 1, 0] and "at most 0" in answers[0].flags[0].words
    assert answers[0].text == once[0].text, "none was better, so the first stays"
    assert answers[0].tokens_drawn > answers[0].tokens and answers[0].seconds > answers[1].seconds
    assert answers[0].first_token_seconds < answers[1].seconds


def test_a_better_attempt_takes_the_place_of_the_first():
    model = tuned()
    checked: list[str] = []

    def check(text, prompt, kind, stop):
        checked.append(text)
        return () if len(checked) > 4 else Validator({"all": Limit(words=0)}).check("one")  # type: ignore[call-arg]

    model.validator.check = check  # type: ignore[method-assign]
    answers = model.ask(ASKED, WARM.model_copy(update={"retries": 1}))
    assert checked[:4] == [answer.text for answer in tuned().ask(ASKED, WARM)], "the first attempt is the answer that is drawn alone"
    for answer, first, second in zip(answers, checked[:4], checked[4:], strict=True):
        assert answer.text == second != first and answer.flags == () and answer.attempts == 2 and answer.how == "2nd try"


def test_best_of_prefers_fewer_broken_rules_then_the_voice():
    sampling = WARM.model_copy(update={"best_of": 4})
    model, checked = tuned(), []
    model.validator.check = lambda text, *_: checked.append(text) or ()  # type: ignore[method-assign,func-returns-value]
    chosen = model.ask(ASKED, sampling, voice=lambda text: float(text.count("e")))
    rest = tuned().ask(ASKED, sampling, voice=lambda text: -float(text.count("e")))
    assert all((a.attempts, a.tries, a.how) == (4, 1, "best of 4") for a in chosen)
    assert all(a.text.count("e") >= b.text.count("e") for a, b in zip(chosen, rest, strict=True))
    assert any(a.text.count("e") > b.text.count("e") for a, b in zip(chosen, rest, strict=True))
    assert len(checked) == 16 and checked[:4] == [a.text for a in tuned().ask(ASKED, WARM)], "the first of four is drawn as it is alone"


def test_what_is_streamed_is_drawn_once_and_flagged():
    model = tuned(limits={"all": Limit(words=0)})  # type: ignore[call-arg]
    deltas = list(model.stream(ASKED[0], WARM.model_copy(update={"retries": 2, "best_of": 3})))
    answer = deltas[-1].answer
    assert answer is not None and not any(delta.answer for delta in deltas[:-1])
    assert answer.attempts == 1 and "".join(delta.text for delta in deltas) == answer.text
    assert any("too long" in flag.words for flag in answer.flags) and answer.text == tuned().ask(ASKED[:1], WARM)[0].text


def test_the_answers_are_the_stream_folded():
    engine = Scripted(ids("Two words."), [*ids("One."), RENDERER.eos])
    turns = [[Message("user", "?")]] * 2
    assert [a.text for a in answer_all(engine, RENDERER, turns, GenerateConfig(), STOPS)] == ["Two words.", "One."]  # type: ignore[arg-type]


def test_a_system_message_is_of_its_conversation_only():
    model = tuned()
    told = [[Message("system", "Shout."), Message("user", "Question 0?")], [Message("user", "Question 0?")]]
    assert model.ask(told[1:], WARM)[0].raw == model.ask(told, WARM)[1].raw or model.renderer.system == ""
    assert model.renderer.answer_ids(told[0]) != model.renderer.answer_ids(told[1])


def test_the_same_question_gets_the_same_answer_however_often_it_is_retried():
    model = tuned(limits={"all": Limit(words=0)})  # type: ignore[call-arg]
    sampling = WARM.model_copy(update={"retries": 2})
    first, second = model.ask(ASKED, sampling), model.ask(ASKED, sampling)
    assert [(a.text, a.raw, a.attempts) for a in first] == [(a.text, a.raw, a.attempts) for a in second]
