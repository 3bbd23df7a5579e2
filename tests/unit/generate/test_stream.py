import math
from collections.abc import Iterator
from dataclasses import asdict
from types import SimpleNamespace

import pytest

from pete.config import Config, GenerateConfig, ModelConfig
from pete.data.render import Message, Renderer
from pete.engines.fake import END, FakeEngine, fake_base
from pete.generate.extract import pieces_of
from pete.generate.request_parsing import RequestType
from pete.generate.rules import Validator
from pete.generate.stream import Tuned, answer_all
from pete.persona import PLAIN_TEMPLATE, Limit

RENDERER = Renderer(fake_base().folder, template=PLAIN_TEMPLATE, system="", context=2048)
STOPS = ("\n### Instruction:",)


class Scripted:
    """An engine that says what it is told to, row by row, one token a turn; `obeys` ends a row when it is told to."""

    def __init__(self, *scripts: list[int], obeys: bool = True) -> None:
        self.scripts = scripts
        self.obeys = obeys
        self.asked_after_done = 0

    def stream(self, prompts, sampling, ends, done=None, avoid=None) -> Iterator[tuple[int, int]]:
        for turn in range(max(map(len, self.scripts))):
            for row, script in enumerate(self.scripts):
                if turn < len(script):
                    if row in done and self.obeys:
                        self.asked_after_done += 1
                    else:
                        yield row, script[turn]


def ask(*scripts: list[int], obeys: bool = True):
    engine = Scripted(*scripts, obeys=obeys)
    heard: list[tuple[int, str]] = []
    turns = [[Message("user", "?")] for _ in scripts]
    answers = answer_all(engine, RENDERER, turns, GenerateConfig(), STOPS, lambda row, delta: heard.append((row, delta)))  # type: ignore[arg-type]
    return answers, heard, engine


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


def test_leaks_are_counted_raw_and_never_shown():
    (answer,), _, _ = ask([*ids("a"), RENDERER.eos + 0, *ids("b")], obeys=False)  # an engine that runs on past the end mark
    assert answer.leaks_raw == 1 and answer.leaks_clean == 0
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
    assert [(a.attempts, a.flags, a.first) for a in answers] == [(1, (), None)] * 4


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
    assert answers[0].text == once[0].text and answers[0].first is None, "none was better, so the first stays"
    assert answers[0].tokens_drawn > answers[0].tokens and answers[0].seconds > answers[1].seconds
    assert answers[0].first_token_seconds < answers[1].seconds


def test_a_better_attempt_keeps_the_first_beside_it():
    model = tuned()
    seen: list[str] = []

    def check(text, prompt, kind, stop):
        seen.append(text)
        return () if len(seen) > 4 else Validator({"all": Limit(words=0)}).check("one")  # type: ignore[call-arg]

    model.validator.check = check  # type: ignore[method-assign]
    answers = model.ask(ASKED, WARM.model_copy(update={"retries": 1}))
    once = tuned().ask(ASKED, WARM)
    for answer, first in zip(answers, once, strict=True):
        assert answer.first is not None and answer.first.text == first.text and answer.text != first.text
        assert answer.flags == () and answer.first.flags and answer.attempts == 2 and answer.how == "2nd try"
    assert asdict(answers[0])["first"]["text"] == once[0].text


def test_best_of_prefers_fewer_broken_rules_then_the_voice():
    sampling = WARM.model_copy(update={"best_of": 4})
    chosen = tuned().ask(ASKED, sampling, voice=lambda text: float(text.count("e")))
    rest = tuned().ask(ASKED, sampling, voice=lambda text: -float(text.count("e")))
    assert all((a.attempts, a.tries, a.how) == (4, 1, "best of 4") for a in chosen)
    assert all(a.text.count("e") >= b.text.count("e") for a, b in zip(chosen, rest, strict=True))
    assert any(a.text.count("e") > b.text.count("e") for a, b in zip(chosen, rest, strict=True))
    first = tuned().ask(ASKED, WARM)
    assert [(a.first or a).text for a in chosen] == [a.text for a in first], "the first of four is the one that is drawn alone"


def test_what_is_streamed_is_drawn_once_and_flagged():
    model = tuned(limits={"all": Limit(words=0)})  # type: ignore[call-arg]
    heard: list[str] = []
    sampling = WARM.model_copy(update={"retries": 2, "best_of": 3})
    (answer,) = model.ask(ASKED[:1], sampling, lambda _, delta: heard.append(delta))
    assert answer.attempts == 1 and "".join(heard) == answer.text and any("too long" in flag.words for flag in answer.flags)


def test_the_same_question_gets_the_same_answer_however_often_it_is_retried():
    model = tuned(limits={"all": Limit(words=0)})  # type: ignore[call-arg]
    sampling = WARM.model_copy(update={"retries": 2})
    first, second = model.ask(ASKED, sampling), model.ask(ASKED, sampling)
    assert [(a.text, a.raw, a.attempts) for a in first] == [(a.text, a.raw, a.attempts) for a in second]


def test_the_avoid_bias_switches_the_steering():
    letters = sorted(set("".join(a.raw for a in tuned().ask(ASKED, WARM)).lower()) & set("abcdefghijklmnopqrstuvwxyz"))
    assert letters
    phrases = tuple(f"{letter}*" for letter in letters)  # no word may begin with them
    free, steered = tuned(phrases), tuned(phrases)
    assert any(f.rule == "avoid" for a in free.ask(ASKED, WARM) for f in a.flags)
    answers = steered.ask(ASKED, WARM.model_copy(update={"avoid_bias": 100.0}))
    assert not any(f.rule == "avoid" for a in answers for f in a.flags)
    assert math.isclose(steered._avoid(100.0).strength, 100.0) and steered._avoid(0.0) is None  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["Plain words, 12.40.", "naïve café"])
def test_pieces_join_to_the_text(text):
    pieces = pieces_of(RENDERER)
    assert pieces[RENDERER.eos] == "" and len(pieces) == 257
    assert "".join(pieces[i] for i in ids(text) if i < 256).replace("\ufffd", "") == "".join(c for c in text if ord(c) < 128)
