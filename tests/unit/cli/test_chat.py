import json
from dataclasses import dataclass, field
from types import SimpleNamespace

from pete.cli import chat
from pete.config import GenerateConfig
from pete.data.render import Message
from pete.errors import UserError
from pete.generate.rules import Violation


@dataclass
class Speaker:
    """Says its line word by word, and may be cut off."""

    words: list[str]
    cut_after: int | None = None
    error: UserError | None = None
    flags: tuple[Violation, ...] = ()
    asked: list[list[Message]] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    config: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(generate=GenerateConfig()))
    renderer: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(system="You are Ada."))

    def ask(self, conversations, sampling, on_text):
        self.asked.append(list(conversations[0]))
        self.seeds.append(sampling.seed)
        if self.error:
            raise self.error
        for number, word in enumerate(self.words):
            if number == self.cut_after:
                raise KeyboardInterrupt
            on_text(0, word)
        return [SimpleNamespace(flags=self.flags)]


def type_in(monkeypatch, *lines: str) -> None:
    """What a person types, and then the end of input."""
    left = iter(lines)

    def typed(_: str) -> str:
        try:
            return next(left)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", typed)


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


def test_what_streamed_is_flagged_afterwards_and_stays(capsys):
    turns: list[Message] = []
    flags = (Violation("length", "too long for a tagline (14 words, at most 10)", 0, 4), Violation("avoid", "says 'unlock'", 0, 4))
    chat._answer("A tagline", Speaker(["Long."], flags=flags), turns, seed=0)  # type: ignore[arg-type]
    seen = capsys.readouterr()
    assert seen.out == "Long.\n" and len(turns) == 2
    assert "(flagged: too long for a tagline (14 words, at most 10); says 'unlock'. /again draws another answer)" in seen.err
    chat._answer("Another", Speaker(["Short."]), turns, seed=1)  # type: ignore[arg-type]
    assert "flagged" not in capsys.readouterr().err


def test_again_asks_the_last_question_anew(monkeypatch, capsys):
    speaker = Speaker(["Yes."])
    type_in(monkeypatch, "/again", "One?", "/again", "/again", "Two?")
    chat._talk(speaker, GenerateConfig(seed=5))  # type: ignore[arg-type]
    assert [[m.content for m in asked] for asked in speaker.asked] == [["One?"], ["One?"], ["One?"], ["One?", "Yes.", "Two?"]]
    assert speaker.seeds == [5, 6, 7, 8], "another seed each time"
    assert "/again" in capsys.readouterr().err, "with nothing to repeat, it shows the help"


def test_system_changes_this_conversation_and_not_the_model(monkeypatch, capsys, tmp_path):
    speaker = Speaker(["Yes."])
    type_in(monkeypatch, "/system", "/system Be Bob.", "One?", "/again", f"/save {tmp_path / 'talk.json'}", "/reset", "Two?")
    chat._talk(speaker, GenerateConfig())  # type: ignore[arg-type]
    told = Message("system", "Be Bob.")
    assert speaker.asked == [[told, Message("user", question)] for question in ("One?", "One?", "Two?")]
    assert speaker.renderer.system == "You are Ada."
    assert "system: You are Ada." in capsys.readouterr().err
    saved = json.loads((tmp_path / "talk.json").read_text())
    assert saved["system"] == "Be Bob." and [m["role"] for m in saved["messages"]] == ["user", "assistant"]
