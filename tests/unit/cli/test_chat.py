from dataclasses import dataclass, field
from types import SimpleNamespace

from pete.cli import chat
from pete.config import GenerateConfig
from pete.data.render import Message
from pete.errors import UserError


@dataclass
class Speaker:
    """Says its line word by word, and may be cut off."""

    words: list[str]
    cut_after: int | None = None
    error: UserError | None = None
    asked: list[list[Message]] = field(default_factory=list)
    config: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(generate=GenerateConfig()))

    def ask(self, conversations, sampling, on_text):
        self.asked.append(list(conversations[0]))
        if self.error:
            raise self.error
        for number, word in enumerate(self.words):
            if number == self.cut_after:
                raise KeyboardInterrupt
            on_text(0, word)


def test_ctrl_c_stops_the_answer_keeps_what_was_said_and_goes_on(capsys):
    turns: list[Message] = []
    chat._answer("Tell me all", Speaker(["One. ", "Two. ", "Three."], cut_after=2), turns, seed=0)  # type: ignore[arg-type]
    assert "(stopped)" in capsys.readouterr().out
    assert turns == [Message("user", "Tell me all"), Message("assistant", "One. Two. ")]
    speaker = Speaker(["Yes."])
    chat._answer("Go on", speaker, turns, seed=1)  # type: ignore[arg-type]
    assert [m.content for m in speaker.asked[0]] == ["Tell me all", "One. Two. ", "Go on"]
    assert len(turns) == 4


def test_a_message_that_is_too_long_is_said_and_forgotten(capsys):
    turns: list[Message] = []
    chat._answer("x" * 9, Speaker([], error=UserError("too long", "shorten it")), turns, seed=0)  # type: ignore[arg-type]
    assert turns == [] and "too long (shorten it)" in capsys.readouterr().err
