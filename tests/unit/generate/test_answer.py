from collections.abc import Iterator

from pete.config import GenerateConfig
from pete.data.render import Message, Renderer
from pete.engines.fake_engine import END, fake_base
from pete.generate.answer import answer_all
from pete.persona import PLAIN_TEMPLATE

RENDERER = Renderer(fake_base().folder, template=PLAIN_TEMPLATE, system="", context=2048)
STOPS = ("\n### Instruction:",)


class Scripted:
    """An engine that says what it is told to, row by row, one token a turn."""

    def __init__(self, *scripts: list[int]) -> None:
        self.scripts = scripts
        self.asked_after_done = 0

    def stream(self, prompts, sampling, eos, done=None) -> Iterator[tuple[int, int]]:
        for turn in range(max(map(len, self.scripts))):
            for row, script in enumerate(self.scripts):
                if turn < len(script):
                    if row in done:
                        self.asked_after_done += 1
                    else:
                        yield row, script[turn]


def ask(*scripts: list[int]):
    engine = Scripted(*scripts)
    heard: list[tuple[int, str]] = []
    turns = [[Message("user", "?")] for _ in scripts]
    answers = answer_all(engine, RENDERER, turns, GenerateConfig(), STOPS, lambda row, delta: heard.append((row, delta)))  # type: ignore[arg-type]
    return answers, heard, engine


def ids(text: str) -> list[int]:
    return RENDERER.encode(text)


def test_why_each_answer_ended_and_what_it_said():
    answers, heard, engine = ask([*ids("Done."), RENDERER.eos], ids("Cut sho"), ids("Mine.\n### Instruction:\nYours"), [RENDERER.eos])
    assert [a.stop for a in answers] == ["end", "length", "stop string", "end"]
    assert [a.text for a in answers] == ["Done.", "Cut sho", "Mine.", ""]
    for row, answer in enumerate(answers):
        assert "".join(delta for r, delta in heard if r == row) == answer.text
    assert engine.asked_after_done > 0, "the row that met its stop string was told to end"
    assert all(a.batch == 4 and 0 < a.first_token_seconds <= a.seconds for a in answers)
    assert [a.leaks_clean for a in answers] == [0, 0, 0, 0]


def test_leaks_are_counted_raw_and_never_shown():
    (answer,), _, _ = ask([*ids("a"), RENDERER.eos + 0, *ids("b")])  # an engine that runs on past the end mark
    assert answer.leaks_raw == 1 and answer.leaks_clean == 0
    assert END not in answer.text and END in answer.raw


def test_speed_is_tokens_after_the_first():
    (answer,), _, _ = ask([*ids("hello"), RENDERER.eos])
    assert answer.tokens == 6
    assert answer.tokens_per_second == 5 / (answer.seconds - answer.first_token_seconds)
